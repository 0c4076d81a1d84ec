//! Values of groups, each brought to one: the group of a value is that of its place along one of the dimensions that
//! go. There is a state for each group that was met, so that a box of few groups costs as much as they do.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::Kind;
use crate::kernels::{Accumulator, Block, Reduce, Slice, place};

/// What a group takes beside its cells.
const A_GROUP: usize = size_of::<Accumulator>() + 256;

/// What becomes of the values of groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouped {
    /// What many values become.
    pub reduce: Reduce,
    /// Whether what is not a number is left out.
    pub skip_nan: bool,
    /// The dimension whose places are grouped.
    pub axis: usize,
    /// The group of each place. Those without one have a number that no group has.
    pub labels: Arc<[u32]>,
    /// How many groups there are.
    pub groups: u32,
}

impl Grouped {
    /// What comes of values of a kind, or why nothing does.
    pub(crate) fn result(&self, kind: Kind) -> Result<Kind, String> {
        match self.reduce {
            Reduce::ArgMin | Reduce::ArgMax => Err(format!(
                "{} of groups: places are told along whole dimensions",
                self.reduce.name()
            )),
            reduce => Ok(reduce.result(kind)),
        }
    }

    /// The bytes that the states of so many cells of each group take.
    pub(crate) fn bytes(&self, kind: Kind, cells: usize) -> usize {
        let each =
            Accumulator::bytes(self.reduce, self.skip_nan, kind, cells).saturating_add(A_GROUP);
        each.saturating_mul(self.groups as usize)
    }

    /// What the parts of a state are.
    pub(crate) fn parts(&self, kind: Kind) -> Vec<Kind> {
        let state = self.accumulator(kind, &Shape::default()).to_state();
        state.iter().map(Block::kind).collect()
    }

    fn accumulator(&self, kind: Kind, shape: &Shape) -> Accumulator {
        let Shape { lengths, reduced, origin, strides } = shape;
        Accumulator::new(self.reduce, self.skip_nan, kind, lengths, reduced, origin, strides)
    }

    /// The group of a place.
    fn label(&self, place: usize) -> Option<u32> {
        self.labels.get(place).copied().filter(|label| *label < self.groups)
    }
}

/// A box, as accumulators are told of it.
#[derive(Debug, Clone, Default)]
struct Shape {
    lengths: Vec<usize>,
    reduced: Vec<bool>,
    origin: Vec<i64>,
    strides: Vec<i64>,
}

/// The states of groups.
#[derive(Debug)]
pub(crate) struct Groups {
    grouped: Grouped,
    kind: Kind,
    /// None if it came from elsewhere, and takes in no more values.
    shape: Option<Shape>,
    cells: usize,
    /// Of those groups that were met.
    states: BTreeMap<u32, Accumulator>,
}

impl Groups {
    /// Nothing yet of a box of that shape; the rest is as for [`Accumulator`].
    pub(crate) fn new(
        grouped: &Grouped,
        kind: Kind,
        lengths: &[usize],
        reduced: &[bool],
        origin: &[i64],
        strides: &[i64],
    ) -> Self {
        let kept = lengths.iter().zip(reduced).filter(|(_, gone)| !**gone);
        let shape = Shape {
            lengths: lengths.to_vec(),
            reduced: reduced.to_vec(),
            origin: origin.to_vec(),
            strides: strides.to_vec(),
        };
        Self {
            cells: kept.map(|(length, _)| length).product(),
            states: BTreeMap::new(),
            grouped: grouped.clone(),
            kind,
            shape: Some(shape),
        }
    }

    /// Takes in the values that lie at a flattened position of the box and behind it.
    pub(crate) fn update(&mut self, values: Slice<'_>, at: usize) {
        let Self { grouped, kind, shape: Some(shape), states, .. } = self else { return };
        let after = shape.lengths.get(grouped.axis + 1..).unwrap_or_default();
        let run: usize = after.iter().product();
        let length = shape.lengths.get(grouped.axis).copied().unwrap_or(1);
        let first = shape.origin.get(grouped.axis).map_or(0, |at| at.unsigned_abs() as usize);
        let mut done = 0;
        while done < values.len() && run > 0 && length > 0 {
            let position = at + done;
            let (row, within) = (position / run, position % run);
            let index = row % length;
            let label = grouped.label(first + index);
            // Neighbours of the same group are taken together.
            let more = (index + 1..length).take((values.len() - done).div_ceil(run));
            let more = more.take_while(|next| grouped.label(first + next) == label);
            let count = run - within + run * more.count();
            let end = (done + count).min(values.len());
            if let Some(label) = label {
                let state = states.entry(label);
                let state = state.or_insert_with(|| grouped.accumulator(*kind, shape));
                state.update(values.range(done, end), position);
            }
            done = end;
        }
    }

    /// Takes in what another one, of the same kept dimensions, took in.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        let same =
            (&self.grouped, self.kind, self.cells) == (&other.grouped, other.kind, other.cells);
        if !same {
            return Err(strange(&self.grouped, self.kind));
        }
        for (label, other) in &other.states {
            match self.states.get_mut(label) {
                Some(own) => own.merge(other)?,
                None => {
                    self.states.insert(*label, other.clone());
                }
            }
        }
        Ok(())
    }

    /// The bytes it takes, if that was not known before: who reads states meets more groups as they come.
    pub(crate) fn grown(&self) -> usize {
        let Grouped { reduce, skip_nan, .. } = self.grouped;
        let each = Accumulator::bytes(reduce, skip_nan, self.kind, self.cells);
        let known = self.shape.is_some();
        if known { 0 } else { each.saturating_add(A_GROUP).saturating_mul(self.states.len()) }
    }

    /// The results: of each group, those of all cells.
    pub(crate) fn finish(self) -> Result<Block, String> {
        let (cells, count) = (self.cells, self.grouped.groups as usize);
        let kind = self.grouped.result(self.kind)?;
        // Whoever sent it may have said anything of how many cells there are.
        let bytes = cells.checked_mul(count).and_then(|all| all.checked_mul(kind.width()));
        let mut room = Vec::<u8>::new();
        if bytes.is_none_or(|bytes| room.try_reserve_exact(bytes).is_err()) {
            return Err(format!("there is no memory for {count} groups of {cells} cells"));
        }
        drop(room);
        let mut all = Block::zeros(kind, cells * count);
        let (one, whole) = ([1, cells], [count, cells]);
        if self.states.len() < count {
            let shape = Shape { lengths: vec![cells], reduced: vec![false], ..Shape::default() };
            let nothing = self.grouped.accumulator(self.kind, &shape).finish()?;
            let met = |at: &usize| self.states.contains_key(&(*at as u32));
            for at in (0..count).filter(|at| !met(at)) {
                place(nothing.as_slice(), &one, &mut all, &whole, &[at, 0]);
            }
        }
        for (at, state) in self.states {
            place(state.finish()?.as_slice(), &one, &mut all, &whole, &[at as usize, 0]);
        }
        Ok(all)
    }

    /// All there is to know, to be sent elsewhere: the columns of all groups that were met, one after the other; how
    /// many cells there are, and of each such group its number and how many values it has taken in.
    pub(crate) fn to_state(&self) -> Vec<Block> {
        let kinds = self.grouped.parts(self.kind);
        let mut columns: Vec<Block> = kinds.iter().map(|kind| Block::empty(*kind)).collect();
        let mut last = vec![self.cells as u64];
        for (number, state) in &self.states {
            let mut parts = state.to_state();
            if let Some(Block::U64(taken)) = parts.pop() {
                last.push(u64::from(*number));
                last.extend(taken);
            }
            for (all, part) in columns.iter_mut().zip(&parts) {
                super::super::append(part.as_slice(), all);
            }
        }
        columns.pop();
        columns.push(Block::U64(last));
        columns
    }

    /// What was sent, to be merged and finished.
    pub(crate) fn from_state(
        grouped: &Grouped,
        kind: Kind,
        mut parts: Vec<Block>,
    ) -> Result<Self, String> {
        let strange = || strange(grouped, kind);
        let Some(Block::U64(last)) = parts.pop() else { return Err(strange()) };
        let Some((cells, met)) = last.split_first() else { return Err(strange()) };
        let cells = usize::try_from(*cells).map_err(|_| strange())?;
        let (pairs, rest) = met.as_chunks::<2>();
        let mut states = BTreeMap::new();
        let length = cells.checked_mul(pairs.len()).ok_or_else(strange)?;
        if !rest.is_empty() || parts.iter().any(|part| part.len() != length) {
            return Err(strange());
        }
        for (at, [number, taken]) in pairs.iter().enumerate() {
            let own = |part: &Block| part.as_slice().range(at * cells, (at + 1) * cells).to_block();
            let mut state: Vec<Block> = parts.iter().map(own).collect();
            state.push(Block::U64(vec![*taken]));
            let state = Accumulator::from_state(grouped.reduce, grouped.skip_nan, kind, state)?;
            let number = u32::try_from(*number).ok().filter(|number| *number < grouped.groups);
            let number = number.ok_or_else(strange)?;
            if states.insert(number, state).is_some() {
                return Err(strange());
            }
        }
        Ok(Self { grouped: grouped.clone(), kind, shape: None, cells, states })
    }
}

fn strange(grouped: &Grouped, kind: Kind) -> String {
    format!("this is not the state of {} of groups of {kind} values", grouped.reduce.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(reduce: Reduce, axis: usize, labels: &[u32]) -> Grouped {
        Grouped { reduce, skip_nan: false, axis, labels: labels.into(), groups: 3 }
    }

    #[test]
    fn values_go_to_the_group_of_their_place() {
        let values: Vec<i32> = (0..24).map(|at| at * 7 % 11).collect();
        // The second place has no group.
        for (axis, labels) in [(0, vec![2, 9]), (1, vec![0, 7, 2]), (2, vec![1, 3, 1, 0])] {
            let lengths = [2, 3, 4];
            let mut reduced = [false; 3];
            reduced[axis] = true;
            let grouped = grouped(Reduce::Sum, axis, &labels);
            let cells = 24 / lengths[axis];
            let mut expected = vec![0_i64; cells * 3];
            for (at, value) in values.iter().enumerate() {
                let place = [at / 12, at / 4 % 3, at % 4];
                let cell = (0..3)
                    .filter(|dim| *dim != axis)
                    .fold(0, |cell, dim| cell * lengths[dim] + place[dim]);
                let label = labels[place[axis]] as usize;
                if label < 3 {
                    expected[label * cells + cell] += i64::from(*value);
                }
            }
            for run in [1, 5, 24] {
                let new = || Groups::new(&grouped, Kind::I32, &lengths, &reduced, &[0; 3], &[0; 3]);
                let (mut one, mut other) = (new(), new());
                for (number, start) in (0..24).step_by(run).enumerate() {
                    let part = &values[start..(start + run).min(24)];
                    let into = if number % 2 == 0 { &mut one } else { &mut other };
                    into.update(Slice::I32(part), start);
                }
                let mut sent = Groups::from_state(&grouped, Kind::I32, one.to_state()).unwrap();
                sent.merge(&other).unwrap();
                assert_eq!(sent.finish().unwrap(), Block::I64(expected.clone()), "{axis} {run}");
            }
        }
    }

    #[test]
    fn states_that_nobody_made_are_refused() {
        let grouped = grouped(Reduce::Mean, 0, &[0, 1]);
        let mut groups =
            Groups::new(&grouped, Kind::F64, &[2, 5], &[true, false], &[0; 2], &[0; 2]);
        groups.update(Slice::F64(&[1.0; 10]), 0);
        let sound = groups.to_state();
        let read = |state| Groups::from_state(&grouped, Kind::F64, state).is_ok();
        assert!(read(sound.clone()));
        assert!(!read(Vec::new()) && !read(sound[1..].to_vec()));
        for last in [
            vec![],
            vec![5, 0],
            vec![u64::MAX, 0, 5, 1, 5],
            vec![5, 0, 5, 0, 5],
            vec![5, 0, 5, 9, 5],
        ] {
            let mut lying = sound.clone();
            *lying.last_mut().unwrap() = Block::U64(last);
            assert!(!read(lying));
        }
    }
}
