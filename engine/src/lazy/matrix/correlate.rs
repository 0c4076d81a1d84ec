//! How series go together when one is moved: a product for each lag, whose sums are made piece by piece along time.

use super::{Array, Result, real, size};
use crate::array::ArrayError;
use crate::kernels::{Binary, Reduce};
use crate::lazy::Index;

/// More lags than this are more products than anybody waits for.
const MOST_LAGS: u64 = 10_000;

impl Array {
    /// How each row of one matrix goes with each row of another so many steps later, from `lags` steps before to
    /// `lags` steps after: `r[lag, i, j]` is the mean over all columns of what row `i` and row `j` have, both less
    /// their mean and over their standard deviation; beyond the ends there is nothing.
    pub fn cross_correlation(&self, other: &Self, lags: u64) -> Result<Self> {
        let (left, length) = standardized(self)?;
        let (right, others) = match self.same_as(other) {
            true => (left.clone(), length),
            false => standardized(other)?,
        };
        if length != others {
            return Err(ArrayError::asked(format!(
                "cross_correlation of series of {length} and of {others} values: they must be as long"
            )));
        }
        if lags >= length.max(1) || lags > MOST_LAGS {
            return Err(ArrayError::asked(format!(
                "{lags} lags of series of {length} values: there are at most {}",
                length.saturating_sub(1).min(MOST_LAGS)
            )));
        }
        let right = right.transposed()?;
        let lags = lags as i64;
        let products = (-lags..=lags).map(|lag| {
            let (start, stop) = (lag.max(0), length as i64 + lag.min(0));
            let part =
                |from: i64, to: i64| Index::Slice { start: Some(from), stop: Some(to), step: None };
            // What is later in the second is earlier in the first.
            let first = left.index(&[Index::ALL, part(start - lag, stop - lag)])?;
            let second = right.index(&[part(start, stop)])?;
            first.matmul(&second)?.expand(0, None)
        });
        let all = Self::concatenate(&products.collect::<Result<Vec<_>>>()?, 0)?;
        let count = Self::full(&[], crate::lazy::Scalar::Float(length as f64), all.dtype())?;
        all.binary(Binary::Div, &count)
    }
}

/// Each row less its mean, over its standard deviation; and how long rows are.
fn standardized(of: &Array) -> Result<(Array, u64)> {
    let of = real(of, "cross_correlation")?;
    let of = match of.ndim() {
        1 => of.index(&[Index::New, Index::ALL])?,
        _ => of,
    };
    let (_, length) = size(&of, "cross_correlation")?;
    let of = of.named(vec![None, None])?;
    let mean = of.reduce_keeping(Reduce::Mean, false, &[1])?.shared()?;
    let spread = of.reduce_keeping(Reduce::Std { ddof: 0 }, false, &[1])?.shared()?;
    let made = of.binary(Binary::Sub, &mean)?.binary(Binary::Div, &spread)?;
    Ok((made, length))
}
