//! The largest singular values of a matrix that nobody could hold: a few passes over it.
//!
//! ```text
//! W = orthonormal basis of Xᵀ(X W), again and again     one pass each: a block of rows is multiplied twice
//! X W = Q R,   R = U' s V'                              one pass; R is tiny
//! u = Q U',  v = V' Wᵀ                                  if anybody computes u, of X W, or in another pass
//! ```
//!
//! The matrix is read again for each pass, and never kept; neither is anything as tall as it, unless its columns
//! are cut, or that is little: `X W` has few of them.

use super::decompose::tall;
use super::{Array, MODERATE, Result, called, dense, names, once, real, size, three};
use crate::array::{ArrayError, Cuts, Grid, Kind};
use crate::kernels::{Dense, Distribution};
use crate::lazy::Index;

/// What a compressed decomposition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compressed {
    /// How many singular values.
    pub k: u64,
    /// How many more directions are looked along.
    pub oversample: u64,
    /// How often the directions are multiplied with the matrix and its transpose before they are looked along.
    pub iterations: u32,
    /// Where they begin.
    pub seed: u64,
}

impl Compressed {
    /// So many singular values, with what is usual otherwise.
    pub fn new(k: u64) -> Self {
        Self { k, oversample: 10, iterations: 2, seed: 0 }
    }
}

/// Bytes of what is as tall as the matrix and kept, where two ask for it.
const HANDY: u64 = 256 << 20;

/// Bytes of a block of rows, and the fewest rows that multiply well.
const BLOCK: u64 = 4 << 20;
const FEWEST: u64 = 256;

impl Array {
    /// The `k` largest singular values, about, with their left vectors as columns and right vectors as rows.
    pub fn svd_compressed(&self, asked: Compressed) -> Result<(Self, Self, Self)> {
        let kind = real(self, "svd_compressed")?.kind();
        let (rows, columns) = size(self, "svd_compressed")?;
        if asked.k == 0 || asked.k > rows.min(columns) {
            return Err(ArrayError::asked(format!(
                "a matrix of {rows} × {columns} has {} singular values: k is from 1 to that, not {}",
                rows.min(columns),
                asked.k
            )));
        }
        let (row_name, column_name) = names(self);
        let of = self.named(vec![None, None])?;
        let (left, values, right) = if rows >= columns {
            tall_compressed(&of, kind, asked)?
        } else {
            let (left, values, right) = tall_compressed(&of.transposed()?, kind, asked)?;
            (right.transposed()?, values, left.transposed()?)
        };
        Ok((called(&left, row_name, None)?, values, called(&right, None, column_name)?))
    }
}

/// The parts are of this kind of floats, of which products are made.
fn tall_compressed(of: &Array, kind: Kind, asked: Compressed) -> Result<(Array, Array, Array)> {
    let (rows, columns) = size(of, "svd_compressed")?;
    let directions = asked.k.saturating_add(asked.oversample).min(columns).min(rows);
    let of = in_blocks(of)?;
    let grid = Grid::whole(&[columns, directions]);
    let normal = Distribution::Normal { mean: 0.0, std: 1.0 };
    let mut along = Array::random(normal, asked.seed, kind, grid)?;
    for _ in 0..=asked.iterations {
        along = once(&tall(&twice(&of, &along)?.shared()?)?.0)?;
    }
    let shown = of.matmul(&along)?;
    let shown = if shown.bytes() <= HANDY { shown.shared()? } else { shown };
    let (basis, triangle) = tall(&shown)?;
    let (left, values, right) = three(dense(Dense::Svd, &[triangle])?)?;
    let first = Index::Slice { start: None, stop: Some(asked.k as i64), step: None };
    let left = basis.matmul(&left.index(&[Index::ALL, first.clone()])?)?;
    let values = values.index(std::slice::from_ref(&first))?;
    let right = right.index(&[first])?.matmul(&along.transposed()?)?;
    Ok((left, values, right))
}

/// `Xᵀ (X W)`. Where rows are whole, a block of them is made once for both products.
fn twice(of: &Array, along: &Array) -> Result<Array> {
    let rows = of.grid().0.get(1).cloned().into_iter();
    let columns = along.shape().into_iter().skip(1).map(|length| Cuts::even(length, length));
    let grid = Grid(rows.chain(columns).collect());
    of.transposed()?.contract_into(&of.matmul(along)?, 0, 1, grid)
}

/// The same in blocks of whole rows, unless it is stored otherwise.
fn in_blocks(of: &Array) -> Result<Array> {
    let (rows, columns) = size(of, "svd_compressed")?;
    if !is_cut_anyhow(of) {
        return Ok(of.clone());
    }
    let row = columns.max(1) * of.dtype().width() as u64;
    let count = (BLOCK / row).max(FEWEST);
    of.rechunk(Grid(vec![Cuts::even(rows, count), Cuts::even(columns, columns)]))
}

/// Whether any box of an array takes no longer to make than its values: nothing that is stored in chunks is read.
fn is_cut_anyhow(of: &Array) -> bool {
    // What barriers come to is given whole, unless it is large.
    let given = |step: &Array| step.op().is_barrier() && step.bytes() <= MODERATE;
    !of.has_step(given, |step| step.op().is_barrier() || step.is_stored())
}
