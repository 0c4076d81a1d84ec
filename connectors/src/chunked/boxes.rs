//! Copying boxes of values between larger boxes, in runs as long as lie in a row in both.

use std::ops::Range;

use strata_engine::cells;

/// Copies a box of values, `width` bytes each: from where it begins in `from` to where it begins in
/// `to`. What is not there is not copied.
pub(crate) fn copy(
    width: usize,
    shape: &[u64],
    (from, from_shape, from_start): (&[u8], &[u64], &[u64]),
    (to, to_shape, to_start): (&mut [u8], &[u64], &[u64]),
) {
    if shape.contains(&0) {
        return;
    }
    // The trailing dimensions that are whole in both lie in a row, and the one before as well.
    let rank = shape.len();
    let whole =
        |at: &usize| shape.get(*at) == from_shape.get(*at) && shape.get(*at) == to_shape.get(*at);
    let rows = (0..rank).rev().take_while(whole).count();
    let outer = rank.saturating_sub(rows + 1);
    let run = shape.get(outer..).and_then(cells).unwrap_or(0) as usize * width;
    let (from_steps, to_steps) = (steps(from_shape), steps(to_shape));
    let offset = |steps: &[u64], start: &[u64], place: &[u64]| {
        let along = steps.iter().zip(start).enumerate();
        let sum: u64 =
            along.map(|(at, (step, start))| step * (start + place.get(at).unwrap_or(&0))).sum();
        sum as usize * width
    };
    let mut place = vec![0; outer];
    loop {
        let source = offset(&from_steps, from_start, &place);
        let target = offset(&to_steps, to_start, &place);
        if let (Some(from), Some(to)) =
            (from.get(source..source + run), to.get_mut(target..target + run))
        {
            to.copy_from_slice(from);
        }
        if !advance(&mut place, shape) {
            return;
        }
    }
}

/// Fills a box with one value: `to` and where it begins there.
pub(crate) fn fill_box(
    shape: &[u64],
    value: &[u8],
    (to, to_shape, to_start): (&mut [u8], &[u64], &[u64]),
) {
    // One slice of the first dimension, copied to each place along it.
    let Some((count, rest)) = shape.split_first() else { return fill(to, value) };
    let one: Vec<u64> = std::iter::once(1).chain(rest.iter().copied()).collect();
    let mut filled = vec![0; cells(&one).unwrap_or(0) as usize * value.len()];
    fill(&mut filled, value);
    let zeros = vec![0; shape.len()];
    let mut start = to_start.to_vec();
    for _ in 0..*count {
        copy(value.len(), &one, (&filled, &one, &zeros), (&mut *to, to_shape, &start));
        if let Some(first) = start.first_mut() {
            *first += 1;
        }
    }
}

/// The next place of a box, the last dimension running fastest; false after the last.
fn advance(place: &mut [u64], shape: &[u64]) -> bool {
    for (at, length) in place.iter_mut().zip(shape).rev() {
        *at += 1;
        if *at < *length {
            return true;
        }
        *at = 0;
    }
    false
}

/// All places of a box of chunks.
pub(crate) fn places(touched: &[Range<u64>]) -> impl Iterator<Item = Vec<u64>> + use<> {
    let shape: Vec<u64> =
        touched.iter().map(|range| range.end.saturating_sub(range.start)).collect();
    let starts: Vec<u64> = touched.iter().map(|range| range.start).collect();
    let mut next = (!shape.contains(&0)).then(|| vec![0; shape.len()]);
    std::iter::from_fn(move || {
        let place = next.take()?;
        let found = place.iter().zip(&starts).map(|(at, start)| at + start).collect();
        let mut after = place;
        if advance(&mut after, &shape) {
            next = Some(after);
        }
        Some(found)
    })
}

/// By how many values a step along each dimension goes.
fn steps(shape: &[u64]) -> Vec<u64> {
    let mut steps = vec![1; shape.len()];
    let mut step = 1_u64;
    for (at, length) in steps.iter_mut().zip(shape).rev() {
        *at = step;
        step = step.saturating_mul(*length);
    }
    steps
}

/// Where a box lies in a row within a larger one: from which value on, and how many.
pub(crate) fn row(inside: &[Range<u64>], shape: &[u64]) -> Option<(u64, u64)> {
    // Past the first dimension of more than one value, all others are whole.
    let mut open = false;
    for (range, length) in inside.iter().zip(shape) {
        let whole = range.start == 0 && range.end == *length;
        if open && !whole {
            return None;
        }
        open |= range.end.saturating_sub(range.start) != 1;
    }
    let starts = inside.iter().zip(steps(shape)).map(|(range, step)| range.start * step).sum();
    Some((starts, cells(&strata_engine::shape_of(inside))?))
}

/// Fills with one value, of so many bytes.
pub(crate) fn fill(to: &mut [u8], value: &[u8]) {
    match value {
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => to.fill(*first),
        _ => {
            for place in to.chunks_exact_mut(value.len().max(1)) {
                place.copy_from_slice(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_copied() {
        let from: Vec<u8> = (0..60).collect();
        let mut to = vec![0; 24];
        // [1..3, 1..3, 2..5] of (3, 4, 5), to [0, 1, 1] of (2, 3, 4).
        copy(1, &[2, 2, 3], (&from, &[3, 4, 5], &[1, 1, 2]), (&mut to, &[2, 3, 4], &[0, 1, 1]));
        for (a, b, c) in places(&[0..2, 0..3, 0..4]).map(|p| (p[0], p[1], p[2])) {
            let expected = if b >= 1 && c >= 1 { (a + 1) * 20 + b * 5 + c + 1 } else { 0 };
            assert_eq!(u64::from(to[(a * 12 + b * 4 + c) as usize]), expected, "{a} {b} {c}");
        }
        let mut one = vec![0; 2];
        copy(2, &[], (&[7, 8], &[], &[]), (&mut one, &[], &[]));
        assert_eq!(one, [7, 8]);
        let mut all = vec![0; 60];
        copy(1, &[3, 4, 5], (&from, &[3, 4, 5], &[0, 0, 0]), (&mut all, &[3, 4, 5], &[0, 0, 0]));
        assert_eq!(all, from);
        assert_eq!(places(&[]).count(), 1);
        assert_eq!(places(&[0..2, 3..3]).count(), 0);
    }

    #[test]
    fn what_lies_in_a_row() {
        assert_eq!(row(&[1..3, 0..4], &[3, 4]), Some((4, 8)));
        assert_eq!(row(&[1..2, 1..3], &[3, 4]), Some((5, 2)));
        assert_eq!(row(&[1..3, 1..3], &[3, 4]), None);
        assert_eq!(row(&[], &[]), Some((0, 1)));
    }
}
