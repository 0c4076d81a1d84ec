//! Parts of arrays, as subscripts name them.

use super::view::{Axis, View};
use super::{Array, Places, Result, Step};
use crate::array::{ArrayError, Cuts, Form, Grid};

/// Chunks that some places lie in are small together up to so many bytes.
const SMALL: u64 = 32 << 20;

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
    /// The same, as they were computed: in order, and none of them counted from the end.
    These(Places),
}

impl Index {
    /// All of a dimension.
    pub const ALL: Self = Self::Slice { start: None, stop: None, step: None };

    /// Places that are counted from the start; those in even steps as a slice, which names them all at once.
    pub fn of_places(places: Vec<i64>) -> Self {
        let step = match places[..] {
            [first, second, ..] => second - first,
            _ => 1,
        };
        let even = places.windows(2).all(|two| matches!(two, [a, b] if b - a == step));
        match (places.first(), places.last()) {
            (Some(first), Some(last)) if even && step > 0 => {
                Self::Slice { start: Some(*first), stop: Some(last + 1), step: Some(step) }
            }
            _ => Self::Places(places),
        }
    }

    /// Subscripts that name this along one dimension, and all of the others.
    pub fn along(self, axis: usize) -> Vec<Self> {
        let mut subscripts = vec![Self::ALL; axis];
        subscripts.push(self);
        subscripts
    }
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
                    let places = Places::from(places.collect::<Result<Vec<u64>>>()?);
                    picks.push((along, places, None));
                    axes.push(Axis::Along { along, start: 0, step: 1 });
                    view_shape.push(length);
                }
                Index::These(places) => {
                    let others = self.grid().0.iter().enumerate().filter(|(at, _)| *at != axis);
                    let others = others.map(|(_, cuts)| cuts.longest());
                    let width = self.dtype().width() as u64;
                    let of_one = others.fold(width, u64::saturating_mul);
                    picks.push((along, places.clone(), Some(of_one)));
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
            [(axis, places, of_one)] => shown.taken(*axis, places.clone(), *of_one),
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
        self.taken(axis, places.to_vec().into(), None)
    }

    /// Takes places; where they lie in order and a place has so many bytes, cut where their chunks are.
    fn taken(&self, axis: usize, places: Places, of_one: Option<u64>) -> Result<Self> {
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
        *cuts = match of_one {
            Some(bytes) => few_chunks(&places, cuts, bytes)?,
            None => Cuts::even(places.len() as u64, cuts.longest()),
        };
        let form = Form { grid: Grid(grid.0), ..self.form().clone() };
        Self::step(Step::Take { axis, places }, vec![self.clone()], form)
    }
}

/// Places in order, cut so that each chunk is made of few: of one, or of more that are small together.
fn few_chunks(places: &[u64], cuts: &Cuts, of_one: u64) -> Result<Cuts> {
    let longest = cuts.longest();
    let mut lengths = Vec::new();
    let mut left = places;
    while let Some(first) = left.first() {
        let piece = cuts.piece(cuts.holding(*first));
        // To the end of the chunk that is the last to be small with the first.
        let small = first.saturating_add(SMALL / of_one.max(1)).min(cuts.length());
        let last = cuts.piece(cuts.holding(small.saturating_sub(1).max(*first)));
        let end = if last.end <= small { last.end } else { last.start.max(piece.end) };
        let count = left.partition_point(|place| *place < end) as u64;
        let count = count.clamp(1, longest.max(1));
        lengths.push(count);
        left = left.get(count as usize..).unwrap_or_default();
    }
    Cuts::of_lengths(&lengths)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(places: &[u64], cuts: &Cuts, of_one: u64) -> Vec<u64> {
        let cut = few_chunks(places, cuts, of_one).unwrap();
        (0..cut.pieces()).map(|at| cut.piece(at).end - cut.piece(at).start).collect()
    }

    #[test]
    fn places_are_cut_where_their_chunks_are_large() {
        let cuts = Cuts::even(100, 10);
        let places = [3, 4, 9, 10, 35, 36, 37, 99];
        // All are small together; or each is large, or two are small together.
        assert_eq!(lengths(&places, &cuts, 8), [8]);
        assert_eq!(lengths(&places, &cuts, SMALL), [3, 1, 3, 1]);
        assert_eq!(lengths(&places, &cuts, SMALL / 20), [4, 3, 1]);
        let all: Vec<u64> = (0..100).collect();
        assert_eq!(lengths(&all, &cuts, 8), [10; 10]);
        assert_eq!(lengths(&[], &cuts, 8), [0; 0]);
    }
}
