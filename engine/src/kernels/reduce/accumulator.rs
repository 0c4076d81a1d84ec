//! The state of a reduction on its way.

use super::Reduce;
use super::count::{Count, Counted};
use super::extreme::{Extreme, Least, Most};
use super::finish::finish;
use super::fold::{Cells, Steps};
use super::layout::{Group, Layout, Rows};
use super::place::Place;
use super::truth::Truth;
use super::variance::Variance;
use super::{product, sum};
use crate::array::Kind;
use crate::kernels::element::by_kind;
use crate::kernels::{Block, Slice, cast};

/// What has become so far of the values of a box.
#[derive(Debug, Clone)]
pub(crate) struct Accumulator {
    op: Reduce,
    skip_nan: bool,
    kind: Kind,
    /// None if it came from elsewhere, and takes in no more values.
    layout: Option<Layout>,
    steps: Steps,
    columns: Vec<Block>,
    /// How many values were taken in.
    taken: u64,
    cells: usize,
}

/// Rows across fewer cells than this are folded side by side.
const NARROW: usize = 16;

/// Rows across more cells than this are folded part by part, so that the cells stay in cache from row to row.
const PART: usize = 2048;

/// Across how many cells they are folded then.
const WIDE: usize = 64;

impl Accumulator {
    /// Nothing yet of a box of that shape, some of whose dimensions are reduced. With `skip_nan`, what is
    /// not a number is left out.
    ///
    /// `origin` and `strides` say where values lie, for `ArgMin` and `ArgMax`: the position of one is the
    /// sum of (`origin` + index) × stride over the reduced dimensions. No stride is negative. Other
    /// reductions don't look at them.
    pub(crate) fn new(
        op: Reduce,
        skip_nan: bool,
        kind: Kind,
        shape: &[usize],
        reduced: &[bool],
        origin: &[i64],
        strides: &[i64],
    ) -> Self {
        let layout = Layout::new(shape, reduced, op.is_place().then_some((origin, strides)));
        let steps = steps(op, skip_nan, kind);
        let cells = layout.cells;
        let columns = (steps.fresh)(cells);
        Self { op, skip_nan, kind, layout: Some(layout), steps, columns, taken: 0, cells }
    }

    /// How much memory so many cells take at most.
    pub(crate) fn bytes(op: Reduce, skip_nan: bool, kind: Kind, cells: usize) -> usize {
        let columns = (steps(op, skip_nan, kind).fresh)(0);
        columns.iter().map(|column| column.kind().width()).sum::<usize>() * cells
    }

    /// Takes in the values that lie at a flattened position of the box and behind it. Every value of the
    /// box is to be taken in once before the result is.
    pub(crate) fn update(&mut self, values: Slice<'_>, at: usize) {
        let Some(layout) = &self.layout else { return };
        let mut room = Block::empty(self.kind);
        let values = if values.kind() == self.kind {
            values
        } else {
            cast(values, &mut room);
            room.as_slice()
        };
        let count = values.len().min(layout.values.saturating_sub(at));
        let mut done = 0;
        while done < count {
            let group = layout.group(at + done, count - done);
            let part = values.range(done, done + group.values);
            if !group.across {
                (self.steps.along)(&mut self.columns, part, &group.rows);
            } else if group.rows.length < NARROW && group.values >= 4 * WIDE && !self.op.is_place()
            {
                narrow(&self.steps, &mut self.columns, part, &group);
            } else {
                across(&self.steps, &mut self.columns, part, &group.rows);
            }
            done += group.values;
        }
        self.taken += count as u64;
    }

    /// Takes in what another one, of the same kept dimensions, took in.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        let same = (self.op, self.skip_nan, self.kind) == (other.op, other.skip_nan, other.kind);
        if !same || self.cells != other.cells {
            return Err(format!(
                "{} of {} cells of {} cannot be merged with {} of {} cells of {}",
                self.op.name(),
                self.cells,
                self.kind,
                other.op.name(),
                other.cells,
                other.kind
            ));
        }
        let cells = Cells { first: 0, count: self.cells };
        (self.steps.merge)(&mut self.columns, cells, &other.columns, 0);
        self.taken += other.taken;
        Ok(())
    }

    /// The results, one for each cell.
    pub(crate) fn finish(self) -> Result<Block, String> {
        finish(self.op, self.skip_nan, self.kind, self.columns, self.taken)
    }

    /// All there is to know, to be sent elsewhere.
    pub(crate) fn to_state(&self) -> Vec<Block> {
        let mut state = self.columns.clone();
        state.push(Block::U64(vec![self.taken]));
        state
    }

    /// What was sent, to be merged and finished.
    pub(crate) fn from_state(
        op: Reduce,
        skip_nan: bool,
        kind: Kind,
        mut state: Vec<Block>,
    ) -> Result<Self, String> {
        let strange = || format!("this is not the state of {} of {kind} values", op.name());
        let Some(Block::U64(taken)) = state.pop() else { return Err(strange()) };
        let &[taken] = taken.as_slice() else { return Err(strange()) };
        let steps = steps(op, skip_nan, kind);
        let cells = state.first().map_or(0, Block::len);
        let kinds = (steps.fresh)(0);
        let fits = state.len() == kinds.len()
            && state.iter().zip(&kinds).all(|(a, b)| a.kind() == b.kind() && a.len() == cells);
        if !fits {
            return Err(strange());
        }
        Ok(Self { op, skip_nan, kind, layout: None, steps, columns: state, taken, cells })
    }
}

/// Takes in rows across cells.
fn across(steps: &Steps, columns: &mut [Block], values: Slice<'_>, rows: &Rows) {
    let length = rows.length;
    if length <= PART || values.len() <= length {
        return (steps.across)(columns, values, rows);
    }
    for from in (0..length).step_by(PART) {
        let count = PART.min(length - from);
        let place = rows.position + from as i64 * rows.stride;
        for (row, start) in (0..).zip((0..values.len()).step_by(length)) {
            let part = values.range(start + from, start + from + count);
            let cell = rows.cell + from + row * rows.cell_step;
            let position = place + row as i64 * rows.step;
            (steps.across)(columns, part, &Rows { cell, position, length: count, ..*rows });
        }
    }
}

/// Takes in rows across few cells many at a time, as if there were more cells, which are then merged: loops
/// over three values are slow.
fn narrow(steps: &Steps, columns: &mut [Block], values: Slice<'_>, group: &Group) {
    let length = group.rows.length;
    let side_by_side = WIDE / length;
    let width = length * side_by_side;
    let wide = group.values - group.values % width;
    let mut cells = (steps.fresh)(width);
    let rows = Rows { cell: 0, length: width, ..group.rows };
    (steps.across)(&mut cells, values.range(0, wide), &rows);
    for from in (0..width).step_by(length) {
        (steps.merge)(columns, Cells { first: group.rows.cell, count: length }, &cells, from);
    }
    (steps.across)(columns, values.range(wide, group.values), &group.rows);
}

/// The fold that does it.
fn steps(op: Reduce, skip_nan: bool, kind: Kind) -> Steps {
    // Nothing is left out where all are numbers.
    let skip = skip_nan && kind.is_float();
    macro_rules! fold {
        ($fold:ty) => {
            if skip {
                by_kind!(kind, floats, E => {
                    const SKIP: bool = true;
                    Steps::of::<$fold>()
                })
            } else {
                by_kind!(kind, all, E => {
                    const SKIP: bool = false;
                    Steps::of::<$fold>()
                })
            }
        };
    }
    match op {
        Reduce::Sum if kind == Kind::F64 => fold!(sum::Long<E, SKIP>),
        Reduce::Sum if kind == Kind::F32 => fold!(sum::Short<E, SKIP>),
        Reduce::Sum => by_kind!(kind, all, E => Steps::of::<sum::Whole<E>>()),
        Reduce::Prod if kind.is_float() => fold!(product::Float<E, SKIP>),
        Reduce::Prod => by_kind!(kind, all, E => Steps::of::<product::Whole<E>>()),
        Reduce::Mean if skip && kind == Kind::F64 => fold!(Counted<sum::Long<E, SKIP>>),
        Reduce::Mean if skip => fold!(Counted<sum::Short<E, SKIP>>),
        Reduce::Mean if kind.width() == 8 => fold!(sum::Long<E, SKIP>),
        Reduce::Mean => fold!(sum::Short<E, SKIP>),
        Reduce::Var { .. } | Reduce::Std { .. } => fold!(Variance<E, SKIP>),
        Reduce::Min => fold!(Extreme<E, Least, SKIP>),
        Reduce::Max => fold!(Extreme<E, Most, SKIP>),
        Reduce::ArgMin => fold!(Place<E, Least, SKIP>),
        Reduce::ArgMax => fold!(Place<E, Most, SKIP>),
        Reduce::Any => fold!(Truth<E, false, SKIP>),
        Reduce::All => fold!(Truth<E, true, SKIP>),
        Reduce::Count => by_kind!(kind, all, E => Steps::of::<Count<E>>()),
    }
}
