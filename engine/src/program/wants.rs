//! Which boxes a box of the result is made of.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::matrices::{multiplied, whole_pieces};
use super::{Program, Want, correlate, fourier, overlap, packed};
use crate::array::{Cuts, DType, Region, cells, shape_of};
use crate::kernels::product_beside;
use crate::lazy::{Array, Op, Step};

pub(super) fn of(program: &Program, region: &[Range<u64>]) -> Vec<Want> {
    let mut wants = Vec::new();
    visit(&program.root, region, |array, region| {
        if let Op::Read(source) = array.op() {
            let read = program.reads.iter().position(|read| read.id() == array.id());
            let key = (array.id(), region.to_vec());
            wants.extend(read.map(|read| Want { read, key, source: Arc::clone(source) }));
        }
    });
    wants.sort_by(|a, b| {
        let starts = |want: &Want| {
            want.region().iter().map(|range| (range.start, range.end)).collect::<Vec<_>>()
        };
        a.read.cmp(&b.read).then_with(|| starts(a).cmp(&starts(b)))
    });
    wants
}

/// The bytes of all boxes that are in memory at once: what is read, and what steps make that are not computed
/// tile by tile. `folds` says that the result is taken in tile by tile, too.
pub(super) fn bytes(program: &Program, region: &[Range<u64>], folds: bool) -> u64 {
    let mut bytes = 0_u64;
    let mut seen = HashSet::new();
    // What is computed, and whether its values are wanted in a row or where they lie.
    let mut left = match program.fused.get(&program.root.id()) {
        Some(fused) if folds => {
            fused.leaves().iter().map(|leaf| (leaf.clone(), region.to_vec(), false)).collect()
        }
        _ => vec![(program.root.clone(), region.to_vec(), true)],
    };
    while let Some((array, region, in_a_row)) = left.pop() {
        let empty = region.iter().any(|range| range.start >= range.end);
        if empty || !seen.insert((array.id(), region.clone(), in_a_row)) {
            continue;
        }
        // What passes on what it is given, as it is, takes nothing.
        if let Some((input, region)) = passed_on(&array, &region) {
            left.push((input, region, in_a_row));
            continue;
        }
        let passes = matches!(
            array.op(),
            Op::Step(Step::View(_) | Step::Rechunk | Step::Full(_)) | Op::Given(_)
        );
        if in_a_row || !passes {
            bytes = bytes.saturating_add(bytes_of(array.dtype(), &region));
        }
        // Lanes are brought together before anything is made of them.
        if let (Op::Step(Step::Lanes { .. }), [(input, region)]) =
            (array.op(), &made_of(&array, &region)[..])
        {
            bytes = bytes.saturating_add(bytes_of(input.dtype(), region));
        }
        // What is decomposed is copied, and blocks of it are there beside it; so are tiles of what is multiplied.
        if let Op::Step(
            step @ (Step::Dense(_) | Step::Bases(_) | Step::Triangles(_) | Step::Contract { .. }),
        ) = array.op()
        {
            bytes = bytes.saturating_add(beside(step, &array, &region));
        }
        if let Op::Step(Step::Fourier { fourier, axis }) = array.op() {
            bytes = bytes.saturating_add(fourier::beside(&array, *fourier, *axis, &region));
        }
        if let Op::Step(Step::Correlate { lags, over }) = array.op() {
            bytes = bytes.saturating_add(correlate::beside(&array, *lags, over, &region));
        }
        bytes = bytes.saturating_add(overlap::beside(&array, &region));
        // Matrices are multiplied where they lie.
        let passes = passes || matches!(array.op(), Op::Step(Step::Contract { .. }));
        match program.fused.get(&array.id()) {
            Some(fused) => {
                left.extend(
                    fused.leaves().iter().map(|leaf| (leaf.clone(), region.clone(), false)),
                );
            }
            None => {
                let inputs = made_of(&array, &region).into_iter();
                left.extend(inputs.map(|(input, region)| (input, region, !passes)));
            }
        }
    }
    bytes
}

/// The bytes that it takes to decompose or to multiply matrices, beside what they are made of and what they come to.
fn beside(step: &Step, array: &Array, region: &[Range<u64>]) -> u64 {
    if let Step::Dense(dense) = step {
        let sizes: Vec<(u64, u64)> = array.inputs().iter().filter_map(size).collect();
        return dense.beside(&sizes, array.dtype().width() as u64);
    }
    let boxes = made_of(array, region);
    let Some((input, region)) = boxes.first() else { return 0 };
    match step {
        Step::Contract { .. } if input.kind() == array.kind() => 0,
        Step::Contract { .. } => {
            product_beside(input.kind(), cells(&shape_of(region)).unwrap_or(u64::MAX))
        }
        _ => bytes_of(input.dtype(), region).saturating_mul(2),
    }
}

fn size(array: &Array) -> Option<(u64, u64)> {
    match array.shape()[..] {
        [rows, columns] => Some((rows, columns)),
        _ => None,
    }
}

pub(super) fn bytes_of(dtype: DType, region: &[Range<u64>]) -> u64 {
    let cells = cells(&shape_of(region)).unwrap_or(u64::MAX);
    cells.saturating_mul(dtype.width() as u64)
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
    let inputs = array.inputs();
    if let (Op::Kernel(_), [input]) = (array.op(), inputs) {
        return chunks_of(array, region).map(|chunk| (input.clone(), chunk)).collect();
    }
    if let Op::Around(..) = array.op() {
        return overlap::around(array, region);
    }
    let Op::Step(step) = array.op() else { return Vec::new() };
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
        Step::Totals { axis, cuts, .. } => {
            let pieces = region.get(*axis).cloned().unwrap_or(0..0);
            let values = cuts.piece(pieces.start).start..cuts.piece(pieces.end.max(1) - 1).end;
            inputs
                .iter()
                .map(|input| (input.clone(), with(region, *axis, values.clone())))
                .collect()
        }
        Step::Scan { axis, cuts, .. } => {
            let [values, carries] = inputs else { return Vec::new() };
            let (box_of, pieces) = from_pieces(cuts, region, *axis);
            vec![(values.clone(), box_of), (carries.clone(), with(region, *axis, pieces))]
        }
        Step::Lanes { axis, many, .. } => {
            let Some(input) = inputs.first() else { return Vec::new() };
            let whole = input.shape().into_iter().skip(*axis).take(*many).map(|length| 0..length);
            let before = region.iter().take(*axis).cloned();
            let after = region.iter().skip(*axis + 1).cloned();
            vec![(input.clone(), before.chain(whole).chain(after).collect())]
        }
        Step::Pack { bits } => packed::packs(*bits, inputs, region),
        Step::Unpack { bits } => packed::unpacks(*bits, inputs, region),
        Step::Fourier { fourier, axis } => {
            let Some(input) = inputs.first() else { return Vec::new() };
            vec![(input.clone(), fourier::lanes(input, *fourier, *axis, region))]
        }
        Step::Overlap { .. } => overlap::around(array, region),
        Step::Contract { batch, over } => multiplied(inputs, *batch, over, region),
        Step::Correlate { lags, over } => correlate::moved(inputs, *lags, over, region),
        Step::Records => {
            inputs.iter().map(|input| (input.clone(), super::records::places_of(region))).collect()
        }
        Step::Triangles(_) | Step::Bases(_) => whole_pieces(step, inputs, region),
        Step::Dense(_) => {
            let whole = |input: &Array| input.shape().iter().map(|length| 0..*length).collect();
            inputs.iter().map(|input| (input.clone(), whole(input))).collect()
        }
        _ => inputs.iter().map(|input| (input.clone(), region.to_vec())).collect(),
    }
}

/// The chunks of an array that a box touches.
pub(super) fn chunks_of(array: &Array, region: &[Range<u64>]) -> impl Iterator<Item = Region> {
    let grid = array.grid();
    let touched = grid.touched(region);
    let count = cells(&shape_of(&touched)).unwrap_or(0);
    (0..count).map(move |mut number| {
        let mut place = vec![0; touched.len()];
        for (at, range) in place.iter_mut().zip(&touched).rev() {
            let length = (range.end - range.start).max(1);
            *at = range.start + number % length;
            number /= length;
        }
        grid.region(&place)
    })
}

/// A box with another range along an axis.
pub(super) fn with(region: &[Range<u64>], axis: usize, range: Range<u64>) -> Region {
    let mut region = region.to_vec();
    if let Some(own) = region.get_mut(axis) {
        *own = range;
    }
    region
}

/// A box from the beginning of the piece on that it begins in; and which pieces it touches.
pub(super) fn from_pieces(cuts: &Cuts, region: &[Range<u64>], axis: usize) -> (Region, Range<u64>) {
    let wanted = region.get(axis).cloned().unwrap_or(0..0);
    let pieces = cuts.touched(&wanted);
    (with(region, axis, cuts.piece(pieces.start).start..wanted.end), pieces)
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

/// The box that is all that a box is made of, value by value, where a step changes nothing of it.
pub(super) fn passed_on(array: &Array, region: &[Range<u64>]) -> Option<(Array, Region)> {
    match (array.op(), array.inputs()) {
        (Op::Step(Step::Concat(axis)), inputs) => {
            let mut pieces = pieces(inputs, *axis, region);
            match (pieces.next(), pieces.next()) {
                (Some((input, piece, _)), None) => Some((input.clone(), piece)),
                _ => None,
            }
        }
        (Op::Step(Step::Take { axis, places }), [input]) => {
            let wanted = region.get(*axis)?;
            let own = places.get(wanted.start as usize..wanted.end as usize)?;
            let in_order = own.iter().zip(own.iter().skip(1)).all(|(a, b)| *b == a + 1);
            let (first, last) = (own.first().filter(|_| in_order)?, own.last()?);
            Some((input.clone(), with(region, *axis, *first..last + 1)))
        }
        _ => None,
    }
}

/// Places in a row that lie in one chunk of an array, or follow one another from one to the next.
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
        let before = at.checked_sub(1).and_then(|before| places.get(before));
        let near =
            before.is_some_and(|before| piece.contains(before) || before.abs_diff(place) == 1);
        if near
            && let Some(run) = runs.last_mut()
            && let Some(range) = run.region.get_mut(axis)
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

/// The rows of an array, along its first dimension that is longer than 1, that a box of its values in another shape lies in; and
/// the number of the first value of these rows.
pub(super) fn rows_of(array: &Array, input: &Array, region: &[Range<u64>]) -> (Region, u64) {
    let number = |place: &dyn Fn(&Range<u64>) -> u64| {
        let along = region.iter().zip(array.shape());
        along.fold(0_u64, |number, (range, length)| number * length + place(range))
    };
    let (low, high) = (number(&|range| range.start), number(&|range| range.end.max(1) - 1));
    let shape = input.shape();
    // Rows lie along the first dimension that has more than one place.
    let along = shape.iter().position(|length| *length != 1).unwrap_or(0);
    let row = cells(shape.get(along + 1..).unwrap_or_default()).unwrap_or(1).max(1);
    let mut rows: Region = shape.iter().map(|length| 0..*length).collect();
    let (first, last) = (low / row, high / row);
    if let Some(range) = rows.get_mut(along) {
        *range = first..last + 1;
    }
    (rows, first * row)
}
