//! One value of each group of places along a dimension.

use super::{Array, Index, Result, Scalar, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid};
use crate::kernels::{Grouped, Reduce};

impl Array {
    /// One value of all those whose places along a dimension have the same label, and of all along some other
    /// dimensions. Labels are numbers from 0 on, below `groups`; a place without a label is left out. The dimension
    /// becomes one of groups.
    ///
    /// A chunk is taken in as it comes, into the groups that it has: how they lie among the chunks does not matter.
    pub fn group(
        &self,
        reduce: Reduce,
        skip_nan: bool,
        axis: usize,
        labels: (&[Option<u32>], u32),
        others: &[usize],
    ) -> Result<Self> {
        let what = format!("{} of groups", reduce.name());
        let is_sum = matches!(reduce, Reduce::Sum | Reduce::Mean);
        let of = self.for_sums(&what, is_sum, skip_nan, &[&[axis], others].concat())?;
        of.group_cells(reduce, skip_nan, axis, labels, others)
    }

    /// The same of cells, as SQL has them: a part of a complex number is one.
    pub(crate) fn group_cells(
        &self,
        reduce: Reduce,
        skip_nan: bool,
        axis: usize,
        (labels, groups): (&[Option<u32>], u32),
        others: &[usize],
    ) -> Result<Self> {
        self.has_axis(axis)?;
        let DType::Plain(kind) = self.dtype() else {
            return Err(ArrayError::asked(format!(
                "groups of {}: cast it to i64 first",
                self.dtype()
            )));
        };
        if self.shape().get(axis) != Some(&(labels.len() as u64)) {
            return Err(ArrayError::asked(format!(
                "{} labels for dimension {axis} of shape {:?}",
                labels.len(),
                self.shape()
            )));
        }
        let mut axes = vec![false; self.ndim()];
        for gone in std::iter::once(&axis).chain(others) {
            self.has_axis(*gone)?;
            match axes.get_mut(*gone) {
                Some(seen @ false) => *seen = true,
                _ => return Err(ArrayError::asked(format!("axis {gone} is named twice"))),
            }
        }
        if groups as usize > labels.len() {
            return Err(ArrayError::asked(format!("{groups} groups of {} places", labels.len())));
        }
        let labels = labels.iter().map(|label| label.filter(|label| *label < groups));
        let labels = labels.map(|label| label.unwrap_or(u32::MAX)).collect();
        let group = Grouped { reduce, skip_nan, axis, labels, groups };
        let dtype = group.result(kind).map_err(ArrayError::Asked)?.into();
        let kept = |at: &usize| axes.get(*at) == Some(&false);
        let cuts = (0..self.ndim()).filter(kept).filter_map(|at| self.grid().0.get(at).cloned());
        let length = u64::from(groups);
        let grid = Grid([Cuts::even(length, length)].into_iter().chain(cuts).collect());
        let names = (0..self.ndim()).filter(kept).map(|at| self.dims().get(at).cloned().flatten());
        let dims: Vec<Option<String>> = [None].into_iter().chain(names).collect();
        let before = (0..axis).filter(kept).count();
        let form = Form { dtype, grid, dims };
        let made = match groups {
            0 => Self::filled_with(Scalar::Unsigned(0), dtype, form.grid)?.named(form.dims)?,
            _ => Self::step(Step::Group { group, axes }, vec![self.clone()], form)?,
        };
        // Groups lie first, and belong where the dimension was.
        let mut order: Vec<usize> = (1..made.ndim()).collect();
        order.insert(before, 0);
        made.transpose(&order)
    }

    /// What each place of a dimension has of groups: the other way round. Each place has a label.
    pub fn ungroup(&self, axis: usize, labels: &[u32]) -> Result<Self> {
        self.has_axis(axis)?;
        let mut shown = vec![Index::ALL; axis];
        shown.push(Index::Places(labels.iter().map(|label| i64::from(*label)).collect()));
        self.index(&shown)
    }
}
