//! What matrices are solved for.

use super::{Array, Result, dense, only, real, size};
use crate::array::ArrayError;
use crate::kernels::{Dense, Unary};
use crate::lazy::Index;

impl Array {
    /// What this square matrix times it is `other`: a column, or a matrix of several.
    pub fn solve(&self, other: &Self) -> Result<Self> {
        let matrix = real(self, "solve")?;
        with_columns(&real(other, "solve")?, |other| only(dense(Dense::Solve, &[matrix, other])?))
    }

    /// The inverse of a square matrix.
    pub fn inv(&self) -> Result<Self> {
        only(dense(Dense::Inverse, &[real(self, "inv")?])?)
    }

    /// The shortest of those that this matrix times comes closest to `other`: a column, or a matrix of several. The
    /// matrix may have far more rows than fit into memory.
    pub fn lstsq(&self, other: &Self) -> Result<Self> {
        let matrix = real(self, "lstsq")?;
        let (rows, columns) = size(&matrix, "lstsq")?;
        let other = real(other, "lstsq")?;
        if other.shape().first() != Some(&rows) {
            return Err(ArrayError::asked(format!(
                "lstsq takes as many values as there are rows: {rows}, not a shape of {:?}",
                other.shape()
            )));
        }
        with_columns(&other, |other| {
            let closest =
                |matrix, other| only(dense(Dense::LeastSquares { rows }, &[matrix, other])?);
            if rows < 8 * columns {
                return closest(matrix, other);
            }
            let (basis, triangle) = matrix.qr()?;
            closest(triangle, basis.transposed()?.matmul(&other)?)
        })
    }

    /// The determinant of a square matrix.
    pub fn det(&self) -> Result<Self> {
        let both = only(dense(Dense::Determinant, &[real(self, "det")?])?)?;
        let (log, sign) = (both.index(&[Index::At(0)])?, both.index(&[Index::At(1)])?);
        log.unary(Unary::Exp)?.binary(crate::kernels::Binary::Mul, &sign)
    }
}

/// What is done to columns, done to one.
fn with_columns(other: &Array, does: impl FnOnce(Array) -> Result<Array>) -> Result<Array> {
    match other.ndim() {
        1 => does(other.index(&[Index::ALL, Index::New])?)?.index(&[Index::ALL, Index::At(0)]),
        _ => does(other.clone()),
    }
}
