//! Convolutions, as scipy.ndimage.convolve's. Few weights are gone through; many are multiplied with where both are
//! transformed, unless there is something that is no number: it would be everywhere then.

use super::{apart, core, each_row};
use crate::array::cells;
use crate::kernels::cast::To;
use crate::kernels::fourier::{Volume, Wave, fast, fast_row};

/// More weights than this are transformed.
const FEW: usize = 300;
/// So many sums are made side by side.
const TILE: usize = 512;

/// How much wider the box is for so many weights along a dimension.
fn margin(length: usize) -> (usize, usize) {
    (length.max(1).div_ceil(2) - 1, length / 2)
}

/// How many values are there beside a wider box.
pub(super) fn beside(shape: &[u64], depths: &[(u64, u64)]) -> u64 {
    let weights =
        depths.iter().map(|(before, after)| before.saturating_add(*after).saturating_add(1));
    match cells(&weights.collect::<Vec<_>>()) {
        Some(weights) if weights <= FEW as u64 => 0,
        // Two transforms.
        _ => cells(&fast_shape(shape)).unwrap_or(u64::MAX).saturating_mul(3),
    }
}

fn fast_shape(shape: &[u64]) -> Vec<u64> {
    let lengths: Vec<usize> = shape.iter().map(|length| *length as usize).collect();
    fast_lengths(&lengths).into_iter().map(|length| length as u64).collect()
}

fn fast_lengths(shape: &[usize]) -> Vec<usize> {
    let last = shape.len().saturating_sub(1);
    let one = |(at, length): (usize, &usize)| match at == last {
        true => fast_row(*length),
        false => fast(*length),
    };
    shape.iter().enumerate().map(one).collect()
}

pub(super) fn convolve<T: Wave>(
    (values, shape): (&[T], &[usize]),
    (weights, size): (&[T], &[usize]),
) -> Result<Vec<T>, String>
where
    f64: To<T>,
{
    let counted = weights.iter().filter(|weight| **weight != T::zero()).count();
    let number = |value: &T| value.wide().is_finite();
    if counted > FEW && weights.iter().all(number) && values.iter().all(number) {
        return transformed((values, shape), (weights, size));
    }
    Ok(summed((values, shape), (weights, size)))
}

/// Weight by weight, in 64 bits.
fn summed<T: Wave>((values, shape): (&[T], &[usize]), (weights, size): (&[T], &[usize])) -> Vec<T>
where
    f64: To<T>,
{
    let margins: Vec<_> = size.iter().map(|length| margin(*length)).collect();
    let made = core(shape, &margins);
    let strides = apart(shape);
    // Weights come in the order of their places, the last first.
    let places = weights.iter().rev().enumerate().filter(|(_, weight)| **weight != T::zero());
    let offset = |mut number: usize| {
        let mut offset = 0;
        for (length, stride) in size.iter().zip(&strides).rev() {
            offset += number % length * stride;
            number /= length;
        }
        offset
    };
    let places: Vec<(usize, f64)> =
        places.map(|(number, weight)| (offset(number), weight.wide())).collect();
    let row = made.last().copied().unwrap_or(1);
    let mut all = Vec::with_capacity(made.iter().product());
    let mut sums = [0.0_f64; TILE];
    each_row(
        &made,
        shape,
        |_| 0,
        |_, begins| {
            for first in (0..row).step_by(TILE) {
                let count = TILE.min(row - first);
                let sums = sums.get_mut(..count).unwrap_or_default();
                sums.fill(0.0);
                for (offset, weight) in &places {
                    let from = begins + first + offset;
                    let values = values.get(from..from + count).unwrap_or_default();
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += value.wide() * weight;
                    }
                }
                all.extend(sums.iter().map(|sum| To::<T>::to(*sum)));
            }
        },
    );
    all
}

fn transformed<T: Wave>(
    (values, shape): (&[T], &[usize]),
    (weights, size): (&[T], &[usize]),
) -> Result<Vec<T>, String> {
    let margins: Vec<_> = size.iter().map(|length| margin(*length)).collect();
    let made = core(shape, &margins);
    let lengths = fast_lengths(shape);
    let mut volume = Volume::new(&lengths)?;
    let factor = T::of(1.0 / volume.cells() as f64);
    volume.fill_box(weights, size)?;
    let spectrum = volume.spectrum(factor);
    volume.fill_box(values, shape)?;
    volume.multiply(&spectrum, false);
    // What is made of whole neighbourhoods begins where the weights end.
    let ends: Vec<usize> = size.iter().map(|length| length.saturating_sub(1)).collect();
    let mut all = vec![T::zero(); made.iter().product()];
    volume.read_box(&mut all, &made, &ends)?;
    Ok(all)
}
