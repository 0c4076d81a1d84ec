//! Where a mask is true. How many places these are is known once it is computed, a bit for each of its values;
//! then they are counted before they are written down, once.

use std::collections::BTreeMap;

use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::TryStreamExt;

use crate::array::ArrayError;
use crate::config::ByteSize;
use crate::error::Result;
use crate::kernels::Slice;
use crate::lazy::{Array, Index, Places};

/// Values of one word of bits.
const BITS: usize = u64::BITS as usize;

impl Array {
    /// The places where a mask of one dimension is true: those that follow one another as a slice, which names
    /// them all at once.
    pub async fn true_places(&self, session: &SessionContext) -> Result<Index> {
        let length = self.shape().iter().product::<u64>();
        let chunks = self.grid().chunks().unwrap_or(u64::MAX);
        let words = length.div_ceil(BITS as u64).saturating_add(chunks);
        let bytes = words.saturating_mul(BITS as u64 / 8);
        let planned =
            self.planned_for(session, "remembering where a mask is true", bytes, 1).await?;
        let pool = &session.runtime_env().memory_pool;
        let bits = MemoryConsumer::new("where a mask is true").register(pool);
        bits.try_grow(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        let mut truths = Truths::default();
        let mut rows = planned.chunks()?;
        while let Some((region, values)) = rows.try_next().await? {
            let Slice::Bool(values) = values.values() else {
                return Err(ArrayError::asked("a mask is made of truth values").into());
            };
            truths.take(region.first().map_or(0, |range| range.start), values);
        }
        let (Some(first), Some(last)) = (truths.places().next(), truths.last()) else {
            return Ok(Index::Slice { start: Some(0), stop: Some(0), step: None });
        };
        if last - first + 1 == truths.count {
            let (start, stop) = (i64::try_from(first).ok(), i64::try_from(last + 1).ok());
            return Ok(Index::Slice { start, stop, step: None });
        }
        let held = MemoryConsumer::new("the places where a mask is true").register(pool);
        let count = usize::try_from(truths.count).unwrap_or(usize::MAX);
        held.try_grow(count.saturating_mul(size_of::<u64>())).map_err(|refused| {
            ArrayError::asked(format!(
                "a mask is true at {} places, which take {} as a subscript and do not fit: keep the shape with \
                 where(mask, x, nan), which sum(skip_nan => true) and its like leave out, or raise memory.limit \
                 ({refused})",
                truths.count,
                ByteSize(truths.count.saturating_mul(size_of::<u64>() as u64))
            ))
        })?;
        let mut places = truths.places();
        // Of a known length: written where they stay.
        let all = (0..count).map(|_| places.next().unwrap_or(last)).collect();
        Ok(Index::These(Places::new(all, held)))
    }
}

/// Bits of a mask, chunk by chunk.
#[derive(Default)]
struct Truths {
    /// By the place of the first of them.
    chunks: BTreeMap<u64, Box<[u64]>>,
    /// How many are true.
    count: u64,
}

impl Truths {
    /// Takes in values from a place on.
    fn take(&mut self, start: u64, values: &[u8]) {
        let word = |values: &[u8]| {
            let bits = values.iter().enumerate();
            bits.fold(0, |word, (at, truth)| word | (u64::from(*truth != 0) << at))
        };
        let words: Box<[u64]> = values.chunks(BITS).map(word).collect();
        self.count += words.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        self.chunks.insert(start, words);
    }

    /// Where they are true, in order.
    fn places(&self) -> impl Iterator<Item = u64> {
        self.chunks.iter().flat_map(|(start, words)| {
            words.iter().enumerate().flat_map(move |(at, word)| {
                let first = start + (at * BITS) as u64;
                ones(*word).map(move |bit| first + u64::from(bit))
            })
        })
    }

    fn last(&self) -> Option<u64> {
        self.chunks.iter().rev().find_map(|(start, words)| {
            let (at, word) = words.iter().enumerate().rev().find(|(_, word)| **word != 0)?;
            Some(start + (at * BITS) as u64 + u64::from(word.ilog2()))
        })
    }
}

/// The bits of a word that are set.
fn ones(word: u64) -> impl Iterator<Item = u32> {
    let rest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
    std::iter::successors(Some(word).filter(|word| *word != 0), rest).map(u64::trailing_zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_whichever_chunk_came_first() {
        let mask: Vec<u8> = (0..500_u64).map(|at| u8::from(at % 7 == 3 || at / 64 == 2)).collect();
        let expected: Vec<u64> = (0..500).filter(|at| at % 7 == 3 || at / 64 == 2).collect();
        let mut truths = Truths::default();
        for (start, end) in [(130, 333), (0, 130), (333, 500)] {
            truths.take(start as u64, &mask[start..end]);
        }
        assert_eq!(truths.count, expected.len() as u64);
        assert_eq!(truths.last(), expected.last().copied());
        assert_eq!(truths.places().collect::<Vec<_>>(), expected);
        assert_eq!(Truths::default().last(), None);
    }
}
