//! Parts of arrays, as subscripts name them.

use super::view::{Axis, View};
use super::{Array, Places, Result, Step};
use crate::array::{ArrayError, Cuts, Form, Grid};

/// One subscript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Index {
    /// One place, counted from the end where negative; its dimension goes.
    At(i64),
    /// `start:stop:step`, each as in Python.
    Slice {
        /// The first place.
        start: Option<i64>,
        /// The first that is left out.
        stop: Option<i64>,
        /// From one to the next.
        step: Option<i64>,
    },
    /// A new dimension of length 1.
    New,
    /// All dimensions that no other subscript names.
    Rest,
    /// These places, in this order.
    Places(Vec<i64>),
    /// The same, as they were computed: none of them counted from the end.
    These(Places),
}

impl Index {
    /// All of a dimension.
    pub const ALL: Self = Self::Slice { start: None, stop: None, step: None };
}

impl Array {
    /// `x[…]`: what the subscripts name. Those that are left out are all of their dimension.
    pub fn index(&self, subscripts: &[Index]) -> Result<Self> {
        let subscripts = self.filled(subscripts)?;
        let shape = self.shape();
        let mut axes = Vec::with_capacity(shape.len());
        let (mut dims, mut view_shape, mut picks) = (Vec::new(), Vec::new(), Vec::new());
        for subscript in &subscripts {
            let axis = axes.len();
            let length = shape.get(axis).copied().unwrap_or(0);
            let along = view_shape.len();
            match subscript {
                Index::New => {
                    view_shape.push(1);
                    dims.push(None);
                    continue;
                }
                Index::At(at) => {
                    axes.push(Axis::At(self.place(axis, *at)?));
                    continue;
                }
                Index::Slice { start, stop, step } => {
                    let (start, step, count) = slice(*start, *stop, *step, length)?;
                    axes.push(Axis::Along { along, start, step });
                    view_shape.push(count);
                }
                Index::Places(places) => {
                    let places = places.iter().map(|at| self.place(axis, *at));
                    picks.push((along, Places::from(places.collect::<Result<Vec<u64>>>()?)));
                    axes.push(Axis::Along { along, start: 0, step: 1 });
                    view_shape.push(length);
                }
                Index::These(places) => {
                    picks.push((along, places.clone()));
                    axes.push(Axis::Along { along, start: 0, step: 1 });
                    view_shape.push(length);
                }
                Index::Rest => continue,
            }
            dims.push(self.dims().get(axis).cloned().flatten());
        }
        let shown = self.viewed(View { axes, shape: view_shape }, dims)?;
        match &picks[..] {
            [] => Ok(shown),
            [(axis, places)] => shown.taken(*axis, places.clone()),
            _ => Err(ArrayError::asked(
                "one subscript may be a list of places: subscript twice, as in x[[1, 5]][:, [0, 2]], for \
                 the places where both meet",
            )),
        }
    }

    /// As many subscripts as there are dimensions.
    fn filled(&self, subscripts: &[Index]) -> Result<Vec<Index>> {
        let takes = |index: &&Index| !matches!(index, Index::New | Index::Rest);
        let named = subscripts.iter().filter(takes).count();
        let left = self.ndim().checked_sub(named).ok_or_else(|| {
            ArrayError::asked(format!(
                "{named} subscripts for an array of {} dimensions",
                self.ndim()
            ))
        })?;
        let mut rests = subscripts.iter().filter(|index| **index == Index::Rest);
        let (first, second) = (rests.next(), rests.next());
        if second.is_some() {
            return Err(ArrayError::asked("only one subscript may be an ellipsis"));
        }
        let mut filled = Vec::new();
        let all = std::iter::repeat_n(Index::ALL, left);
        for index in subscripts {
            match index {
                Index::Rest => filled.extend(all.clone()),
                other => filled.push(other.clone()),
            }
        }
        if first.is_none() {
            filled.extend(all);
        }
        Ok(filled)
    }

    /// A place along a dimension, counted from the start.
    fn place(&self, axis: usize, at: i64) -> Result<u64> {
        let length = self.grid().0.get(axis).map_or(0, Cuts::length);
        let from_start = if at < 0 { i128::from(at) + i128::from(length) } else { i128::from(at) };
        let place = u64::try_from(from_start).ok().filter(|place| *place < length);
        place.ok_or_else(|| {
            ArrayError::asked(format!(
                "index {at} is out of range for axis {axis} of length {length}"
            ))
        })
    }

    /// The values at these places along a dimension, which must be there.
    pub fn take(&self, axis: usize, places: &[u64]) -> Result<Self> {
        self.taken(axis, places.to_vec().into())
    }

    fn taken(&self, axis: usize, places: Places) -> Result<Self> {
        let mut grid = self.grid().clone();
        let Some(cuts) = grid.0.get_mut(axis) else {
            return Err(ArrayError::asked(format!("there is no axis {axis} to take from")));
        };
        if let Some(beyond) = places.iter().find(|place| **place >= cuts.length()) {
            let length = cuts.length();
            return Err(ArrayError::asked(format!(
                "index {beyond} is out of range for axis {axis} of length {length}"
            )));
        }
        *cuts = Cuts::even(places.len() as u64, cuts.longest());
        let form = Form { grid: Grid(grid.0), ..self.form().clone() };
        Self::step(Step::Take { axis, places }, vec![self.clone()], form)
    }
}

/// Where a slice begins, its step, and how many places it has.
fn slice(
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
    length: u64,
) -> Result<(u64, i64, u64)> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(ArrayError::asked("the step of a slice is not 0"));
    }
    let length = i128::from(length);
    // As Python has it: from the end where negative, and no further than the ends.
    let bound = |at: Option<i64>, left_out: i128| {
        let Some(at) = at.map(i128::from) else { return left_out };
        let at = if at < 0 { at + length } else { at };
        match step < 0 {
            true => at.clamp(-1, length - 1),
            false => at.clamp(0, length),
        }
    };
    let (start, stop) = match step < 0 {
        true => (bound(start, length - 1), bound(stop, -1)),
        false => (bound(start, 0), bound(stop, length)),
    };
    let distance = if step < 0 { start - stop } else { stop - start };
    let by = i128::from(step.unsigned_abs());
    let count = if distance > 0 { (distance + by - 1) / by } else { 0 };
    let start = if count == 0 { 0 } else { start };
    let whole = |value: i128| u64::try_from(value).unwrap_or(0);
    Ok((whole(start), if count <= 1 { 1 } else { step }, whole(count)))
}
