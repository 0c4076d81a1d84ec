//! Matrices: products, decompositions, and what is solved with them.

mod compressed;
mod correlate;
mod decompose;
mod einsum;
mod measure;
mod pca;
mod product;
mod solve;

pub use compressed::Compressed;
pub use measure::Norm;

use super::{Array, Index, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, Kind};
use crate::kernels::Dense;

/// Bytes of matrices that are decomposed at once, where they come in pieces; and of those that are so where it takes
/// more than pieces of rows.
const SMALL: u64 = 1 << 20;
const MODERATE: u64 = 16 << 20;

/// The rows and columns of a matrix.
fn size(of: &Array, what: &str) -> Result<(u64, u64)> {
    match of.shape()[..] {
        [rows, columns] => Ok((rows, columns)),
        _ => Err(ArrayError::asked(format!(
            "{what} takes a matrix, of two dimensions, not an array of shape {:?}",
            of.shape()
        ))),
    }
}

/// The same values as numbers that matrices are decomposed of.
fn real(of: &Array, what: &str) -> Result<Array> {
    of.refuse_complex(what)?;
    match of.dtype() {
        DType::Plain(Kind::F32 | Kind::F64) => Ok(of.clone()),
        DType::Plain(_) => of.cast(Kind::F64.into()),
        other => Err(ArrayError::asked(format!("{what} of {other}: cast it to f64 first"))),
    }
}

/// In one chunk, which is computed once and given whole.
fn whole(of: &Array) -> Result<Array> {
    match of.grid().chunks() {
        Some(2..) => of.shared()?.rechunk(Grid::whole(&of.shape())),
        _ => of.rechunk(Grid::whole(&of.shape())),
    }
}

/// Computed once and given whole; and remembered, if it is small: whoever asks for one part of a decomposition asks
/// for another.
fn once(of: &Array) -> Result<Array> {
    let shared = of.shared()?;
    Ok(if shared.bytes() <= MODERATE { shared.remembered() } else { shared })
}

/// What is made of whole matrices, result by result.
fn dense(dense: Dense, of: &[Array]) -> Result<Vec<Array>> {
    let sizes = of.iter().map(|matrix| size(matrix, dense.name())).collect::<Result<Vec<_>>>()?;
    let kind = of.iter().map(Array::kind).fold(Kind::F32, Kind::with);
    let parts = dense.parts(&sizes).map_err(ArrayError::Asked)?;
    let inputs = of.iter().map(|matrix| whole(&matrix.cast(kind.into())?));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let length = dense.length(&sizes).ok_or_else(|| {
        ArrayError::asked(format!("{} of matrices larger than can be counted", dense.name()))
    })?;
    let form =
        Form { dtype: kind.into(), grid: Grid(vec![Cuts::even(length, length)]), dims: vec![None] };
    let all = once(&Array::step(Step::Dense(dense), inputs, form)?)?;
    let mut first = 0_i64;
    let results = parts.into_iter().map(|shape| {
        let length: u64 = shape.iter().product();
        let end = first + length as i64;
        let part = Index::Slice { start: Some(first), stop: Some(end), step: None };
        first = end;
        let lengths: Vec<i64> = shape.iter().map(|length| *length as i64).collect();
        all.index(&[part])?.reshape(&lengths)
    });
    results.collect()
}

fn parts<const COUNT: usize>(results: Vec<Array>) -> Result<[Array; COUNT]> {
    results.try_into().map_err(|_| ArrayError::asked("a decomposition has other parts"))
}

/// One result.
fn only(results: Vec<Array>) -> Result<Array> {
    parts(results).map(|[one]| one)
}

/// Two results.
fn two(results: Vec<Array>) -> Result<(Array, Array)> {
    parts(results).map(|[one, two]| (one, two))
}

/// Three results.
fn three(results: Vec<Array>) -> Result<(Array, Array, Array)> {
    parts(results).map(|[one, two, three]| (one, two, three))
}

/// The dimensions of a matrix: the names of its rows and of its columns.
fn names(of: &Array) -> (Option<String>, Option<String>) {
    let name = |at: usize| of.dims().get(at).cloned().flatten();
    (name(0), name(1))
}

/// With names, unless both are the same.
fn called(of: &Array, rows: Option<String>, columns: Option<String>) -> Result<Array> {
    let rows = rows.filter(|rows| Some(rows) != columns.as_ref());
    of.named(vec![rows, columns])
}
