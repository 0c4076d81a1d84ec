//! Where the smallest and the greatest are.

use std::marker::PhantomData;

use super::extreme::{Side, best_of};
use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use crate::kernels::Block;
use crate::kernels::element::{Element, I64, Value};

/// The extreme value and the smallest position it was found at. What is not a number counts as the
/// extreme, or is left out.
pub(super) struct Place<E, S, const SKIP: bool>(PhantomData<(E, S)>);

/// The position of a cell that has found nothing.
pub(super) const NOWHERE: i64 = i64::MAX;

/// Rows of fewer values are looked at value by value.
const FEW: usize = 16;

#[inline]
fn better<V: Value, S: Side, const SKIP: bool>(value: V, than: V) -> bool {
    S::better(value, than) | (!SKIP & value.is_nan() & !than.is_nan())
}

#[inline]
fn same<V: Value, const SKIP: bool>(value: V, other: V) -> bool {
    (value == other) | (!SKIP & value.is_nan() & other.is_nan())
}

/// Takes a value if it is better, or as good and found earlier.
#[inline]
fn take<V: Value, S: Side, const SKIP: bool>(
    best: &mut V,
    place: &mut i64,
    value: V,
    position: i64,
) {
    let taken =
        better::<V, S, SKIP>(value, *best) | (same::<V, SKIP>(value, *best) & (position < *place));
    *best = if taken { value } else { *best };
    *place = if taken { position } else { *place };
}

/// The first of the values that are as good as one.
#[inline]
fn first<V: Value, const SKIP: bool>(values: &[V], like: V) -> Option<usize> {
    const BLOCK: usize = 64;
    let is_like = |value: &V| same::<V, SKIP>(*value, like);
    // A whole block at once is quicker than value by value.
    let block = values
        .chunks(BLOCK)
        .position(|block| block.iter().fold(false, |found, value| found | is_like(value)))?;
    let start = block * BLOCK;
    Some(start + values.get(start..)?.iter().position(is_like)?)
}

impl<E: Element, S: Side, const SKIP: bool> Fold for Place<E, S, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![E::block(vec![S::worst(); cells]), Block::I64(vec![NOWHERE; cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [bests, places] = columns else { return };
        let (bests, places) = (all::<E>(bests), all::<I64>(places));
        for (cell, position, row) in rows.of(values) {
            let (Some(best), Some(place)) = (bests.get_mut(cell), places.get_mut(cell)) else {
                continue;
            };
            if row.len() < FEW {
                for (index, &value) in (0..).zip(row) {
                    take::<_, S, SKIP>(best, place, value, position + index * rows.stride);
                }
                continue;
            }
            let value = best_of::<_, S, SKIP>(row);
            let as_good = same::<_, SKIP>(value, *best) && position < *place;
            if (better::<_, S, SKIP>(value, *best) || as_good)
                && let Some(index) = first::<_, SKIP>(row, value)
            {
                take::<_, S, SKIP>(best, place, value, position + index as i64 * rows.stride);
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [bests, places] = columns else { return };
        for (cell, position, row) in rows.of(values) {
            let cells = Cells::under(cell, row);
            let bests = cells.of_mut::<E>(bests).iter_mut();
            for ((best, place), &value) in bests.zip(cells.of_mut::<I64>(places)).zip(row) {
                take::<_, S, SKIP>(best, place, value, position);
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([bests, places], [other_bests, other_places]) = (columns, others) else { return };
        let theirs = Cells { first: from, ..cells };
        let others = theirs.of::<E>(other_bests).iter().zip(theirs.of::<I64>(other_places));
        let bests = cells.of_mut::<E>(bests).iter_mut();
        for ((best, place), (&value, &position)) in
            bests.zip(cells.of_mut::<I64>(places)).zip(others)
        {
            take::<_, S, SKIP>(best, place, value, position);
        }
    }
}
