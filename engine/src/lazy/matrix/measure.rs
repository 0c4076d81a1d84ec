//! How large matrices are, and how their rows go together.

use super::{Array, Result, real};
use crate::array::{ArrayError, DType, Kind};
use crate::kernels::{Binary, Reduce, Unary};
use crate::lazy::{Index, Scalar};

/// How the size of a vector or a matrix is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Norm {
    /// The root of the sum of squares.
    Euclid,
    /// Of a vector: the root of this power of the sum of values to this power; the largest value of an infinity,
    /// the smallest of a negative one; of 0, how many values are not 0. Of a matrix: 1 and infinity are the largest
    /// sum of a column and of a row, negative ones the smallest, and 2 and -2 the largest and smallest singular
    /// value.
    Power(f64),
    /// The sum of the singular values.
    Nuclear,
}

impl Array {
    /// The size of all values, of the vectors along one dimension, or of a matrix. Without dimensions, all values
    /// are one vector, unless the norm is that of a matrix.
    pub fn norm(&self, norm: Norm, axes: &[usize]) -> Result<Self> {
        let of = real(self, "norm")?;
        let matrix = of.ndim() == 2 && (axes.is_empty() || axes == [0, 1]);
        match norm {
            Norm::Euclid => {
                let squares = of.binary(Binary::Mul, &of)?;
                squares.reduce(Reduce::Sum, false, axes)?.unary(Unary::Sqrt)
            }
            Norm::Power(power) if of.ndim() == 1 || axes.len() == 1 => of.vector_norm(power, axes),
            Norm::Power(power) if matrix && power.abs() == 2.0 => {
                let (_, values, _) = of.svd()?;
                values.index(&[Index::At(if power > 0.0 { 0 } else { -1 })])
            }
            Norm::Power(power) if matrix && (power.abs() == 1.0 || power.is_infinite()) => {
                let along = usize::from(power.is_infinite());
                let sums = of.unary(Unary::Abs)?.reduce(Reduce::Sum, false, &[along])?;
                sums.reduce(if power > 0.0 { Reduce::Max } else { Reduce::Min }, false, &[])
            }
            Norm::Nuclear if matrix => of.svd()?.1.reduce(Reduce::Sum, false, &[]),
            Norm::Power(_) | Norm::Nuclear => Err(ArrayError::asked(format!(
                "there is no such norm of an array of shape {:?}: name the dimension of the vectors",
                self.shape()
            ))),
        }
    }

    fn vector_norm(&self, power: f64, axes: &[usize]) -> Result<Self> {
        let sizes = self.unary(Unary::Abs)?;
        if power == 0.0 {
            let counted = self.binary_with(Binary::Ne, Scalar::Signed(0), false)?;
            return counted.reduce(Reduce::Sum, false, axes)?.cast(self.dtype());
        }
        if power.is_infinite() {
            let reduce = if power > 0.0 { Reduce::Max } else { Reduce::Min };
            return sizes.reduce(reduce, false, axes);
        }
        let powers = sizes.binary_with(Binary::Pow, Scalar::Float(power), false)?;
        let sum = powers.reduce(Reduce::Sum, false, axes)?;
        sum.binary_with(Binary::Pow, Scalar::Float(1.0 / power), false)
    }

    /// How rows go together: each row is a variable, each column has a value of each. `ddof` is taken from how many
    /// there are.
    pub fn cov(&self, ddof: u64) -> Result<Self> {
        let of = real(self, "cov")?;
        let of = match of.ndim() {
            1 => of.index(&[Index::New, Index::ALL])?,
            _ => of,
        };
        let (_, count) = super::size(&of, "cov")?;
        let mean = of.reduce_keeping(Reduce::Mean, false, &[1])?;
        let centred = of.binary(Binary::Sub, &mean)?;
        let centred = centred.named(vec![None, None])?;
        let products = centred.matmul(&centred.transposed()?)?;
        let count = count as f64 - ddof as f64;
        let made = products.binary_with(Binary::Div, Scalar::Float(count.max(0.0)), false)?;
        match self.ndim() {
            1 => made.index(&[Index::At(0), Index::At(0)]),
            _ => Ok(made),
        }
    }

    /// How rows go together, from -1 to 1.
    pub fn corrcoef(&self) -> Result<Self> {
        self.refuse_complex("corrcoef")?;
        let cov = self.cov(1)?;
        if cov.ndim() == 0 {
            return cov.binary(Binary::Div, &cov);
        }
        // What is on the diagonal, brought to one of each row.
        let cov = cov.shared()?;
        let rows = cov.shape().first().copied().unwrap_or(0);
        let diagonal = Self::eye(rows, rows, 0, DType::Plain(Kind::Bool))?;
        let nothing = Self::full(&[], Scalar::Float(0.0), cov.dtype())?;
        let variances = diagonal.select(&cov, &nothing)?.reduce(Reduce::Sum, false, &[1])?;
        let deviations = variances.unary(Unary::Sqrt)?;
        let down = deviations.index(&[Index::ALL, Index::New])?;
        let scaled = cov.binary(Binary::Div, &down)?.binary(Binary::Div, &deviations)?;
        let bound = |of: Self, binary, number| of.binary_with(binary, Scalar::Float(number), false);
        bound(bound(scaled, Binary::Maximum, -1.0)?, Binary::Minimum, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_that_are_not_there_are_refused() {
        let x = Array::eye(3, 4, 0, Kind::F64.into()).unwrap();
        assert!(x.norm(Norm::Power(3.0), &[]).is_err());
        assert!(x.norm(Norm::Power(3.0), &[0]).is_ok());
        assert!(x.reduce(Reduce::Sum, false, &[0]).unwrap().norm(Norm::Nuclear, &[]).is_err());
    }
}
