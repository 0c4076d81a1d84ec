//! Matrices in chunk programs: which boxes their steps look at, and what they make of those.

use std::ops::Range;

use super::Result;
use super::evaluate::{Evaluation, lengths, missing};
use super::fused::Operand;
use crate::array::{ArrayError, Cuts, Grid, Region, Tensor, buffers, shape_of};
use crate::kernels::{Dense, Lie, Slice, bases, product, triangles};
use crate::lazy::{Array, Op, Step};

/// The boxes that a box of products is made of: for each piece that is summed over, those of both sides.
pub(super) fn multiplied(
    inputs: &[Array],
    batch: usize,
    over: &Grid,
    region: &[Range<u64>],
) -> Vec<(Array, Region)> {
    let ([left, right], Some((pieces, rest))) = (inputs, region.split_first()) else {
        return Vec::new();
    };
    let free = left.ndim().saturating_sub(batch + over.0.len());
    let (shared, rest) = rest.split_at(batch.min(rest.len()));
    let (rows, columns) = rest.split_at(free.min(rest.len()));
    let sides = pieces.clone().flat_map(|piece| {
        let along = over.region(&over.place(piece));
        [
            (left.clone(), [shared, rows, &along].concat()),
            (right.clone(), [shared, &along, columns].concat()),
        ]
    });
    sides.collect()
}

/// The boxes that triangles, or bases, of pieces are made of: all of each piece.
pub(super) fn whole_pieces(
    step: &Step,
    inputs: &[Array],
    region: &[Range<u64>],
) -> Vec<(Array, Region)> {
    let (Some(matrix), Some(rows)) = (inputs.first(), region.first()) else { return Vec::new() };
    let columns = matrix.shape().get(1).copied().unwrap_or(0);
    let rows_of = |cuts: &Cuts, pieces: &Range<u64>| {
        cuts.piece(pieces.start).start..cuts.piece(pieces.end.max(1) - 1).end
    };
    match step {
        Step::Triangles(cuts) => {
            let pieces = rows.start / columns.max(1)..rows.end.div_ceil(columns.max(1));
            vec![(matrix.clone(), vec![rows_of(cuts, &pieces), 0..columns])]
        }
        Step::Bases(cuts) => {
            let pieces = cuts.touched(rows);
            let turns = pieces.start * columns..pieces.end * columns;
            let mut boxes = vec![(matrix.clone(), vec![rows_of(cuts, &pieces), 0..columns])];
            boxes.extend(inputs.get(1).map(|other| (other.clone(), vec![turns, 0..columns])));
            boxes
        }
        _ => Vec::new(),
    }
}

/// Neighbouring dimensions as one: how long they are together, and how far apart its values are.
fn together(shape: &[usize], strides: &[isize]) -> Option<(usize, isize)> {
    let mut all: Option<(usize, isize)> = None;
    for (length, stride) in shape.iter().zip(strides).rev() {
        all = match all {
            _ if *length == 1 => all,
            None => Some((*length, *stride)),
            Some((inner, apart)) if *stride == apart * inner as isize => {
                Some((inner * length, apart))
            }
            Some(_) => return None,
        };
    }
    Some(all.unwrap_or((1, 1)))
}

/// One side of a product: matrices, and how far apart they are along each dimension that both sides share.
struct Side {
    values: Tensor,
    lie: Lie,
    apart: Vec<isize>,
}

impl Side {
    /// A box whose first dimensions are shared, and of whose others so many are rows.
    fn of(operand: Operand, shape: &[u64], batch: usize, rows: usize) -> Option<Self> {
        let Operand::There { values, first, strides } = operand else { return None };
        let shape = lengths(shape);
        let split = batch + rows;
        let (rows, down) = together(shape.get(batch..split)?, strides.get(batch..split)?)?;
        let (columns, across) = together(shape.get(split..)?, strides.get(split..)?)?;
        let lie = Lie { first, rows, columns, down, across };
        Some(Self { values, lie, apart: strides.get(..batch)?.to_vec() })
    }

    /// The matrix at a place of what is shared.
    fn at(&self, place: &[usize]) -> (Slice<'_>, Lie) {
        let steps = place.iter().zip(&self.apart).map(|(at, apart)| *at as isize * apart);
        let first = self.lie.first.saturating_add_signed(steps.sum());
        (self.values.values(), Lie { first, ..self.lie })
    }
}

impl Evaluation<'_> {
    /// Products of matrices.
    pub(super) fn multiply(
        &mut self,
        array: &Array,
        batch: usize,
        over: &Grid,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let shape = shape_of(region);
        let mut all = buffers::zeros(array.kind(), shape.iter().product::<u64>() as usize);
        let free = array.inputs().first().map_or(0, Array::ndim);
        let free = free.saturating_sub(batch + over.0.len());
        let shared = lengths(shape.get(1..1 + batch).unwrap_or_default());
        let places: usize = shared.iter().product();
        let mut at = 0;
        let boxes = multiplied(array.inputs(), batch, over, region);
        for pair in boxes.chunks(2) {
            let [(left, of_left), (right, of_right)] = pair else { continue };
            let left = self.side(left, of_left, batch, free)?;
            let right = self.side(right, of_right, batch, over.0.len())?;
            let cells = left.lie.rows * right.lie.columns;
            for number in 0..places {
                let mut rest = number;
                let mut place = vec![0; batch];
                for (one, length) in place.iter_mut().zip(&shared).rev() {
                    *one = rest % length;
                    rest /= length;
                }
                product(left.at(&place), right.at(&place), &mut all, at);
                at += cells;
            }
        }
        Tensor::from_block(array.dtype(), shape, all)
    }

    fn side(
        &mut self,
        array: &Array,
        region: &[Range<u64>],
        batch: usize,
        rows: usize,
    ) -> Result<Side> {
        let shape = shape_of(region);
        let there = self.operand(array, region)?;
        if let Some(side) = Side::of(there, &shape, batch, rows) {
            return Ok(side);
        }
        let values = self.values(array, region)?;
        let side = Side::of(Operand::in_a_row(values), &shape, batch, rows);
        side.ok_or_else(|| missing("a matrix that lies nowhere"))
    }

    /// Triangles, or bases, of whole pieces.
    pub(super) fn orthogonal(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let Op::Step(step) = array.op() else { return Err(missing("a step")) };
        let mut inputs = Vec::with_capacity(2);
        for (input, of_input) in whole_pieces(step, array.inputs(), region) {
            inputs.push((self.values(&input, &of_input)?, of_input));
        }
        let Some((values, seen)) = inputs.first() else { return Err(missing("a matrix")) };
        let columns = values.shape().get(1).copied().unwrap_or(0);
        let rows = seen.first().cloned().unwrap_or(0..0);
        let starts = |cuts: &Cuts| -> Vec<usize> {
            let pieces = cuts.touched(&rows);
            pieces.map(|at| (cuts.piece(at).start - rows.start) as usize).collect()
        };
        let (made, begins) = match (step, inputs.get(1)) {
            (Step::Triangles(cuts), _) => {
                let made = triangles(values.values(), columns as usize, &starts(cuts));
                (made, cuts.touched(&rows).start * columns)
            }
            (Step::Bases(cuts), Some((turns, _))) => {
                let starts = starts(cuts);
                let made = bases(values.values(), columns as usize, &starts, turns.values());
                (made, rows.start)
            }
            _ => return Err(missing("a step of another kind")),
        };
        let made = made.map_err(ArrayError::Asked)?;
        let height = (made.len() as u64).checked_div(columns).unwrap_or(0);
        let made = Tensor::from_block(array.dtype(), vec![height, columns], made)?;
        let mut wanted = region.to_vec();
        if let Some(range) = wanted.first_mut() {
            *range = range.start - begins..range.end - begins;
        }
        made.part(&wanted)
    }

    /// What is made of whole matrices.
    pub(super) fn dense(
        &mut self,
        array: &Array,
        dense: Dense,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let mut matrices = Vec::with_capacity(2);
        for input in array.inputs() {
            let shape = input.shape();
            let whole: Region = shape.iter().map(|length| 0..*length).collect();
            let size = match shape[..] {
                [rows, columns] => (rows, columns),
                _ => return Err(missing("a matrix of two dimensions")),
            };
            matrices.push((self.values(input, &whole)?, size));
        }
        let matrices: Vec<_> =
            matrices.iter().map(|(values, size)| (values.values(), *size)).collect();
        let made = dense.run(&matrices).map_err(ArrayError::Asked)?;
        let length = made.len() as u64;
        Tensor::from_block(array.dtype(), vec![length], made)?.part(region)
    }
}
