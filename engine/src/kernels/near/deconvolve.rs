//! Richardson–Lucy deconvolution of a block: `u ← u · (Kᵀ ⊛ (d / (K ⊛ u)))`, from a flat image on.
//!
//! Both convolutions are products of transforms. Between them rows are divided, or multiplied, as they come back, and
//! are transformed again at once: a step goes four times over the spectrum, and there are four blocks in memory: the
//! image, the estimate, the spectrum, and that of what it was blurred by. Along a dimension without margins a block is
//! periodic. Along others it goes on with its edges up to a length that is transformed fast.

use super::{Margins, core, each_row};
use crate::array::cells;
use crate::kernels::fourier::{Volume, Wave, fast, fast_row};

/// How many values are there beside a wider box, if it is continued everywhere.
pub(super) fn beside(shape: &[u64]) -> u64 {
    let last = shape.len().saturating_sub(1);
    let lengths = shape.iter().enumerate().map(|(at, length)| {
        let length = *length as usize;
        let all = if at == last { fast_row(length) + 2 } else { fast(length) };
        all as u64
    });
    let block = cells(&lengths.collect::<Vec<_>>()).unwrap_or(u64::MAX);
    block.saturating_mul(4)
}

pub(super) fn deconvolve<T: Wave>(
    (image, shape): (&[T], &[usize]),
    margins: &Margins,
    (psf, size): (&[T], &[usize]),
    steps: u32,
) -> Result<Vec<T>, String> {
    let made = core(shape, margins);
    if shape.is_empty() {
        return Err("an image of no dimensions".to_string());
    }
    let last = shape.len() - 1;
    let both = shape.iter().zip(margins).zip(size).enumerate();
    let lengths: Vec<usize> = both
        .map(|(at, ((length, margin), size))| match (*margin, at == last) {
            ((0, 0), _) => *length,
            (_, true) => fast_row((*length).max(*size)),
            (_, false) => fast((*length).max(*size)),
        })
        .collect();
    let mut volume = Volume::new(&lengths)?;
    let factor = T::of(1.0 / volume.cells() as f64);
    let blur = {
        let around = around(&lengths, (psf, size));
        volume.fill_box(&around, &lengths)?;
        volume.spectrum(factor)
    };
    let image = continued(image, shape, &lengths);
    let row = lengths.last().copied().unwrap_or(1);
    let own = |all: usize| all * row..(all + 1) * row;
    // Of a flat image comes a flat one: it needs no transform.
    let all: f64 = psf.iter().map(|value| value.wide()).sum();
    let flat = T::of(1.0 / all);
    volume.fill(|number, values| {
        for (to, value) in values.iter_mut().zip(image.get(own(number)).unwrap_or_default()) {
            *to = *value * flat;
        }
    })?;
    volume.multiply(&blur, true);
    let mut guess = vec![T::one(); image.len()];
    for _ in 1..steps {
        volume.again(|number, values| {
            let guess = guess.get_mut(own(number)).unwrap_or_default();
            by_vectors!(for (guess, value) in guess.iter_mut().zip(values) {
                *guess = *guess * *value;
                *value = *guess;
            });
        })?;
        volume.multiply(&blur, false);
        volume.again(|number, values| {
            let image = image.get(own(number)).unwrap_or_default();
            by_vectors!(for (value, image) in values.iter_mut().zip(image) {
                // What is nothing, or less by rounding, is divided by nobody.
                *value = if *value > T::zero() { *image / *value } else { *value * T::zero() };
            });
        })?;
        volume.multiply(&blur, true);
    }
    volume.read(|number, values| {
        let guess = guess.get_mut(own(number)).unwrap_or_default();
        for (guess, value) in guess.iter_mut().zip(values) {
            *guess = *guess * *value;
        }
    })?;
    let mut all = Vec::with_capacity(made.iter().product());
    let width = made.last().copied().unwrap_or(1);
    let before = |at: usize| margins.get(at).map_or(0, |(before, _)| *before);
    each_row(&made, &lengths, before, |_, first| {
        all.extend(guess.get(first..first + width).unwrap_or_default());
    });
    Ok(all)
}

/// What an image is blurred by, with its middle at the first place, as far around as it goes.
fn around<T: Wave>(lengths: &[usize], (psf, size): (&[T], &[usize])) -> Vec<T> {
    let mut all = vec![T::zero(); lengths.iter().product()];
    for (number, value) in psf.iter().enumerate() {
        let (mut rest, mut place, mut apart) = (number, 0, 1);
        for (length, size) in lengths.iter().zip(size).rev() {
            let at = rest % size + length * (size / 2).div_ceil(*length) - size / 2;
            place += at % length * apart;
            apart *= length;
            rest /= size;
        }
        if let Some(to) = all.get_mut(place) {
            *to = *to + *value;
        }
    }
    all
}

/// A box that goes on with its edges: with the last value, and then with the first, where it begins anew.
fn continued<T: Wave>(values: &[T], shape: &[usize], lengths: &[usize]) -> Vec<T> {
    let place = |at: usize, length: usize, all: usize| match at.checked_sub(length) {
        None => at,
        Some(beyond) if beyond < (all - length).div_ceil(2) => length.saturating_sub(1),
        Some(_) => 0,
    };
    let (width, row) = (shape.last().copied().unwrap_or(1), lengths.last().copied().unwrap_or(1));
    let last: Vec<usize> = (width..row).map(|at| place(at, width, row)).collect();
    let rows: usize = lengths.iter().rev().skip(1).product();
    let mut all = Vec::with_capacity(rows * row);
    for number in 0..rows {
        let (mut rest, mut from, mut apart) = (number, 0, 1);
        for (length, all) in shape.iter().zip(lengths).rev().skip(1) {
            from += place(rest % all, *length, *all) * apart;
            apart *= length;
            rest /= all;
        }
        let own = values.get(from * width..(from + 1) * width).unwrap_or_default();
        all.extend_from_slice(own);
        all.extend(last.iter().filter_map(|at| own.get(*at)));
    }
    all
}
