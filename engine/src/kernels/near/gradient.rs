//! How fast values change, as numpy.gradient has it: half the difference of both neighbours, and the difference to
//! the only neighbour at the edges.

use super::Margins;
use crate::kernels::Shape;
use crate::kernels::fourier::Wave;

pub(super) fn gradient<T: Wave>(
    values: &[T],
    shape: &[usize],
    axis: usize,
    margins: &Margins,
    spacing: f64,
) -> Vec<T> {
    let lengths: Vec<u64> = shape.iter().map(|length| *length as u64).collect();
    let Shape { outer, length, inner } = Shape::along(&lengths, axis, 1);
    let (before, after) = margins.get(axis).copied().unwrap_or((0, 0));
    let mut all = Vec::with_capacity(outer * length.saturating_sub(before + after) * inner);
    let last = length.saturating_sub(1);
    for box_of in 0..outer {
        let row = |at: usize| {
            let first = (box_of * length + at) * inner;
            values.get(first..first + inner).unwrap_or_default()
        };
        for at in before..length.saturating_sub(after) {
            let (low, high) = (at.saturating_sub(1), (at + 1).min(last));
            let apart = T::of(spacing * (high - low) as f64);
            let both = row(low).iter().zip(row(high));
            all.extend(both.map(|(low, high)| (*high - *low) / apart));
        }
    }
    all
}
