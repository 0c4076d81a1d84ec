//! Fourier transforms in chunk programs: of whole lanes, and both parts of complex numbers at once.

use std::ops::Range;

use super::Result;
use super::evaluate::{Evaluation, missing};
use super::wants::{bytes_of, with};
use crate::array::{ArrayError, Region, Tensor, shape_of};
use crate::kernels::{Fourier, Shape, transform, transform_beside};
use crate::lazy::Array;

/// The box that is computed for a box: whole lanes, and both parts.
pub(super) fn whole_lanes(
    array: &Array,
    fourier: Fourier,
    axis: usize,
    region: &[Range<u64>],
) -> Region {
    let length = array.shape().get(axis).copied().unwrap_or(0);
    let mut whole = with(region, axis, 0..length);
    if let Some(parts) = whole.last_mut().filter(|_| fourier.gives_complex()) {
        *parts = 0..2;
    }
    whole
}

/// The box that a box is made of.
pub(super) fn lanes(input: &Array, fourier: Fourier, axis: usize, region: &[Range<u64>]) -> Region {
    let numbers = region.len() - usize::from(fourier.gives_complex()).min(region.len());
    let mut lanes = region.get(..numbers).unwrap_or_default().to_vec();
    if let Some(own) = lanes.get_mut(axis) {
        *own = 0..input.shape().get(axis).copied().unwrap_or(0);
    }
    lanes.extend(fourier.takes_complex().then_some(0..2));
    lanes
}

/// The bytes that a box takes beside what it is made of, and itself.
pub(super) fn beside(array: &Array, fourier: Fourier, axis: usize, region: &[Range<u64>]) -> u64 {
    let of = array.inputs().first().map_or(0, |input| {
        let length = input.shape().get(axis).copied().unwrap_or(0);
        transform_beside(length.max(fourier.length(length)), array.kind())
    });
    let whole = whole_lanes(array, fourier, axis, region);
    let part = if whole == region { 0 } else { bytes_of(array.dtype(), &whole) };
    of.saturating_add(part)
}

impl Evaluation<'_> {
    /// The transform of lanes.
    pub(super) fn transformed(
        &mut self,
        array: &Array,
        fourier: Fourier,
        axis: usize,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let whole = whole_lanes(array, fourier, axis, region);
        if whole != region {
            // Other parts of them may be asked for, too.
            let begins = whole.iter().map(|range| range.start);
            let part = region.iter().zip(begins);
            let part = part.map(|(range, from)| range.start - from..range.end - from);
            return self.values(array, &whole)?.part(&part.collect::<Region>());
        }
        let Some(input) = array.inputs().first() else { return Err(missing("an input")) };
        let values = self.values(input, &lanes(input, fourier, axis, region))?;
        let parts = usize::from(fourier.takes_complex());
        let numbers = values.shape().len().saturating_sub(parts);
        let shape = values.shape().get(..numbers).unwrap_or_default();
        let made = transform(fourier, values.values(), Shape::along(shape, axis, 1));
        Tensor::from_block(array.dtype(), shape_of(region), made.map_err(ArrayError::Asked)?)
    }
}
