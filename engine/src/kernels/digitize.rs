//! Which bin each value lies in: the number of the first edge that is beyond it.

use super::element::{Element, Value, by_kind};
use super::floats::Floats;
use super::{Block, Slice};

/// Fails unless the edges go up or down; says whether they go down.
pub(crate) fn falling(edges: &Floats) -> Result<bool, String> {
    let steps = || edges.0.iter().zip(edges.0.iter().skip(1));
    if steps().all(|(a, b)| a <= b) {
        return Ok(false);
    }
    match steps().all(|(a, b)| a >= b) {
        true => Ok(true),
        false => Err("the edges of bins increase or decrease".to_string()),
    }
}

/// The bin of each value. With `right`, a bin has its right edge, else its left one.
pub(crate) fn digitize(values: Slice<'_>, edges: &Floats, right: bool) -> Block {
    let edges = &edges.0;
    let falls = edges.first() > edges.last();
    by_kind!(values.kind(), all, E => {
        let values = E::of(values).unwrap_or_default().iter();
        Block::I64(values.map(|value| {
            let value = value.wide();
            // What is not a number lies beyond all numbers.
            let at = match (falls, right) {
                _ if value.is_nan() && falls => 0,
                _ if value.is_nan() => edges.len(),
                (false, false) => edges.partition_point(|edge| *edge <= value),
                (false, true) => edges.partition_point(|edge| *edge < value),
                (true, false) => edges.partition_point(|edge| *edge > value),
                (true, true) => edges.partition_point(|edge| *edge >= value),
            };
            at as i64
        }).collect())
    })
}
