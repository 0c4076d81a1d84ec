//! The values of a box, from what was read for it.

use std::collections::HashMap;
use std::ops::Range;

use super::fused::Operand;
use super::wants::{pieces, rows_of, runs};
use super::{Loaded, Program, Result, leaves};
use crate::array::{ArrayError, Region, Tensor, shape_of};
use crate::kernels::{Accumulator, Block, gather, place, repeated, row_major};
use crate::lazy::{Array, Op, Step};

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
            let mut all = Block::empty(dtype.kind());
            fused.run(&operands, &lengths(&shape), |tile, _| {
                if all.is_empty() {
                    all.reserve(count);
                }
                crate::kernels::append(tile, &mut all);
            })?;
            return Tensor::from_block(dtype, shape, all);
        }
        let input = array.inputs().first();
        match (array.op(), input) {
            (Op::Read(_), _) => {
                let key = (array.id(), region.to_vec());
                self.loaded.get(&key).cloned().ok_or_else(|| missing("a box that was not read"))
            }
            (Op::Given(_), _) | (Op::Step(Step::View(_)), _) => {
                let Operand { values, first, strides } = self.operand(array, region)?;
                let mut all = Block::empty(dtype.kind());
                gather(values.values(), first, &strides, &lengths(&shape), (0, count), &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Full(value)), _) => {
                let mut all = Block::empty(dtype.kind());
                repeated(leaves::one(*value, dtype.kind()).as_slice(), count, &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Steps { start, step }), _) => {
                leaves::steps(*start, *step, dtype, region)
            }
            (Op::Step(step @ Step::Random { .. }), _) => {
                leaves::random(step, &array.shape(), dtype, region)
            }
            (Op::Step(Step::Concat(axis)), _) => {
                let mut all = Block::zeros(dtype.kind(), count);
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
                let mut all = Block::empty(dtype.kind());
                let from = (begins - first) as usize;
                gather(values.values(), from, &strides, &lengths(&shape), (0, count), &mut all);
                Tensor::from_block(dtype, shape, all)
            }
            (Op::Step(Step::Rechunk), Some(input)) => self.values(input, region),
            _ => Err(missing("a step that no program has")),
        }
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
        let mut all = Block::zeros(input.kind(), cells(region));
        let begins = region.get(axis).map_or(0, |range| range.start as usize);
        let mut slab = Block::empty(input.kind());
        for run in runs(input, axis, places, region) {
            let values = self.values(input, &run.region)?;
            let part = lengths(values.shape());
            let strides = row_major(&part);
            let low = run.region.get(axis).map_or(0, |range| range.start);
            let mut one = part.clone();
            if let Some(length) = one.get_mut(axis) {
                *length = 1;
            }
            for at in run.places {
                let place_in = places.get(at).map_or(0, |place| (place - low) as usize);
                let first = place_in * strides.get(axis).map_or(0, |stride| stride.unsigned_abs());
                let cells = one.iter().product();
                gather(values.values(), first, &strides, &one, (0, cells), &mut slab);
                let mut offset = vec![0; one.len()];
                if let Some(offset) = offset.get_mut(axis) {
                    *offset = at - begins;
                }
                place(slab.as_slice(), &one, &mut all, &whole, &offset);
            }
        }
        Tensor::from_block(input.dtype(), shape, all)
    }

    fn operands(&mut self, arrays: &[Array], region: &[Range<u64>]) -> Result<Vec<Operand>> {
        arrays.iter().map(|array| self.operand(array, region)).collect()
    }

    /// The values of a box where they lie: views are not copied.
    fn operand(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Operand> {
        match (array.op(), array.inputs().first()) {
            (Op::Step(Step::View(view)), Some(input)) => {
                let shown = view.shown(region);
                let Operand { values, first, strides } = self.operand(input, &shown)?;
                let (offset, strides) = view.strides(region, &strides);
                Ok(Operand { values, first: first.saturating_add_signed(offset), strides })
            }
            (Op::Given(number), _) => {
                let values = self.given.get(*number).cloned();
                let values = values.ok_or_else(|| missing("a result that was not handed in"))?;
                let strides = row_major(&lengths(values.shape()));
                let starts = region.iter().zip(&strides);
                let first = starts
                    .map(|(range, stride)| range.start as usize * stride.unsigned_abs())
                    .sum();
                Ok(Operand { values, first, strides })
            }
            (Op::Step(Step::Full(value)), _) => {
                let one = leaves::one(*value, array.kind());
                let values = Tensor::from_block(array.dtype(), vec![1], one)?;
                Ok(Operand { values, first: 0, strides: vec![0; region.len()] })
            }
            (Op::Step(Step::Rechunk), Some(input)) => self.operand(input, region),
            _ => {
                let values = self.values(array, region)?;
                let strides = row_major(&lengths(values.shape()));
                Ok(Operand { values, first: 0, strides })
            }
        }
    }

    /// Takes the values of a box into an accumulator, tile by tile where they are computed so. `base` is the
    /// place of the first of them in the box that is accumulated.
    pub(super) fn fold(
        mut self,
        region: &[Range<u64>],
        into: &mut Accumulator,
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

fn missing(what: &str) -> ArrayError {
    ArrayError::asked(format!("a chunk program asks for {what}: this is a fault of Strata's"))
}
