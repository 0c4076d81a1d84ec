//! Other shapes of the same values.

use super::index::Index;
use super::view::{Axis, View};
use super::{Array, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, cells};

/// So many places are named one by one.
pub(super) const MOST_PLACES: u64 = 1 << 24;

impl Array {
    /// The dimensions in another order.
    pub fn transpose(&self, order: &[usize]) -> Result<Self> {
        let shape = self.shape();
        let mut axes = vec![Axis::At(0); shape.len()];
        for (along, axis) in order.iter().enumerate() {
            match axes.get_mut(*axis) {
                Some(one @ Axis::At(_)) => *one = Axis::Along { along, start: 0, step: 1 },
                _ => return Err(self.unfit_order(order)),
            }
        }
        if order.len() != shape.len() {
            return Err(self.unfit_order(order));
        }
        let lengths = order.iter().filter_map(|axis| shape.get(*axis).copied()).collect();
        let dims = order.iter().map(|axis| self.dims().get(*axis).cloned().flatten()).collect();
        self.viewed(View { axes, shape: lengths }, dims)
    }

    fn unfit_order(&self, order: &[usize]) -> ArrayError {
        ArrayError::asked(format!(
            "{order:?} does not name each of the {} dimensions once",
            self.ndim()
        ))
    }

    /// The dimensions in reverse order.
    pub fn transposed(&self) -> Result<Self> {
        let order: Vec<usize> = (0..self.ndim()).rev().collect();
        self.transpose(&order)
    }

    /// The other way round along some dimensions.
    pub fn flip(&self, axes: &[usize]) -> Result<Self> {
        let backwards = Index::Slice { start: None, stop: None, step: Some(-1) };
        let one = |at| if axes.contains(&at) { backwards.clone() } else { Index::ALL };
        self.index(&(0..self.ndim()).map(one).collect::<Vec<_>>())
    }

    /// Without dimensions of length 1: these, or all there are.
    pub fn squeeze(&self, axes: &[usize]) -> Result<Self> {
        let shape = self.shape();
        if let Some(axis) = axes.iter().find(|axis| shape.get(**axis).is_none_or(|n| *n != 1)) {
            return Err(ArrayError::asked(format!(
                "axis {axis} of shape {shape:?} cannot go: its length is not 1"
            )));
        }
        let goes = |(at, length): (usize, &u64)| {
            let gone = if axes.is_empty() { *length == 1 } else { axes.contains(&at) };
            if gone { Index::At(0) } else { Index::ALL }
        };
        self.index(&shape.iter().enumerate().map(goes).collect::<Vec<_>>())
    }

    /// With a new dimension of length 1 before this place.
    pub fn expand(&self, axis: usize, name: Option<String>) -> Result<Self> {
        if axis > self.ndim() {
            return Err(ArrayError::asked(format!(
                "axis {axis} is out of range for a new dimension of {}",
                self.ndim() + 1
            )));
        }
        let mut subscripts = vec![Index::ALL; self.ndim()];
        subscripts.insert(axis, Index::New);
        let mut dims = self.dims().to_vec();
        dims.insert(axis, name);
        self.index(&subscripts)?.named(dims)
    }

    /// The same everywhere along dimensions of length 1, and along new ones before the first.
    pub fn broadcast_to(&self, shape: &[u64]) -> Result<Self> {
        let unfit = || {
            ArrayError::asked(format!(
                "an array of shape {:?} cannot be shown as {shape:?}",
                self.shape()
            ))
        };
        let skipped = shape.len().checked_sub(self.ndim()).ok_or_else(unfit)?;
        let mut axes = Vec::with_capacity(self.ndim());
        for (at, length) in self.shape().into_iter().enumerate() {
            axes.push(match shape.get(at + skipped) {
                Some(wide) if length == *wide => {
                    Axis::Along { along: at + skipped, start: 0, step: 1 }
                }
                Some(_) if length == 1 => Axis::At(0),
                _ => return Err(unfit()),
            });
        }
        let mut dims = vec![None; skipped];
        dims.extend(self.dims().iter().cloned());
        self.viewed(View { axes, shape: shape.to_vec() }, dims)
    }

    /// One after the other along a dimension.
    pub fn concatenate(arrays: &[Self], axis: usize) -> Result<Self> {
        let Some(first) = arrays.first() else {
            return Err(ArrayError::asked("nothing to concatenate"));
        };
        let dtype = common_dtype(arrays)?;
        let mut pieces = Vec::new();
        for array in arrays {
            let others = |a: &Self| {
                let mut shape = a.shape();
                (axis < shape.len()).then(|| shape.remove(axis))?;
                Some(shape)
            };
            if others(array).is_none() || others(array) != others(first) {
                return Err(ArrayError::asked(format!(
                    "arrays of shape {:?} and {:?} do not fit together along axis {axis}",
                    first.shape(),
                    array.shape()
                )));
            }
            if let Some(cuts) = array.grid().0.get(axis) {
                let piece = |at| {
                    let piece = cuts.piece(at);
                    piece.end - piece.start
                };
                if cuts.pieces() > MOST_PLACES / 16 {
                    return Err(ArrayError::asked(format!(
                        "{} pieces along a dimension are too many to put together: rechunk first",
                        cuts.pieces()
                    )));
                }
                pieces.extend((0..cuts.pieces()).map(piece));
            }
        }
        let mut grid = first.grid().clone();
        if let Some(cuts) = grid.0.get_mut(axis) {
            *cuts = Cuts::of_lengths(&pieces)?;
        }
        let form = Form { dtype, grid, dims: first.dims().to_vec() };
        let inputs = arrays.iter().map(|array| array.cast(dtype)).collect::<Result<_>>()?;
        Self::step(Step::Concat(axis), inputs, form)
    }

    /// Beside one another along a new dimension.
    pub fn stack(arrays: &[Self], axis: usize, name: Option<&str>) -> Result<Self> {
        let name = name.map(str::to_string);
        let wider = arrays.iter().map(|array| array.expand(axis, name.clone()));
        Self::concatenate(&wider.collect::<Result<Vec<_>>>()?, axis)
    }

    /// Moved along a dimension; what leaves at one end comes in at the other.
    pub fn roll(&self, shift: i64, axis: usize) -> Result<Self> {
        let length = self.grid().0.get(axis).map_or(0, Cuts::length);
        let Some(shift) = i64::try_from(length).ok().and_then(|n| shift.checked_rem_euclid(n))
        else {
            return Ok(self.clone());
        };
        if shift == 0 {
            return Ok(self.clone());
        }
        let part = |start, stop| {
            let mut subscripts = vec![Index::ALL; axis];
            subscripts.push(Index::Slice { start, stop, step: None });
            self.index(&subscripts)
        };
        Self::concatenate(&[part(Some(-shift), None)?, part(None, Some(-shift))?], axis)
    }

    /// Each value so many times in a row along a dimension.
    pub fn repeat(&self, times: u64, axis: usize) -> Result<Self> {
        let length = self.grid().0.get(axis).map_or(0, Cuts::length);
        let all = length.checked_mul(times).ok_or_else(|| ArrayError::asked("too many repeats"))?;
        if all > MOST_PLACES {
            return Err(ArrayError::asked(format!(
                "{all} places along a dimension are too many to name"
            )));
        }
        let places: Vec<u64> = (0..all).map(|at| at / times.max(1)).collect();
        self.take(axis, &places)
    }

    /// All of it so many times along a dimension.
    pub fn tile(&self, times: u64, axis: usize) -> Result<Self> {
        if times > MOST_PLACES / 1024 {
            return Err(ArrayError::asked(format!("{times} times are too many")));
        }
        match times {
            0 => self.take(axis, &[]),
            times => {
                Self::concatenate(&vec![self.clone(); usize::try_from(times).unwrap_or(0)], axis)
            }
        }
    }

    /// The same values in the same order, in another shape. One length may be left open (`-1`).
    pub fn reshape(&self, shape: &[i64]) -> Result<Self> {
        let shape = self.whole_shape(shape)?;
        if shape == self.shape() {
            return Ok(self.clone());
        }
        // Cut along the first dimension alone: such chunks are rows of what they are made of.
        let row = cells(shape.get(1..).unwrap_or_default()).unwrap_or(u64::MAX).max(1);
        let most = self.grid().largest().unwrap_or(u64::MAX).max(1);
        let cuts = shape.iter().enumerate().map(|(at, length)| match at {
            0 => Cuts::even(*length, (most / row).max(1)),
            _ => Cuts::even(*length, *length),
        });
        let grid = Grid(cuts.collect());
        let form = Form { dtype: self.dtype(), dims: vec![None; shape.len()], grid };
        Self::step(Step::Reshape, vec![self.clone()], form)
    }

    fn whole_shape(&self, shape: &[i64]) -> Result<Vec<u64>> {
        let unfit = || {
            ArrayError::asked(format!(
                "an array of shape {:?} has no shape {shape:?}",
                self.shape()
            ))
        };
        let open = shape.iter().filter(|length| **length < 0).count();
        let known = shape.iter().filter(|length| **length >= 0);
        let known = known.map(|length| *length as u64).collect::<Vec<_>>();
        let product = cells(&known).ok_or_else(unfit)?;
        let all = cells(&self.shape()).ok_or_else(unfit)?;
        let left = match (open, all.checked_rem(product)) {
            (0, _) if product == all => 0,
            (1, Some(0)) => all / product,
            _ => return Err(unfit()),
        };
        Ok(shape.iter().map(|length| u64::try_from(*length).unwrap_or(left)).collect())
    }
}

fn common_dtype(arrays: &[Array]) -> Result<DType> {
    let mut all = arrays.iter().map(Array::dtype);
    let first = all.next().ok_or_else(|| ArrayError::asked("no arrays"))?;
    all.try_fold(first, |both, next| match (both, next) {
        (DType::Plain(a), DType::Plain(b)) => Ok(DType::Plain(a.with(b))),
        (a, b) if a == b => Ok(a),
        (a, b) => Err(ArrayError::asked(format!("{a} and {b} do not fit into one array"))),
    })
}
