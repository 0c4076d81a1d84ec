//! Several values of many: counts in bins, the largest, and what lies at fractions.

use super::{Array, Index, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, Kind};
use crate::kernels::{Edges, Floats, Interpolation, Lanes, Summary};

/// The bins of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub enum Bins {
    /// So many, equally wide, from the first number to the second.
    Even(u64, f64, f64),
    /// Between these edges, which increase.
    Between(Vec<f64>),
}

impl Array {
    /// What lies at these fractions (0 to 1) of the values in order along some dimensions, or along all
    /// where none are named. A new first dimension has the answers. Lanes are computed whole: a dimension
    /// that is cut is put together for it.
    pub fn quantiles(
        &self,
        at: &[f64],
        how: Interpolation,
        skip_nan: bool,
        axes: &[usize],
    ) -> Result<Self> {
        self.is_plain("quantile", axes)?;
        let lanes = Lanes::Quantiles { at: at.into(), how, skip_nan };
        lanes.result(self.kind()).map_err(ArrayError::Asked)?;
        let gone = self.gone(axes)?;
        let all = || (0..self.ndim()).zip(&gone);
        let kept: Vec<usize> = all().filter(|(_, gone)| !**gone).map(|(at, _)| at).collect();
        let last: Vec<usize> = all().filter(|(_, gone)| **gone).map(|(at, _)| at).collect();
        let shape = self.shape();
        let empty = last.iter().any(|axis| shape.get(*axis) == Some(&0));
        if empty && !(self.kind().is_float() && skip_nan || how == Interpolation::Mean) {
            return Err(ArrayError::asked(format!(
                "an array of shape {shape:?} has no quantiles along axes {last:?}: there are no values"
            )));
        }
        let order: Vec<usize> = kept.iter().chain(&last).copied().collect();
        self.transpose(&order)?.lanes(lanes, kept.len(), last.len())?.last_first()
    }

    /// The value in the middle of those along some dimensions, or the mean of the two.
    pub fn median(&self, skip_nan: bool, axes: &[usize]) -> Result<Self> {
        self.is_plain("median", axes)?;
        self.quantiles(&[0.5], Interpolation::Mean, skip_nan, axes)?.index(&[Index::At(0)])
    }

    /// About what lies at these fractions: values whose rank is off by some 0.5 % of all, and less near the
    /// ends. Chunks are taken one by one, and what is kept of them does not grow with how many there are.
    pub fn quantiles_about(&self, at: &[f64], skip_nan: bool, axes: &[usize]) -> Result<Self> {
        self.is_plain("quantile", axes)?;
        self.summarize(Summary::Quantiles { at: at.into(), skip_nan }, axes)?.last_first()
    }

    /// How many values lie in each bin. The last bin has its right edge, too; what is not a number is in
    /// none. Also the edges, as values of this type have them.
    pub fn histogram(&self, bins: &Bins) -> Result<(Self, Vec<f64>)> {
        self.is_plain("histogram", &[])?;
        let edges = match bins {
            Bins::Even(count, low, high) => Edges::even(*count, *low, *high),
            Bins::Between(edges) => Edges::between(edges),
        };
        let edges = edges.map_err(ArrayError::Asked)?;
        let told = match bins {
            Bins::Even(..) => edges.of_kind(self.kind()),
            Bins::Between(edges) => edges.clone(),
        };
        Ok((self.summarize(Summary::Histogram(edges), &[])?, told))
    }

    /// How often each of the numbers from 0 on is there, up to and without `length`.
    pub fn bincount(&self, length: u64) -> Result<Self> {
        self.is_plain("bincount", &[])?;
        self.summarize(Summary::Counts { length }, &[])
    }

    /// The `k` largest values along a dimension, the largest first; the smallest first where `k` is
    /// negative. What is not a number counts as the largest. With `places`, where they are.
    pub fn topk(&self, k: i64, axis: usize, places: bool) -> Result<Self> {
        self.has_axis(axis)?;
        self.refuse_complex("topk")?;
        if self.is_of_time() {
            return match places {
                true => self.none_last()?.topk(k, axis, places),
                false => self.ordered(|counts| counts.topk(k, axis, places)),
            };
        }
        let length = self.shape().get(axis).copied().unwrap_or(0);
        let count = k.unsigned_abs().min(length);
        let top = self.summarize(Summary::Top { count, least: k < 0, places }, &[axis])?;
        // What was chosen lies last, and belongs where the dimension was.
        let mut order: Vec<usize> = (0..top.ndim() - 1).collect();
        order.insert(axis, top.ndim() - 1);
        top.transpose(&order)?.named(self.dims().to_vec())
    }

    /// Which of the bins between these edges each value lies in: 0 below the first, and so on. A bin has
    /// its left edge, or its right one with `right`.
    pub fn digitize(&self, edges: &[f64], right: bool) -> Result<Self> {
        self.is_plain("digitize", &[])?;
        let edges = Floats::from(edges);
        crate::kernels::falling(&edges).map_err(ArrayError::Asked)?;
        let form = Form { dtype: Kind::I64.into(), ..self.form().clone() };
        Self::step(Step::Digitize { edges, right }, vec![self.clone()], form)
    }

    /// The values in order along a dimension, what is not a number last; with `places`, where they are.
    pub fn sort(&self, axis: usize, places: bool) -> Result<Self> {
        self.has_axis(axis)?;
        self.refuse_complex("the order of values")?;
        if self.is_of_time() {
            return match places {
                true => self.none_last()?.sort(axis, places),
                false => self.ordered(|counts| counts.sort(axis, places)),
            };
        }
        self.lanes(if places { Lanes::ArgSort } else { Lanes::Sort }, axis, 1)
    }

    /// Several values of all those along some dimensions, or along all; they lie along a new last one.
    pub(crate) fn summarize(&self, summary: Summary, axes: &[usize]) -> Result<Self> {
        let gone = self.gone(axes)?;
        let kind = summary.result(self.kind()).map_err(ArrayError::Asked)?;
        let dtype = if kind == self.kind() { self.dtype() } else { kind.into() };
        let kept = |(at, _): &(usize, &Cuts)| gone.get(*at) == Some(&false);
        let cuts = self.grid().0.iter().enumerate().filter(kept).map(|(_, cuts)| cuts.clone());
        let length = summary.length();
        let grid = Grid(cuts.chain([Cuts::even(length, length)]).collect());
        let dims = self.dims().iter().zip(&gone).filter(|(_, gone)| !**gone);
        let dims = dims.map(|(name, _)| name.clone()).chain([None]).collect();
        let form = Form { dtype, grid, dims };
        Self::step(Step::Summarize { summary, axes: gone }, vec![self.clone()], form)
    }

    /// Which dimensions go: these, or all.
    fn gone(&self, axes: &[usize]) -> Result<Vec<bool>> {
        let mut gone = vec![axes.is_empty(); self.ndim()];
        for axis in axes {
            self.has_axis(*axis)?;
            match gone.get_mut(*axis) {
                Some(seen @ false) => *seen = true,
                _ => return Err(ArrayError::asked(format!("axis {axis} is named twice"))),
            }
        }
        Ok(gone)
    }

    /// The last dimension before the others.
    fn last_first(&self) -> Result<Self> {
        let last = self.ndim().saturating_sub(1);
        let order: Vec<usize> = std::iter::once(last).chain(0..last).collect();
        let mut dims: Vec<Option<String>> = vec![None];
        dims.extend(self.dims().iter().take(last).cloned());
        self.transpose(&order)?.named(dims)
    }

    /// Fails unless these are numbers: real ones, unless the dimension of both parts is among these.
    fn is_plain(&self, what: &str, axes: &[usize]) -> Result<()> {
        if !self.has_single_values(axes) {
            self.refuse_complex(what)?;
        }
        match self.dtype() {
            DType::Plain(_) => Ok(()),
            other => Err(ArrayError::asked(format!("{other} has no {what}: cast it to i64 first"))),
        }
    }
}
