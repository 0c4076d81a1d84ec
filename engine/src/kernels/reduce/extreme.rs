//! The smallest and the greatest.

use std::marker::PhantomData;

use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use crate::kernels::Block;
use crate::kernels::element::{Element, Value};

/// How many extremes run side by side.
const LANES: usize = 16;

/// Which extreme is looked for.
pub(super) trait Side {
    fn better<V: Value>(value: V, than: V) -> bool;
    /// Nothing is worse.
    fn worst<V: Value>() -> V;
}

/// The smallest.
pub(super) struct Least;

impl Side for Least {
    #[inline]
    fn better<V: Value>(value: V, than: V) -> bool {
        value < than
    }

    fn worst<V: Value>() -> V {
        V::MOST
    }
}

/// The greatest.
pub(super) struct Most;

impl Side for Most {
    #[inline]
    fn better<V: Value>(value: V, than: V) -> bool {
        value > than
    }

    fn worst<V: Value>() -> V {
        V::LEAST
    }
}

/// The extreme value, or what is not a number where there is such. Left out, it is only the result where
/// there is nothing else.
pub(super) struct Extreme<E, S, const SKIP: bool>(PhantomData<(E, S)>);

/// What gives way to all others.
#[inline]
fn none<V: Value, S: Side, const SKIP: bool>() -> V {
    if SKIP { V::NAN.unwrap_or_else(S::worst) } else { S::worst() }
}

/// The better of two.
#[inline]
fn best<V: Value, S: Side, const SKIP: bool>(sofar: V, value: V) -> V {
    let gives_way = if SKIP { sofar.is_nan() } else { value.is_nan() };
    if S::better(value, sofar) | gives_way { value } else { sofar }
}

/// The best of some values.
#[inline]
pub(super) fn best_of<V: Value, S: Side, const SKIP: bool>(values: &[V]) -> V {
    let none = none::<V, S, SKIP>();
    if values.len() < 2 * LANES {
        return values.iter().fold(none, |sofar, &value| best::<V, S, SKIP>(sofar, value));
    }
    let mut lanes = [none; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = best::<V, S, SKIP>(*lane, value);
        }
    }
    lanes.iter().chain(rest).fold(none, |sofar, &value| best::<V, S, SKIP>(sofar, value))
}

impl<E: Element, S: Side, const SKIP: bool> Fold for Extreme<E, S, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![E::block(vec![none::<_, S, SKIP>(); cells])]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [extremes] = columns else { return };
        let extremes = all::<E>(extremes);
        for (cell, _, row) in rows.of(values) {
            if let Some(extreme) = extremes.get_mut(cell) {
                *extreme = best::<_, S, SKIP>(*extreme, best_of::<_, S, SKIP>(row));
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [extremes] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let extremes = Cells::under(cell, row).of_mut::<E>(extremes);
            for (extreme, &value) in extremes.iter_mut().zip(row) {
                *extreme = best::<_, S, SKIP>(*extreme, value);
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let ([extremes], [others]) = (columns, others) else { return };
        let others = Cells { first: from, ..cells }.of::<E>(others);
        for (extreme, &other) in cells.of_mut::<E>(extremes).iter_mut().zip(others) {
            *extreme = best::<_, S, SKIP>(*extreme, other);
        }
    }
}
