//! How many numbers there are.

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use crate::kernels::Block;
use crate::kernels::element::{Element, I64, Value};

/// Counts what is a number.
pub(super) struct Count<E>(PhantomData<E>);

/// As many as a count of 32 bits holds.
const PART: usize = 1 << 30;

/// How many are numbers.
#[inline]
pub(super) fn numbers<V: Value>(values: &[V]) -> i64 {
    match values.len() {
        ..FEW => values.iter().map(|value| i64::from(!value.is_nan())).sum(),
        _ => Arch::new().dispatch(Numbers(values)),
    }
}

/// So few values are counted before it is asked what vectors there are.
const FEW: usize = 32;

/// Counts by the vectors that there are, in numbers as wide as the values.
struct Numbers<'a, V>(&'a [V]);

impl<V: Value> WithSimd for Numbers<'_, V> {
    type Output = i64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> i64 {
        let Self(values) = self;
        if size_of::<V>() == size_of::<i64>() {
            return values.iter().fold(0, |count, value| count + i64::from(!value.is_nan()));
        }
        let mut all = 0;
        for part in values.chunks(PART) {
            let count = part.iter().fold(0_u32, |count, value| count + u32::from(!value.is_nan()));
            all += i64::from(count);
        }
        all
    }
}

impl<E: Element> Fold for Count<E> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::I64(vec![0; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [counts] = columns else { return };
        let counts = all::<I64>(counts);
        for (cell, _, row) in rows.of(values) {
            if let Some(count) = counts.get_mut(cell) {
                *count += numbers(row);
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [counts] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let counts = Cells::under(cell, row).of_mut::<I64>(counts);
            for (count, value) in counts.iter_mut().zip(row) {
                *count += i64::from(!value.is_nan());
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([counts], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<I64>(others);
        for (count, other) in cells.of_mut::<I64>(counts).iter_mut().zip(others) {
            *count += other;
        }
    }
}

/// Another fold, with the count of numbers in a last column.
pub(super) struct Counted<F>(PhantomData<F>);

impl<F: Fold> Fold for Counted<F> {
    type From = F::From;

    fn fresh(cells: usize) -> Vec<Block> {
        let mut columns = F::fresh(cells);
        columns.extend(Count::<F::From>::fresh(cells));
        columns
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let Some((counts, columns)) = columns.split_last_mut() else { return };
        F::along(columns, values, rows);
        Count::<F::From>::along(std::slice::from_mut(counts), values, rows);
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let Some((counts, columns)) = columns.split_last_mut() else { return };
        F::across(columns, values, rows);
        Count::<F::From>::across(std::slice::from_mut(counts), values, rows);
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let Some((counts, columns)) = columns.split_last_mut() else { return };
        let Some((other_counts, others)) = others.split_last() else { return };
        F::merge(columns, cells, others, from);
        let others = std::slice::from_ref(other_counts);
        Count::<F::From>::merge(std::slice::from_mut(counts), cells, others, from);
    }
}
