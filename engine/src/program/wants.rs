//! Which boxes a box of the result is made of.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::Program;
use crate::array::{ArraySource, Region, cells, shape_of};
use crate::lazy::{Array, Op, Step};

/// What is to be read: by the step that reads it and the box; its bytes last.
pub(super) type Wanted = HashMap<(usize, Region), (Arc<dyn ArraySource>, Region, u64)>;

pub(super) fn of(program: &Program, region: &[Range<u64>]) -> Wanted {
    let mut wanted = Wanted::new();
    visit(&program.root, region, |array, region| {
        if let Op::Read(source) = array.op() {
            let bytes = bytes_of(array, region);
            let key = (array.id(), region.to_vec());
            wanted.entry(key).or_insert_with(|| (Arc::clone(source), region.to_vec(), bytes));
        }
    });
    wanted
}

/// The bytes of all boxes that are in memory at once.
pub(super) fn bytes(program: &Program, region: &[Range<u64>]) -> u64 {
    let mut bytes = bytes_of(&program.root, region);
    visit(&program.root, region, |array, region| {
        // What is computed tile by tile is never there as a whole.
        if !super::is_elementwise(array) && !matches!(array.op(), Op::Given(_)) {
            bytes = bytes.saturating_add(bytes_of(array, region));
        }
    });
    bytes
}

fn bytes_of(array: &Array, region: &[Range<u64>]) -> u64 {
    let cells = cells(&shape_of(region)).unwrap_or(u64::MAX);
    cells.saturating_mul(array.dtype().width() as u64)
}

/// Calls with every step and every box of it that a box of the result is made of, each once.
fn visit(root: &Array, region: &[Range<u64>], mut each: impl FnMut(&Array, &[Range<u64>])) {
    let mut seen = HashSet::new();
    let mut left = vec![(root.clone(), region.to_vec())];
    while let Some((array, region)) = left.pop() {
        let empty = region.iter().any(|range| range.start >= range.end);
        if empty || !seen.insert((array.id(), region.clone())) {
            continue;
        }
        each(&array, &region);
        left.extend(made_of(&array, &region));
    }
}

/// The boxes of its inputs that a box of an array is made of.
pub(super) fn made_of(array: &Array, region: &[Range<u64>]) -> Vec<(Array, Region)> {
    let Op::Step(step) = array.op() else { return Vec::new() };
    let inputs = array.inputs();
    match step {
        Step::View(view) => {
            inputs.iter().map(|input| (input.clone(), view.shown(region))).collect()
        }
        Step::Concat(axis) => {
            pieces(inputs, *axis, region).map(|(input, piece, _)| (input.clone(), piece)).collect()
        }
        Step::Take { axis, places } => {
            let Some(input) = inputs.first() else { return Vec::new() };
            let runs = runs(input, *axis, places, region).into_iter();
            runs.map(|run| (input.clone(), run.region)).collect()
        }
        Step::Reshape => {
            let Some(input) = inputs.first() else { return Vec::new() };
            vec![(input.clone(), rows_of(array, input, region).0)]
        }
        _ => inputs.iter().map(|input| (input.clone(), region.to_vec())).collect(),
    }
}

/// Of arrays one after the other: those that a box touches, the box within each, and where that begins in
/// the box, along the axis.
pub(super) fn pieces<'a>(
    inputs: &'a [Array],
    axis: usize,
    region: &'a [Range<u64>],
) -> impl Iterator<Item = (&'a Array, Region, u64)> {
    let mut start = 0;
    inputs.iter().filter_map(move |input| {
        let length = input.shape().get(axis).copied().unwrap_or(0);
        let begins = start;
        start += length;
        let wanted = region.get(axis)?;
        let (low, high) = (wanted.start.max(begins), wanted.end.min(begins + length));
        (low < high).then(|| {
            let mut piece = region.to_vec();
            if let Some(range) = piece.get_mut(axis) {
                *range = low - begins..high - begins;
            }
            (input, piece, low - wanted.start)
        })
    })
}

/// Places in a row that lie in one chunk of an array.
pub(super) struct Run {
    /// The box that has them all.
    pub(super) region: Region,
    /// Which of the places that were asked for they are.
    pub(super) places: Range<usize>,
}

pub(super) fn runs(input: &Array, axis: usize, places: &[u64], region: &[Range<u64>]) -> Vec<Run> {
    let (Some(cuts), Some(wanted)) = (input.grid().0.get(axis), region.get(axis)) else {
        return Vec::new();
    };
    let mut runs: Vec<Run> = Vec::new();
    for at in wanted.start as usize..wanted.end as usize {
        let Some(place) = places.get(at).copied() else { continue };
        let piece = cuts.piece(cuts.holding(place));
        if let Some(run) = runs.last_mut()
            && let Some(range) = run.region.get_mut(axis)
            && piece.contains(&range.start)
        {
            *range = range.start.min(place)..range.end.max(place + 1);
            run.places.end = at + 1;
            continue;
        }
        let mut first = region.to_vec();
        if let Some(range) = first.get_mut(axis) {
            *range = place..place + 1;
        }
        runs.push(Run { region: first, places: at..at + 1 });
    }
    runs
}

/// The rows of an array, along its first dimension, that a box of its values in another shape lies in; and
/// the number of the first value of these rows.
pub(super) fn rows_of(array: &Array, input: &Array, region: &[Range<u64>]) -> (Region, u64) {
    let number = |place: &dyn Fn(&Range<u64>) -> u64| {
        let along = region.iter().zip(array.shape());
        along.fold(0_u64, |number, (range, length)| number * length + place(range))
    };
    let (low, high) = (number(&|range| range.start), number(&|range| range.end.max(1) - 1));
    let shape = input.shape();
    let row = cells(shape.get(1..).unwrap_or_default()).unwrap_or(1).max(1);
    let mut rows: Region = shape.iter().map(|length| 0..*length).collect();
    let (first, last) = (low / row, high / row);
    if let Some(range) = rows.first_mut() {
        *range = first..last + 1;
    }
    (rows, first * row)
}
