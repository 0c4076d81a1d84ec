//! How often something is there: values in bins, or numbers.

use std::marker::PhantomData;

use super::{State, more_of, of};
use crate::kernels::element::{Element, I64, Value};
use crate::kernels::{Block, Slice};

/// Finds the number under which a value is counted.
pub(super) trait Finds: Send + Sync {
    /// None if it is not counted. Fails for what must not be there.
    fn find<V: Value>(&self, value: V) -> Result<Option<usize>, ()>;
}

/// A whole number is counted under itself.
pub(super) struct Itself;

impl Finds for Itself {
    #[inline]
    fn find<V: Value>(&self, value: V) -> Result<Option<usize>, ()> {
        // All bits of a negative number, seen without its sign, are more than there are places.
        let number: u64 = value.to();
        if value < V::default() {
            Err(())
        } else {
            usize::try_from(number).map(Some).map_err(|_| ())
        }
    }
}

/// Counts of cells.
pub(super) struct Counts<E, F> {
    finds: F,
    length: usize,
    counts: Vec<i64>,
    /// How many values there is no place for.
    outside: u64,
    of: PhantomData<fn(E)>,
}

impl<E: Element, F: Finds> Counts<E, F> {
    pub(super) fn new(finds: F, length: usize, cells: usize) -> Self {
        let counts = vec![0; length.saturating_mul(cells)];
        Self { finds, length, counts, outside: 0, of: PhantomData }
    }
}

impl<E: Element, F: Finds> State for Counts<E, F> {
    fn take(&mut self, cell: usize, values: Slice<'_>, _: i64, _: i64) {
        let own = cell * self.length..(cell + 1) * self.length;
        let Some(counts) = self.counts.get_mut(own) else { return };
        for value in E::of(values).unwrap_or_default() {
            match self.finds.find(*value) {
                Ok(None) => {}
                Ok(Some(at)) => match counts.get_mut(at) {
                    Some(count) => *count += 1,
                    None => self.outside += 1,
                },
                Err(()) => self.outside += 1,
            }
        }
    }

    fn merge(&mut self, parts: &[Block], cells: usize) -> Option<()> {
        let others = of::<I64>(parts.first())?;
        if others.len() != self.counts.len() || Some(others.len()) != cells.checked_mul(self.length)
        {
            return None;
        }
        for (count, other) in self.counts.iter_mut().zip(others) {
            *count = count.wrapping_add(*other);
        }
        self.outside = self.outside.saturating_add(*more_of(parts).first()?);
        Some(())
    }

    fn parts(&self) -> Vec<Block> {
        vec![Block::I64(self.counts.clone())]
    }

    fn more(&self) -> Vec<u64> {
        vec![self.outside]
    }

    fn finish(self: Box<Self>) -> Result<Block, String> {
        match self.outside {
            0 => Ok(Block::I64(self.counts)),
            outside => Err(format!(
                "{outside} values cannot be counted: they are negative, or not below {}",
                self.length
            )),
        }
    }
}
