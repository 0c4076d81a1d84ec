//! Each value once, in order, and how often it is there. What is not a number is one value.

use super::{State, more_of, of};
use crate::kernels::element::{Element, I64, Value};
use crate::kernels::lanes::ordered;
use crate::kernels::{Block, Slice};

/// So many values are collected before they are put in order.
pub(super) const ROOM: usize = 1 << 16;

/// The values of the only cell.
pub(super) struct Distinct<E: Element> {
    values: Vec<E::Value>,
    counts: Vec<i64>,
    /// Those that were not put in order yet.
    new: Vec<E::Value>,
}

/// Whether both count as one value.
fn same<V: Value>(a: V, b: V) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

impl<E: Element> Distinct<E> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), counts: Vec::new(), new: Vec::new() }
    }

    /// The values that have come, in order, each with how often.
    fn settle(&mut self) {
        let mut new = std::mem::take(&mut self.new);
        new.sort_unstable_by(|a, b| ordered(*a, *b));
        let mut runs: Vec<(E::Value, i64)> = Vec::new();
        for value in &new {
            match runs.last_mut() {
                Some((last, count)) if same(*last, *value) => *count += 1,
                _ => runs.push((*value, 1)),
            }
        }
        self.join(runs.into_iter());
        new.clear();
        self.new = new;
    }

    /// Takes in values in order.
    fn join(&mut self, others: impl Iterator<Item = (E::Value, i64)>) {
        let values = std::mem::take(&mut self.values);
        let counts = std::mem::take(&mut self.counts);
        let mut own = values.into_iter().zip(counts).peekable();
        let mut push = |(value, count): (E::Value, i64)| match self.values.last() {
            Some(last) if same(*last, value) => {
                if let Some(own) = self.counts.last_mut() {
                    *own += count;
                }
            }
            _ => {
                self.values.push(value);
                self.counts.push(count);
            }
        };
        for other in others {
            while let Some(one) = own.next_if(|one| ordered(one.0, other.0).is_le()) {
                push(one);
            }
            push(other);
        }
        own.for_each(push);
    }
}

impl<E: Element> State for Distinct<E> {
    fn take(&mut self, _: usize, values: Slice<'_>, _: i64, _: i64) {
        for part in E::of(values).unwrap_or_default().chunks(ROOM) {
            if self.new.len() + part.len() > ROOM {
                self.settle();
            }
            self.new.extend_from_slice(part);
        }
    }

    fn merge(&mut self, parts: &[Block], cells: usize) -> Option<()> {
        let (values, counts) = (of::<E>(parts.first())?, of::<I64>(parts.get(1))?);
        let ordered =
            values.iter().zip(values.iter().skip(1)).all(|(a, b)| ordered(*a, *b).is_le());
        if cells != 1 || values.len() != counts.len() || !ordered || !more_of(parts).is_empty() {
            return None;
        }
        self.settle();
        self.join(values.iter().copied().zip(counts.iter().copied()));
        Some(())
    }

    fn parts(&self) -> Vec<Block> {
        let mut all = Self {
            values: self.values.clone(),
            counts: self.counts.clone(),
            new: self.new.clone(),
        };
        all.settle();
        vec![E::block(all.values), Block::I64(all.counts)]
    }

    fn finish(mut self: Box<Self>) -> Result<Block, String> {
        self.settle();
        // One run of values has both.
        let mut bits = Vec::with_capacity(2 * self.values.len());
        crate::kernels::append_bits(E::slice(&self.values), &mut bits);
        bits.extend(self.counts.iter().map(|count| *count as u64));
        Ok(Block::U64(bits))
    }

    fn grown(&self) -> usize {
        // While values are joined, both the old and the new ones are there.
        2 * self.values.len() * (size_of::<E::Value>() + 8)
            + self.new.capacity() * size_of::<E::Value>()
    }
}
