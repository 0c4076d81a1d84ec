//! Neighbourhoods in chunk programs: a box is made of a wider one. What depends on which values are looked at together
//! is computed of whole chunks, all else of the box that is asked for.

use std::ops::Range;

use super::Result;
use super::evaluate::{Evaluation, lengths, missing};
use super::wants::{bytes_of, chunks_of};
use crate::array::{ArrayError, Region, Tensor, shape_of};
use crate::kernels::{Lies, Near};
use crate::lazy::{Array, ChunkKernel, Op, Reach, Step};

/// How far a step looks around, and whether it does so around whole chunks.
fn reach_of(array: &Array) -> Option<(&Reach, bool)> {
    match array.op() {
        Op::Around(_, reach) => Some((reach, true)),
        Op::Step(Step::Overlap { near, reach }) => Some((reach, near.is_of_chunks())),
        _ => None,
    }
}

/// The boxes that are computed for a box.
fn made(array: &Array, region: &[Range<u64>]) -> Vec<Region> {
    match reach_of(array) {
        Some((_, true)) => chunks_of(array, region).collect(),
        _ => vec![region.to_vec()],
    }
}

/// The boxes that a box is made of: wider ones, and all of a second input.
pub(super) fn around(array: &Array, region: &[Range<u64>]) -> Vec<(Array, Region)> {
    let (Some((reach, _)), Some((input, others))) = (reach_of(array), array.inputs().split_first())
    else {
        return Vec::new();
    };
    let shape = input.shape();
    let wider = made(array, region).into_iter().map(|own| reach.around(&own, &shape).0);
    let wider = wider.map(|wide| (input.clone(), wide));
    wider.chain(others.iter().map(|other| (other.clone(), all_of(other)))).collect()
}

fn all_of(array: &Array) -> Region {
    array.shape().iter().map(|length| 0..*length).collect()
}

/// The bytes that a box takes beside what it is made of and what it comes to.
pub(super) fn beside(array: &Array, region: &[Range<u64>]) -> u64 {
    let Some((reach, _)) = reach_of(array) else { return 0 };
    let shape = array.inputs().first().map(Array::shape).unwrap_or_default();
    let one = |own: Region| {
        let wide = reach.around(&own, &shape).0;
        match array.op() {
            Op::Step(Step::Overlap { near, .. }) => {
                let made = if near.is_of_chunks() { bytes_of(array.dtype(), &own) } else { 0 };
                near.beside(&shape_of(&wide), array.kind(), &reach.depths).saturating_add(made)
            }
            _ => bytes_of(array.dtype(), &wide),
        }
    };
    // One after the other.
    made(array, region).into_iter().map(one).max().unwrap_or(0)
}

impl Evaluation<'_> {
    /// What comes of values and those around them.
    pub(super) fn overlap(
        &mut self,
        array: &Array,
        near: &Near,
        reach: &Reach,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let Some((input, others)) = array.inputs().split_first() else {
            return Err(missing("an input"));
        };
        let other = match others.first() {
            Some(other) => Some((self.values(other, &all_of(other))?, lengths(&other.shape()))),
            None => None,
        };
        self.put_together(array, region, made(array, region), |evaluation, own| {
            let (wide, margins) = reach.around(own, &input.shape());
            let values = evaluation.values(input, &wide)?;
            let shape = lengths(values.shape());
            let other = other.as_ref();
            let other = other.map(|(values, shape)| Lies { values: values.values(), shape });
            let of = Lies { values: values.values(), shape: &shape };
            let made = near.run(of, &margins, other).map_err(ArrayError::Asked)?;
            Tensor::from_block(array.dtype(), shape_of(own), made)
        })
    }

    /// What a kernel makes of chunks and what lies around them.
    pub(super) fn chunks_around(
        &mut self,
        array: &Array,
        kernel: &dyn ChunkKernel,
        reach: &Reach,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let Some(input) = array.inputs().first() else { return Err(missing("an input")) };
        self.put_together(array, region, made(array, region), |evaluation, own| {
            let (wide, margins) = reach.around(own, &input.shape());
            let values = evaluation.applied(kernel, array, input, &wide)?;
            let inner = own.iter().zip(&margins).map(|(range, (before, _))| {
                *before as u64..*before as u64 + (range.end - range.start)
            });
            values.part(&inner.collect::<Region>())
        })
    }
}
