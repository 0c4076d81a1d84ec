//! The largest values, or the smallest, and where they are. What is not a number counts as the largest;
//! of equal values, the first comes first.

use std::cmp::Ordering;

use super::{State, more_of, of};
use crate::kernels::element::{Element, I64, Value};
use crate::kernels::lanes::ordered;
use crate::kernels::{Block, Slice};

type Placed<E> = (<E as Element>::Value, i64);

/// The first values of cells.
pub(super) struct Tops<E: Element> {
    count: usize,
    least: bool,
    places: bool,
    /// Up to twice as many as are asked for.
    cells: Vec<Vec<Placed<E>>>,
    /// What comes after this is not among the first.
    bounds: Vec<Option<Placed<E>>>,
}

fn order<V: Value>(least: bool, a: &(V, i64), b: &(V, i64)) -> Ordering {
    let values = if least { ordered(a.0, b.0) } else { ordered(b.0, a.0) };
    values.then(a.1.cmp(&b.1))
}

impl<E: Element> Tops<E> {
    pub(super) fn new(count: usize, least: bool, places: bool, cells: usize) -> Self {
        Self { count, least, places, cells: vec![Vec::new(); cells], bounds: vec![None; cells] }
    }

    fn add(&mut self, cell: usize, one: Placed<E>) {
        let (Some(first), Some(bound)) = (self.cells.get_mut(cell), self.bounds.get_mut(cell))
        else {
            return;
        };
        if bound.as_ref().is_some_and(|bound| order(self.least, &one, bound) == Ordering::Greater) {
            return;
        }
        first.push(one);
        if first.len() >= self.count.saturating_mul(2) {
            let at = self.count - 1;
            first.select_nth_unstable_by(at, |a, b| order(self.least, a, b));
            *bound = first.get(at).copied();
            first.truncate(self.count);
        }
    }

    fn firsts(&self, cell: &[Placed<E>]) -> Vec<Placed<E>> {
        let mut first = cell.to_vec();
        first.sort_unstable_by(|a, b| order(self.least, a, b));
        first.truncate(self.count);
        first
    }
}

impl<E: Element> State for Tops<E> {
    fn take(&mut self, cell: usize, values: Slice<'_>, position: i64, stride: i64) {
        let mut position = position;
        for value in E::of(values).unwrap_or_default() {
            self.add(cell, (*value, position));
            position += stride;
        }
    }

    fn merge(&mut self, parts: &[Block], cells: usize) -> Option<()> {
        let (values, places) = (of::<E>(parts.first())?, of::<I64>(parts.get(1))?);
        let lengths = more_of(parts);
        let sent = lengths.iter().try_fold(0_u64, |all, length| all.checked_add(*length))?;
        let fits = lengths.len() == cells && values.len() == places.len();
        if !fits || values.len() as u64 != sent {
            return None;
        }
        let mut left = values.iter().zip(places);
        for (cell, length) in lengths.iter().enumerate() {
            for (value, place) in left.by_ref().take(*length as usize) {
                self.add(cell, (*value, *place));
            }
        }
        Some(())
    }

    fn parts(&self) -> Vec<Block> {
        let (mut values, mut places) = (Vec::new(), Vec::new());
        for cell in &self.cells {
            for (value, place) in self.firsts(cell) {
                values.push(value);
                places.push(place);
            }
        }
        vec![E::block(values), Block::I64(places)]
    }

    fn more(&self) -> Vec<u64> {
        self.cells.iter().map(|cell| cell.len().min(self.count) as u64).collect()
    }

    fn finish(self: Box<Self>) -> Result<Block, String> {
        if self.cells.iter().any(|cell| cell.len() < self.count) {
            return Err("there are fewer values than are to be chosen".to_string());
        }
        let mut parts = self.parts().into_iter();
        let (values, places) = (parts.next(), parts.next());
        let asked = if self.places { places } else { values };
        asked.ok_or_else(|| "a state without its parts".to_string())
    }
}
