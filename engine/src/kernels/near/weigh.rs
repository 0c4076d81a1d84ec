//! Weighted sums along a dimension, as scipy.ndimage.correlate1d's: summed up in 64 bits.

use crate::kernels::Shape;
use crate::kernels::cast::To;
use crate::kernels::element::Value;

/// So many sums are made side by side.
const TILE: usize = 512;

pub(super) fn weigh<T: Value>(values: &[T], shape: &[usize], axis: usize, weights: &[f64]) -> Vec<T>
where
    f64: To<T>,
{
    let lengths: Vec<u64> = shape.iter().map(|length| *length as u64).collect();
    let Shape { outer, length, inner } = Shape::along(&lengths, axis, 1);
    let made = length.saturating_sub(weights.len().saturating_sub(1));
    let mut all = Vec::with_capacity(outer * made * inner);
    let mut sums = [0.0_f64; TILE];
    // Where neighbours lie in a row, the row is what is gone through; else rows are, from neighbour to neighbour.
    let (lines, row, step) = match inner {
        1 => (1, made, 1),
        _ => (made, inner, inner),
    };
    for box_of in 0..outer {
        for line in 0..lines {
            let begins = box_of * length * inner + line * inner;
            for first in (0..row).step_by(TILE) {
                let count = TILE.min(row - first);
                let sums = sums.get_mut(..count).unwrap_or_default();
                sums.fill(0.0);
                for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0)
                {
                    let from = begins + at * step + first;
                    let values = values.get(from..from + count).unwrap_or_default();
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += value.wide() * weight;
                    }
                }
                all.extend(sums.iter().map(|sum| To::<T>::to(*sum)));
            }
        }
    }
    all
}
