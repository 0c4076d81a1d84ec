//! Decompositions: QR and singular values of matrices of any size along one dimension.

use super::{
    Array, MODERATE, Result, SMALL, called, dense, names, once, only, real, size, three, two,
};
use crate::array::{Cuts, Form, Grid};
use crate::kernels::Dense;
use crate::lazy::{Index, Step};

/// Bytes of rows that are decomposed at once, where nobody's chunks say so.
const PIECE: u64 = 16 << 20;

impl Array {
    /// An orthonormal basis Q and a triangle R with `Q R` this matrix; the diagonal of R is not negative.
    ///
    /// A tall matrix is decomposed piece by piece of its rows, which are read twice: for R, and for Q if that is
    /// computed.
    pub fn qr(&self) -> Result<(Self, Self)> {
        let of = real(self, "qr")?;
        let (rows, columns) = size(&of, "qr")?;
        let (row_name, column_name) = names(self);
        let (basis, triangle) = if rows >= columns {
            tall(&of)?
        } else if of.bytes() <= MODERATE {
            at_once(&of)?
        } else {
            // The first columns have the basis, and all of them are made of it.
            let square = Index::Slice { start: None, stop: Some(rows as i64), step: None };
            let (basis, _) = tall(&of.index(&[Index::ALL, square])?)?;
            let triangle = basis.transposed()?.matmul(&of)?;
            (basis, triangle)
        };
        Ok((called(&basis, row_name, None)?, called(&triangle, None, column_name)?))
    }

    /// Left vectors as columns, singular values from the largest on, and right vectors as rows. Signs do not
    /// depend on how the matrix is cut.
    pub fn svd(&self) -> Result<(Self, Self, Self)> {
        let of = real(self, "svd")?;
        let (rows, columns) = size(&of, "svd")?;
        let (row_name, column_name) = names(self);
        let square = rows < 8 * columns && columns < 8 * rows;
        let (left, values, right) = if of.bytes() <= SMALL || (square && of.bytes() <= MODERATE) {
            three(dense(Dense::Svd, &[of])?)?
        } else if rows >= columns {
            tall_svd(&of)?
        } else {
            let (left, values, right) = tall_svd(&of.transposed()?)?;
            (right.transposed()?, values, left.transposed()?)
        };
        Ok((called(&left, row_name, None)?, values, called(&right, None, column_name)?))
    }

    /// The eigenvalues of a symmetric matrix, the smallest first, and its eigenvectors as columns. What is above
    /// the diagonal is not looked at.
    pub fn eigh(&self) -> Result<(Self, Self)> {
        two(dense(Dense::Eigen, &[real(self, "eigh")?])?)
    }

    /// The lower triangle L of `L Lᵀ`. What is above the diagonal is not looked at.
    pub fn cholesky(&self) -> Result<Self> {
        only(dense(Dense::Cholesky, &[real(self, "cholesky")?])?)
    }

    /// A permutation P, a lower triangle L with ones on its diagonal, and an upper one U, with `P L U` this matrix.
    pub fn lu(&self) -> Result<(Self, Self, Self)> {
        three(dense(Dense::Lu, &[real(self, "lu")?])?)
    }
}

fn at_once(of: &Array) -> Result<(Array, Array)> {
    two(dense(Dense::Qr, std::slice::from_ref(of))?)
}

/// The singular values of a matrix are those of its triangle.
fn tall_svd(of: &Array) -> Result<(Array, Array, Array)> {
    let (basis, triangle) = tall(of)?;
    let (left, values, right) = three(dense(Dense::Svd, &[triangle])?)?;
    Ok((basis.matmul(&left)?, values, right))
}

/// The QR decomposition of a matrix that has no more columns than rows.
pub(super) fn tall(of: &Array) -> Result<(Array, Array)> {
    let (rows, columns) = size(of, "qr")?;
    let of = in_rows(of)?;
    let Some(cuts) = of.grid().0.first().cloned() else { return at_once(&of) };
    if of.bytes() <= SMALL || columns == 0 || cuts.pieces() <= 1 || rows < 8 * columns {
        return at_once(&of);
    }
    let height = cuts.pieces() * columns;
    let form = |grid: Grid| Form { dtype: of.dtype(), grid, dims: vec![None, None] };
    let grid = Grid(vec![Cuts::even(height, columns), Cuts::even(columns, columns)]);
    let stack = Array::step(Step::Triangles(cuts.clone()), vec![of.clone()], form(grid))?;
    // Small next to the matrix, and a matrix of the same kind.
    let (turns, triangle) = tall(&stack.shared()?)?;
    let inputs = vec![of.clone(), once(&turns)?];
    let basis = Array::step(Step::Bases(cuts), inputs, form(of.grid().clone()))?;
    Ok((basis, triangle))
}

/// The same, in pieces of whole rows that are several times as many as there are columns.
fn in_rows(of: &Array) -> Result<Array> {
    let (rows, columns) = size(of, "qr")?;
    let width = of.dtype().width() as u64;
    let least = (4 * columns).max(1);
    let cuts = match &of.grid().0[..] {
        [cuts, whole] if whole.pieces() <= 1 && cuts.longest() >= least => cuts.clone(),
        [cuts, whole] if whole.pieces() <= 1 => {
            cuts.up_to(least.max(PIECE / (width * columns.max(1))))
        }
        _ => Cuts::even(rows, least.max(PIECE / (width * columns.max(1)))),
    };
    of.rechunk(Grid(vec![without_short(cuts, columns)?, Cuts::even(columns, columns)]))
}

/// The same, where pieces shorter than that are parts of their neighbours.
fn without_short(cuts: Cuts, least: u64) -> Result<Cuts> {
    let all = || (0..cuts.pieces()).map(|at| cuts.piece(at)).map(|piece| piece.end - piece.start);
    if cuts.pieces() <= 1 || all().all(|length| length >= least) {
        return Ok(cuts);
    }
    let mut lengths: Vec<u64> = Vec::new();
    for length in all() {
        match lengths.last_mut() {
            Some(last) if length < least || *last < least => *last += length,
            _ => lengths.push(length),
        }
    }
    Cuts::of_lengths(&lengths)
}
