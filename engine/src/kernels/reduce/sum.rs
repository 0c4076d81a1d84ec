//! Sums, and the sums of means.

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use crate::kernels::Block;
use crate::kernels::cast::To;
use crate::kernels::element::{Element, F64, I64, Value};

/// How many sums run side by side, so that none waits for the other.
const LANES: usize = 16;

/// As many values as are added up plainly: few enough that next to nothing is lost.
const PART: usize = 4096;

/// The sum of few values.
#[inline]
pub(super) fn lanes<V: Copy>(values: &[V], number: impl Fn(V) -> f64) -> f64 {
    if values.len() < 2 * LANES {
        return values.iter().fold(0.0, |sum, &value| sum + number(value));
    }
    Arch::new().dispatch(Lanes { values, number })
}

/// Sums side by side, by the vectors that there are.
struct Lanes<'a, V, N> {
    values: &'a [V],
    number: N,
}

impl<V: Copy, N: Fn(V) -> f64> WithSimd for Lanes<'_, V, N> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { values, number } = self;
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane += number(value);
            }
        }
        lanes.iter().sum::<f64>() + rest.iter().fold(0.0, |sum, &value| sum + number(value))
    }
}

/// Zero for what is to be left out.
#[inline(always)]
fn term<V: Value, const SKIP: bool>(value: V) -> f64 {
    if SKIP && value.is_nan() { 0.0 } else { value.wide() }
}

/// Integers, wrapped at 64 bits. Unsigned ones have the same bits.
pub(super) struct Whole<E>(PhantomData<E>);

impl<E: Element> Fold for Whole<E> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::I64(vec![0; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [sums] = columns else { return };
        let sums = all::<I64>(sums);
        for (cell, _, row) in rows.of(values) {
            if let Some(sum) = sums.get_mut(cell) {
                *sum = row.iter().fold(*sum, |sum, &value| sum.wrapping_add(value.to()));
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [sums] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            for (sum, &value) in Cells::under(cell, row).of_mut::<I64>(sums).iter_mut().zip(row) {
                *sum = sum.wrapping_add(value.to());
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([sums], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<I64>(others);
        for (sum, other) in cells.of_mut::<I64>(sums).iter_mut().zip(others) {
            *sum = sum.wrapping_add(*other);
        }
    }
}

/// Values of fewer digits than `f64` has, for which plain addition is good enough.
pub(super) struct Short<E, const SKIP: bool>(PhantomData<E>);

impl<E: Element, const SKIP: bool> Fold for Short<E, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::F64(vec![0.0; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [sums] = columns else { return };
        let sums = all::<F64>(sums);
        for (cell, _, row) in rows.of(values) {
            if let Some(sum) = sums.get_mut(cell) {
                *sum += lanes(row, term::<_, SKIP>);
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [sums] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            for (sum, &value) in Cells::under(cell, row).of_mut::<F64>(sums).iter_mut().zip(row) {
                *sum += term::<_, SKIP>(value);
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([sums], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<F64>(others);
        for (sum, other) in cells.of_mut::<F64>(sums).iter_mut().zip(others) {
            *sum += other;
        }
    }
}

/// Values of as many digits as `f64`. What every addition rounds off is kept in a column of its own and
/// added in the end, so that a sum of very many is as good as one of a few.
pub(super) struct Long<E, const SKIP: bool>(PhantomData<E>);

/// Adds to a sum, and what that rounds off to another. Both may become NaN with infinite values:
/// [`whole`] knows.
#[inline]
fn add(sum: &mut f64, lost: &mut f64, value: f64) {
    let total = *sum + value;
    let added = total - *sum;
    *lost += (*sum - (total - added)) + (value - added);
    *sum = total;
}

/// A sum with what was rounded off on the way.
pub(super) fn whole(sum: f64, lost: f64) -> f64 {
    if lost.is_finite() { sum + lost } else { sum }
}

impl<E: Element, const SKIP: bool> Fold for Long<E, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::F64(vec![0.0; cells]), Block::F64(vec![0.0; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [sums, losses] = columns else { return };
        let (sums, losses) = (all::<F64>(sums), all::<F64>(losses));
        for (cell, _, row) in rows.of(values) {
            if let (Some(sum), Some(lost)) = (sums.get_mut(cell), losses.get_mut(cell)) {
                for part in row.chunks(PART) {
                    add(sum, lost, lanes(part, term::<_, SKIP>));
                }
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [sums, losses] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let cells = Cells::under(cell, row);
            let sums = cells.of_mut::<F64>(sums).iter_mut();
            for ((sum, lost), &value) in sums.zip(cells.of_mut::<F64>(losses)).zip(row) {
                add(sum, lost, term::<_, SKIP>(value));
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([sums, losses], [other_sums, other_losses]) = (columns, others) else { return };
        let theirs = Cells { first: from, ..cells };
        let others = theirs.of::<F64>(other_sums).iter().zip(theirs.of::<F64>(other_losses));
        let sums = cells.of_mut::<F64>(sums).iter_mut();
        for ((sum, lost), (&other, &other_lost)) in
            sums.zip(cells.of_mut::<F64>(losses)).zip(others)
        {
            add(sum, lost, other);
            *lost += other_lost;
        }
    }
}
