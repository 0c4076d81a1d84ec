//! Principal components.

use super::{Array, Compressed, Result, called, names, real, size};
use crate::array::ArrayError;
use crate::kernels::{Binary, Reduce};
use crate::lazy::Scalar;

impl Array {
    /// Each row is a sample of some variables. What the samples are along the directions in which they differ most,
    /// the directions as rows, and the variance along each; all directions, or so many, about.
    pub fn pca(&self, asked: Option<Compressed>) -> Result<(Self, Self, Self)> {
        let of = real(self, "pca")?;
        let (rows, _) = size(&of, "pca")?;
        if rows < 2 {
            return Err(ArrayError::asked("pca of fewer than two samples: they do not differ"));
        }
        let (row_name, column_name) = names(self);
        let of = of.named(vec![None, None])?;
        let mean = of.reduce_keeping(Reduce::Mean, false, &[0])?;
        let centred = of.binary(Binary::Sub, &mean)?;
        let (left, values, right) = match asked {
            Some(asked) => centred.svd_compressed(asked)?,
            None => centred.svd()?,
        };
        let scores = left.binary(Binary::Mul, &values)?;
        let squares = values.binary(Binary::Mul, &values)?;
        let count = Scalar::Float((rows - 1) as f64);
        let variance = squares.binary_with(Binary::Div, count, false)?;
        Ok((called(&scores, row_name, None)?, called(&right, None, column_name)?, variance))
    }
}
