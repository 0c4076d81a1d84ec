//! How series go together when one is moved: at all lags at once, piece by piece along time.

use super::product::fit;
use super::{Array, Index, Result, Step, real, size};
use crate::array::{ArrayError, Cuts, Grid};
use crate::kernels::{Binary, Reduce};
use crate::lazy::Scalar;

/// Bytes of a piece of either side. What is moved has more of it, before and after, which is made again: pieces are
/// longer than chunks may be.
const PIECE: u64 = 32 << 20;

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
        if lags >= length.max(1) {
            return Err(ArrayError::asked(format!(
                "{lags} lags of series of {length} values: there are at most {}",
                length.saturating_sub(1)
            )));
        }
        let all = match lags {
            0 => left.matmul(&right.transposed()?)?.expand(0, None)?,
            lags => left.at_all_lags(&right, lags)?,
        };
        let count = Self::full(&[], Scalar::Float(length as f64), all.dtype())?;
        all.binary(Binary::Div, &count)
    }

    /// For each lag, the products of all rows, moved by that, with all rows of another.
    fn at_all_lags(&self, other: &Self, lags: u64) -> Result<Self> {
        let kind = self.kind().with(other.kind());
        let (left, right) = (self.cast(kind.into())?, other.cast(kind.into())?);
        let cuts = |of: &Self, axis: usize| {
            let cuts = of.grid().0.get(axis).cloned();
            cuts.unwrap_or(Cuts::even(0, 1))
        };
        let all = lags.saturating_mul(2).saturating_add(1);
        let mut grid = Grid(vec![Cuts::even(all, all), cuts(&left, 0), cuts(&right, 0)]);
        fit(&mut grid, kind, &[&left, &right]);
        let [at_once, rows, columns] = [0, 1, 2].map(|at| grid.0.get(at).map_or(1, Cuts::longest));
        let [again_right, again_left] = [1, 2].map(|at| grid.0.get(at).map_or(1, Cuts::pieces));
        let (left, right) = (left.made_once(again_left)?, right.made_once(again_right)?);
        let a_step = rows.max(columns).max(1) * kind.width() as u64;
        let along = if rows >= columns { cuts(&left, 1) } else { cuts(&right, 1) };
        let along = along.up_to((PIECE / a_step).max(at_once));
        let pieces = along.pieces();
        let step = Step::Correlate { lags, over: along };
        Self::sum_of_pieces(step, vec![left, right], pieces, kind, (grid, vec![None; 3]))
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
    let mean = of.reduce_keeping(Reduce::Mean, false, &[1])?;
    let spread = of.reduce_keeping(Reduce::Std { ddof: 0 }, false, &[1])?;
    let made = of.binary(Binary::Sub, &mean)?.binary(Binary::Div, &spread)?;
    Ok((made, length))
}
