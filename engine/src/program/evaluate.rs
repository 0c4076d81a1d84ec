//! The values of a box, from what was read for it.

use std::collections::HashMap;
use std::ops::Range;

use super::fused::Operand;
use super::leaves::Chance;
use super::wants::{chunks_of, made_of, passed_on, pieces, rows_of, runs};
use super::{Loaded, Program, Result, leaves};
use crate::array::{ArrayError, Cuts, Region, Tensor, buffers, shape_of};
use crate::kernels::{
    Block, Folded, Shape, along, digitize, gather, place, repeated, row_major, scan, totals,
};
use crate::lazy::{Array, ChunkKernel, Op, Step};

/// So many values are taken from their places at once.
const TAKEN: usize = 1 << 16;

/// One box on its way.
pub(super) struct Evaluation<'a> {
    program: &'a Program,
    loaded: Loaded,
    given: &'a [Tensor],
    /// What was computed already and may be asked for again.
    known: HashMap<(usize, Region), Tensor>,
}

pub(super) fn lengths(shape: &[u64]) -> Vec<usize> {
    shape.iter().map(|length| *length as usize).collect()
}

fn cells(region: &[Range<u64>]) -> usize {
    shape_of(region).iter().product::<u64>() as usize
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(program: &'a Program, loaded: Loaded, given: &'a [Tensor]) -> Self {
        Self { program, loaded, given, known: HashMap::new() }
    }

    /// The values of a box of an array.
    pub(super) fn values(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let key = (array.id(), region.to_vec());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let values = self.compute(array, region)?;
        self.known.insert(key, values.clone());
        Ok(values)
    }

    fn compute(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let dtype = array.dtype();
        let shape = shape_of(region);
        let count = cells(region);
        if count == 0 {
            return Tensor::from_block(dtype, shape, Block::empty(dtype.kind()));
        }
        if let Some(fused) = self.program.fused.get(&array.id()) {
            let operands = self.operands(fused.leaves(), region)?;
            let mut all = buffers::room(dtype.kind(), count);
            fused.run(&operands, &lengths(&shape), |tile, _| {
                crate::kernels::append(tile, &mut all);
            })?;
            return Tensor::from_block(dtype, shape, all);
        }
        if let Some((input, region)) = passed_on(array, region) {
            return self.values(&input, &region);
        }
        let input = array.inputs().first();
        match (array.op(), input) {
            (Op::Read(_), _) => {
                let values = self.read(array, region)?;
                if values.shape() == shape {
                    return Ok(values);
                }
                let mut all = buffers::room(dtype.kind(), count);
                repeated(values.values(), count, &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Given(_), _) | (Op::Step(Step::View(_)), _) => {
                let Operand::There { values, first, strides } = self.operand(array, region)? else {
                    return Err(missing("values that lie nowhere"));
                };
                let mut all = buffers::room(dtype.kind(), count);
                gather(values.values(), first, &strides, &lengths(&shape), (0, count), &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Full(value)), _) => {
                let mut all = buffers::room(dtype.kind(), count);
                repeated(leaves::one(*value, dtype.kind()).as_slice(), count, &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Steps { start, step }), _) => {
                leaves::steps(*start, *step, dtype, region)
            }
            (Op::Step(Step::Random { distribution, seed }), _) => {
                let mut all = buffers::room(dtype.kind(), count);
                let chance =
                    Chance::new(*distribution, *seed, &array.shape(), dtype.kind(), region);
                chance.fill((0, count), &mut all)?;
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Concat(axis)), _) => {
                let mut all = buffers::zeros(dtype.kind(), count);
                for (input, piece, offset) in pieces(array.inputs(), *axis, region) {
                    let values = self.values(input, &piece)?;
                    let mut at = vec![0; shape.len()];
                    if let Some(at) = at.get_mut(*axis) {
                        *at = offset as usize;
                    }
                    let part = lengths(values.shape());
                    place(values.values(), &part, &mut all, &lengths(&shape), &at);
                }
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Take { axis, places }), Some(input)) => {
                self.take(input, *axis, places, region)
            }
            (Op::Step(Step::Reshape), Some(input)) => {
                let (rows, first) = rows_of(array, input, region);
                let values = self.values(input, &rows)?;
                let strides = row_major(&lengths(&array.shape()));
                let starts = region.iter().zip(&strides);
                let begins: u64 =
                    starts.map(|(range, stride)| range.start * stride.unsigned_abs() as u64).sum();
                let mut all = buffers::room(dtype.kind(), count);
                let from = (begins - first) as usize;
                gather(values.values(), from, &strides, &lengths(&shape), (0, count), &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Rechunk), Some(input)) => self.values(input, region),
            (Op::Step(Step::Totals { .. } | Step::Scan { .. } | Step::Lanes { .. }), _) => {
                self.along(array, region)
            }
            (Op::Step(Step::Digitize { edges, right }), Some(input)) => {
                let values = self.values(input, region)?;
                Tensor::from_block(dtype, shape, digitize(values.values(), edges, *right))
            }
            (Op::Step(Step::Pack { .. } | Step::Unpack { .. }), _) => self.packed(array, region),
            (Op::Step(Step::Contract { batch, over }), _) => {
                self.multiply(array, *batch, over, region)
            }
            (Op::Step(Step::Correlate { lags, over }), _) => {
                self.correlated(array, *lags, over, region)
            }
            (Op::Step(Step::Triangles(_) | Step::Bases(_)), _) => self.orthogonal(array, region),
            (Op::Step(Step::Dense(dense)), _) => self.dense(array, *dense, region),
            (Op::Step(Step::Records), _) => self.records(array, region),
            (Op::Step(Step::Fourier { fourier, axis }), _) => {
                self.transformed(array, *fourier, *axis, region)
            }
            (Op::Step(Step::Overlap { near, reach }), _) => {
                self.overlap(array, near, reach, region)
            }
            (Op::Around(kernel, reach), _) => {
                self.chunks_around(array, kernel.as_ref(), reach, region)
            }
            (Op::Kernel(kernel), Some(input)) => self.blocks(kernel.as_ref(), array, input, region),
            _ => Err(missing("a step that no program has")),
        }
    }

    /// What comes of values along an axis, of which more are looked at than are asked for.
    fn along(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let mut inputs = Vec::with_capacity(2);
        for (input, box_of) in made_of(array, region) {
            inputs.push((self.values(&input, &box_of)?, box_of));
        }
        let Some((values, seen)) = inputs.first() else { return Err(missing("an input")) };
        let Op::Step(step) = array.op() else { return Err(missing("a step")) };
        let shape = |axis: usize| Shape::along(values.shape(), axis, 1);
        let (axis, made, begins) = match step {
            Step::Totals { scan, skip_nan, axis, cuts } => {
                let starts = starts(cuts, seen, *axis);
                let made = totals(*scan, *skip_nan, values.values(), shape(*axis), &starts);
                (*axis, made, region.get(*axis).map_or(0, |range| range.start))
            }
            Step::Scan { scan: what, skip_nan, axis, cuts } => {
                let starts = starts(cuts, seen, *axis);
                let Some((carries, _)) = inputs.get(1) else { return Err(missing("carries")) };
                let (values, carries) = (values.values(), carries.values());
                let made = scan(*what, *skip_nan, values, shape(*axis), &starts, carries);
                (*axis, made, seen.get(*axis).map_or(0, |range| range.start))
            }
            Step::Lanes { lanes, axis, many } => {
                let shape = Shape::along(values.shape(), *axis, *many);
                (*axis, along(lanes, values.values(), shape), 0)
            }
            _ => return Err(missing("a step that goes along nothing")),
        };
        let mut whole = shape_of(region);
        let others: u64 =
            whole.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, n)| n).product();
        let mut wanted: Region = whole.iter().map(|length| 0..*length).collect();
        if let (Some(length), Some(own), Some(asked)) =
            (whole.get_mut(axis), wanted.get_mut(axis), region.get(axis))
        {
            *length = made.len() as u64 / others.max(1);
            *own = asked.start - begins..asked.end - begins;
        }
        Tensor::from_block(array.dtype(), whole, made)?.part(&wanted)
    }

    /// What a kernel makes of the chunks that a box touches, each of them whole.
    fn blocks(
        &mut self,
        kernel: &dyn ChunkKernel,
        array: &Array,
        input: &Array,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let chunks = chunks_of(array, region).collect();
        self.put_together(array, region, chunks, |evaluation, chunk| {
            evaluation.applied(kernel, array, input, chunk)
        })
    }

    /// What a kernel makes of a box, which is to look like it.
    pub(super) fn applied(
        &mut self,
        kernel: &dyn ChunkKernel,
        array: &Array,
        input: &Array,
        chunk: &[Range<u64>],
    ) -> Result<Tensor> {
        let values = kernel.apply(&self.values(input, chunk)?)?;
        match values.shape() == shape_of(chunk) && values.dtype() == array.dtype() {
            true => Ok(values),
            false => Err(ArrayError::asked(format!(
                "the kernel '{}' was to give {} of shape {:?}, and gave {} of shape {:?}",
                kernel.name(),
                array.dtype(),
                shape_of(chunk),
                values.dtype(),
                values.shape()
            ))),
        }
    }

    /// The values of a box, of boxes that cover it.
    pub(super) fn put_together(
        &mut self,
        array: &Array,
        region: &[Range<u64>],
        boxes: Vec<Region>,
        mut make: impl FnMut(&mut Self, &Region) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let lengths_of = |region: &[Range<u64>]| lengths(&shape_of(region));
        let mut all: Option<Block> = None;
        for chunk in boxes {
            let values = make(self, &chunk)?;
            if chunk == region {
                return Ok(values);
            }
            let both = || chunk.iter().zip(region);
            let shared = both().map(|(own, all)| own.start.max(all.start)..own.end.min(all.end));
            let shared: Region = shared.collect();
            let from = |begins: &[Range<u64>]| -> Region {
                let each = shared.iter().zip(begins);
                each.map(|(range, all)| range.start - all.start..range.end - all.start).collect()
            };
            let part = values.part(&from(&chunk))?;
            let offset: Vec<usize> =
                from(region).iter().map(|range| range.start as usize).collect();
            let all = all.get_or_insert_with(|| buffers::zeros(array.kind(), cells(region)));
            place(part.values(), &lengths_of(&shared), all, &lengths_of(region), &offset);
        }
        let all = all.unwrap_or_else(|| Block::empty(array.kind()));
        Tensor::from_block(array.dtype(), shape_of(region), all)
    }

    /// Those at some places along an axis, run by run.
    fn take(
        &mut self,
        input: &Array,
        axis: usize,
        places: &[u64],
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let shape = shape_of(region);
        let whole = lengths(&shape);
        let mut all = buffers::zeros(input.kind(), cells(region));
        let begins = region.get(axis).map_or(0, |range| range.start as usize);
        let mut slab = Block::empty(input.kind());
        for run in runs(input, axis, places, region) {
            let values = self.values(input, &run.region)?;
            let part = lengths(values.shape());
            let strides = row_major(&part);
            let low = run.region.get(axis).map_or(0, |range| range.start);
            let mut some = part.clone();
            let mut at = run.places.start;
            let own = places.get(run.places).unwrap_or_default();
            let along = part.get(axis).copied().unwrap_or(1).max(1);
            let most = (TAKEN / (part.iter().product::<usize>() / along).max(1)).max(1);
            // Places that follow one another go together.
            let stretches = own.chunk_by(|a, b| a + 1 == *b);
            for stretch in stretches.flat_map(|stretch| stretch.chunks(most)) {
                if let Some(length) = some.get_mut(axis) {
                    *length = stretch.len();
                }
                let place_in = stretch.first().map_or(0, |place| (place - low) as usize);
                let first = place_in * strides.get(axis).map_or(0, |stride| stride.unsigned_abs());
                let cells = some.iter().product();
                gather(values.values(), first, &strides, &some, (0, cells), &mut slab);
                let mut offset = vec![0; some.len()];
                if let Some(offset) = offset.get_mut(axis) {
                    *offset = at - begins;
                }
                place(slab.as_slice(), &some, &mut all, &whole, &offset);
                at += stretch.len();
            }
        }
        Tensor::from_block(input.dtype(), shape, all)
    }

    /// What was read of a box, or the one value that stands for it.
    fn read(&self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let key = (array.id(), region.to_vec());
        self.loaded.get(&key).cloned().ok_or_else(|| missing("a box that was not read"))
    }

    fn operands(&mut self, arrays: &[Array], region: &[Range<u64>]) -> Result<Vec<Operand>> {
        arrays.iter().map(|array| self.operand(array, region)).collect()
    }

    /// The values of a box where they lie: views are not copied.
    pub(super) fn operand(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Operand> {
        match (array.op(), array.inputs().first()) {
            (Op::Step(Step::View(view)), Some(input)) => {
                let shown = view.shown(region);
                let there = match self.operand(input, &shown)? {
                    Operand::Made(_) => Operand::in_a_row(self.values(input, &shown)?),
                    there => there,
                };
                let Operand::There { values, first, strides } = there else {
                    return Err(missing("values that lie nowhere"));
                };
                let (offset, strides) = view.strides(region, &strides);
                Ok(Operand::There { values, first: first.saturating_add_signed(offset), strides })
            }
            (Op::Read(_), _) if cells(region) > 0 => {
                let values = self.read(array, region)?;
                Ok(match values.shape() == shape_of(region) {
                    true => Operand::in_a_row(values),
                    false => Operand::There { values, first: 0, strides: vec![0; region.len()] },
                })
            }
            (Op::Given(number), _) => {
                let values = self.given.get(*number).cloned();
                let values = values.ok_or_else(|| missing("a result that was not handed in"))?;
                let strides = row_major(&lengths(values.shape()));
                let starts = region.iter().zip(&strides);
                let first = starts
                    .map(|(range, stride)| range.start as usize * stride.unsigned_abs())
                    .sum();
                Ok(Operand::There { values, first, strides })
            }
            (Op::Step(Step::Random { distribution, seed }), _) => {
                let (shape, kind) = (array.shape(), array.kind());
                Ok(Operand::Made(Chance::new(*distribution, *seed, &shape, kind, region)))
            }
            (Op::Step(Step::Full(value)), _) => {
                let one = leaves::one(*value, array.kind());
                let values = Tensor::from_block(array.dtype(), vec![1], one)?;
                Ok(Operand::There { values, first: 0, strides: vec![0; region.len()] })
            }
            (Op::Step(Step::Rechunk), Some(input)) => self.operand(input, region),
            _ if let Some((input, region)) = passed_on(array, region) => {
                self.operand(&input, &region)
            }
            _ => Ok(Operand::in_a_row(self.values(array, region)?)),
        }
    }

    /// Takes the values of a box into an accumulator, tile by tile where they are computed so. `base` is the
    /// place of the first of them in the box that is accumulated.
    pub(super) fn fold(
        mut self,
        region: &[Range<u64>],
        into: &mut Folded,
        base: usize,
    ) -> Result<()> {
        let root = &self.program.root;
        if cells(region) == 0 {
            return Ok(());
        }
        if let Some(fused) = self.program.fused.get(&root.id()) {
            let operands = self.operands(fused.leaves(), region)?;
            return fused.run(&operands, &lengths(&shape_of(region)), |tile, at| {
                into.update(tile, base + at);
            });
        }
        let values = self.values(root, region)?;
        into.update(values.values(), base);
        Ok(())
    }
}

/// Where pieces begin within a box that begins with one.
fn starts(cuts: &Cuts, region: &[Range<u64>], axis: usize) -> Vec<usize> {
    let range = region.get(axis).cloned().unwrap_or(0..0);
    cuts.touched(&range).map(|at| (cuts.piece(at).start - range.start) as usize).collect()
}

pub(super) fn missing(what: &str) -> ArrayError {
    ArrayError::asked(format!("a chunk program asks for {what}: this is a fault of Strata's"))
}
