//! The values of several arrays beside each other.

use std::ops::Range;

use super::Result;
use super::evaluate::Evaluation;
use crate::array::{Region, Tensor, cells, shape_of};
use crate::kernels::Block;
use crate::lazy::Array;

/// The box of its inputs that a box of records is made of.
pub(super) fn places_of(region: &[Range<u64>]) -> Region {
    region.split_last().map(|(_, places)| places.to_vec()).unwrap_or_default()
}

impl Evaluation<'_> {
    /// A box of records, or the same part of each.
    pub(super) fn records(&mut self, array: &Array, region: &[Range<u64>]) -> Result<Tensor> {
        let places = places_of(region);
        let wanted = region.last().cloned().unwrap_or(0..0);
        let wanted = wanted.start as usize..wanted.end as usize;
        let count = cells(&shape_of(&places)).unwrap_or(0) as usize;
        let mut all = vec![0_u8; count * wanted.len()];
        let mut begins = 0;
        for input in array.inputs() {
            let width = input.dtype().width();
            let own = begins.max(wanted.start)..(begins + width).min(wanted.end);
            if own.start < own.end {
                let values = self.values(input, &places)?;
                let to = own.start - wanted.start..own.end - wanted.start;
                let from = own.start - begins..own.end - begins;
                let values = values.data().as_slice().chunks_exact(width);
                for (record, value) in all.chunks_exact_mut(wanted.len()).zip(values) {
                    if let (Some(to), Some(from)) =
                        (record.get_mut(to.clone()), value.get(from.clone()))
                    {
                        to.copy_from_slice(from);
                    }
                }
            }
            begins += width;
        }
        Tensor::from_block(array.dtype(), shape_of(region), Block::U8(all))
    }
}
