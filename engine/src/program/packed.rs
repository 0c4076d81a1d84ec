//! Values that are packed several to a byte, and unpacked.

use std::ops::Range;

use super::Result;
use super::evaluate::{Evaluation, missing};
use super::wants::{made_of, with};
use crate::array::{ArrayError, Kind, Region, Tensor, buffers, shape_of};
use crate::kernels::{Bits, Block, Slice, pack, unpack};
use crate::lazy::{Array, Op, Step};

/// The last dimension of a box.
fn last(region: &[Range<u64>]) -> (usize, Range<u64>) {
    (region.len().saturating_sub(1), region.last().cloned().unwrap_or(0..0))
}

/// The values that a box of bytes is packed of.
pub(super) fn packs(bits: Bits, inputs: &[Array], region: &[Range<u64>]) -> Vec<(Array, Region)> {
    let (axis, bytes) = last(region);
    let each = bits.in_a_byte();
    let one = |input: &Array| {
        let length = input.shape().last().copied().unwrap_or(0);
        let values = bytes.start.saturating_mul(each)..bytes.end.saturating_mul(each).min(length);
        (input.clone(), with(region, axis, values))
    };
    inputs.iter().map(one).collect()
}

/// The bytes that a box of values is unpacked from.
pub(super) fn unpacks(bits: Bits, inputs: &[Array], region: &[Range<u64>]) -> Vec<(Array, Region)> {
    let (axis, values) = last(region);
    let each = bits.in_a_byte();
    let bytes = values.start / each..values.end.div_ceil(each);
    inputs.iter().map(|input| (input.clone(), with(region, axis, bytes.clone()))).collect()
}

impl Evaluation<'_> {
    /// A box of what is packed or unpacked.
    pub(super) fn packed(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let Some((input, box_of)) = made_of(array, region).pop() else {
            return Err(missing("an input"));
        };
        let values = self.values(&input, &box_of)?;
        let length = |range: Range<u64>| (range.end - range.start) as usize;
        let (from, to) = (last(&box_of).1, last(region).1);
        let shape = shape_of(region);
        let count = shape.iter().product::<u64>() as usize;
        let mut all = buffers::zeros(Kind::U8, count);
        let Block::U8(into) = &mut all else { return Err(missing("bytes")) };
        match (array.op(), values.values()) {
            (Op::Step(Step::Pack { bits }), values) => {
                pack(*bits, values, length(from), into).map_err(ArrayError::Asked)?;
            }
            (Op::Step(Step::Unpack { bits }), Slice::U8(bytes)) => {
                let skipped = (to.start % bits.in_a_byte()) as usize;
                unpack(*bits, bytes, length(from), skipped, length(to), into);
            }
            _ => return Err(missing("bytes that are packed")),
        }
        Tensor::from_block(array.dtype(), shape, all)
    }
}
