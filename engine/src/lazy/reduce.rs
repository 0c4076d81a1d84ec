//! One value of many.

use super::{Array, Result, Step};
use crate::array::{ArrayError, Cuts, Form, Grid};
use crate::kernels::Reduce;

impl Array {
    /// One value of all those along some dimensions, which go. All dimensions, where none are named.
    pub fn reduce(&self, reduce: Reduce, skip_nan: bool, axes: &[usize]) -> Result<Self> {
        let mut reduced = vec![axes.is_empty(); self.ndim()];
        for axis in axes {
            match reduced.get_mut(*axis) {
                Some(seen @ false) => *seen = true,
                Some(true) if axes.len() > 1 || !axes.is_empty() => {
                    return Err(ArrayError::asked(format!("axis {axis} is named twice")));
                }
                _ => {
                    return Err(ArrayError::asked(format!(
                        "axis {axis} is out of range for an array of {} dimensions",
                        self.ndim()
                    )));
                }
            }
        }
        let places = matches!(reduce, Reduce::ArgMin | Reduce::ArgMax);
        if places && axes.len() > 1 && axes.len() < self.ndim() {
            return Err(ArrayError::asked(
                "argmin and argmax go along one dimension, or along all",
            ));
        }
        let mut lengths = self.shape().into_iter().zip(&reduced).filter(|(_, gone)| **gone);
        if matches!(reduce, Reduce::Min | Reduce::Max | Reduce::ArgMin | Reduce::ArgMax)
            && lengths.any(|(length, _)| length == 0)
        {
            return Err(ArrayError::asked(format!(
                "an array of shape {:?} has no {}: there are no values along what is reduced",
                self.shape(),
                reduce.name()
            )));
        }
        if self.is_of_time() {
            return self.reduce_of_time(reduce, skip_nan, axes);
        }
        let dtype = reduce.result(self.kind()).into();
        let kept = |(at, _): &(usize, &Cuts)| reduced.get(*at) == Some(&false);
        let cuts = self.grid().0.iter().enumerate().filter(kept).map(|(_, cuts)| cuts.clone());
        let grid = Grid(cuts.collect());
        let dims = self.dims().iter().zip(&reduced).filter(|(_, gone)| !**gone);
        let dims = dims.map(|(name, _)| name.clone()).collect();
        let step = Step::Reduce { reduce, skip_nan, axes: reduced };
        Self::step(step, vec![self.clone()], Form { dtype, grid, dims })
    }

    /// The same with dimensions of length 1 in the place of those that went.
    pub fn reduce_keeping(&self, reduce: Reduce, skip_nan: bool, axes: &[usize]) -> Result<Self> {
        let made = self.reduce(reduce, skip_nan, axes)?;
        self.put_back(made, |at| axes.is_empty() || axes.contains(&at))
    }

    /// Dimensions of length 1 in the place of those that are gone from `reduced`.
    pub(super) fn put_back(&self, reduced: Self, gone: impl Fn(usize) -> bool) -> Result<Self> {
        let subscripts: Vec<super::Index> = (0..self.ndim())
            .map(|at| if gone(at) { super::Index::New } else { super::Index::ALL })
            .collect();
        reduced.index(&subscripts)?.named(self.dims().to_vec())
    }
}
