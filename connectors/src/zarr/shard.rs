//! The index of a shard: where each of its chunks lies, as two numbers of eight bytes, offset and
//! length; both the largest number where there is no such chunk. An index is data that others wrote:
//! nothing is read by it that the shard does not hold.

use std::ops::Range;

use super::layout::{Layout, Sharding};

/// Where the chunks of one shard lie.
#[derive(Debug)]
pub(super) struct ShardIndex(Vec<Option<Range<u64>>>);

impl ShardIndex {
    /// Reads an index, of a shard of so many bytes.
    pub(super) fn read(bytes: &[u8], sharding: &Sharding, size: u64) -> Result<Self, String> {
        let entries = if sharding.checked {
            let (entries, sum) = bytes.split_last_chunk().ok_or("its index is cut off")?;
            if crc32c::crc32c(entries) != u32::from_le_bytes(*sum) {
                return Err("the checksum of its index differs: its bytes are damaged".to_string());
            }
            entries
        } else {
            bytes
        };
        let number = |bytes: &[u8; 8]| {
            if sharding.big { u64::from_be_bytes(*bytes) } else { u64::from_le_bytes(*bytes) }
        };
        let (numbers, _) = entries.as_chunks::<8>();
        let place = |(at, pair): (usize, &[[u8; 8]; 2])| match pair.each_ref().map(number) {
            [u64::MAX, u64::MAX] => Ok(None),
            [start, length] => match start.checked_add(length) {
                Some(end) if end <= size => Ok(Some(start..end)),
                _ => Err(format!(
                    "by its index, chunk {at} lies {length} bytes from {start} on, and it holds {size}: \
                     it is truncated or damaged"
                )),
            },
        };
        let (pairs, _) = numbers.as_chunks::<2>();
        pairs.iter().enumerate().map(place).collect::<Result<_, _>>().map(Self)
    }

    /// Writes an index of chunks that lie so.
    pub(super) fn write(places: &[Option<Range<u64>>], sharding: &Sharding) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(places.len() * 16 + 4);
        for place in places {
            let pair = match place {
                Some(place) => [place.start, place.end - place.start],
                None => [u64::MAX; 2],
            };
            for number in pair {
                bytes.extend(if sharding.big {
                    number.to_be_bytes()
                } else {
                    number.to_le_bytes()
                });
            }
        }
        if sharding.checked {
            let sum = crc32c::crc32c(&bytes);
            bytes.extend(sum.to_le_bytes());
        }
        bytes
    }

    /// Where a chunk lies, by its number within the shard.
    pub(super) fn place(&self, number: u64) -> Option<Range<u64>> {
        self.0.get(usize::try_from(number).ok()?)?.clone()
    }
}

impl Sharding {
    /// How many chunks a shard holds along each dimension.
    pub(super) fn inside(&self, chunk: &[u64]) -> Vec<u64> {
        self.shape.iter().zip(chunk).map(|(shard, chunk)| shard / (*chunk).max(1)).collect()
    }

    /// How many bytes the index of so many chunks takes.
    pub(super) fn index_length(&self, chunks: u64) -> u64 {
        chunks.saturating_mul(16).saturating_add(if self.checked { 4 } else { 0 })
    }

    /// The shard that holds a chunk, and its number there.
    pub(super) fn holding(&self, layout: &Layout, chunk: &[u64]) -> (Vec<u64>, u64) {
        let inside = self.inside(&layout.chunk);
        let shard = chunk.iter().zip(&inside).map(|(at, count)| at / (*count).max(1)).collect();
        let along = chunk.iter().zip(&inside);
        let number = along.fold(0_u64, |number, (at, count)| number * count + at % (*count).max(1));
        (shard, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharding(checked: bool) -> Sharding {
        Sharding { shape: vec![4], index_first: false, checked, big: false }
    }

    #[test]
    fn indexes_are_read_back() {
        let places = [Some(0..7), None, Some(7..7)];
        for checked in [false, true] {
            let bytes = ShardIndex::write(&places, &sharding(checked));
            assert_eq!(bytes.len() as u64, sharding(checked).index_length(3));
            let index = ShardIndex::read(&bytes, &sharding(checked), 7).unwrap();
            assert_eq!((index.place(0), index.place(1), index.place(9)), (Some(0..7), None, None));
        }
    }

    #[test]
    fn an_index_that_lies_is_refused() {
        for (start, length) in [(0, 8), (u64::MAX, 1), (1, u64::MAX), (8, 0), (u64::MAX, 0)] {
            let mut bytes = Vec::new();
            bytes.extend(u64::to_le_bytes(start));
            bytes.extend(u64::to_le_bytes(length));
            assert!(ShardIndex::read(&bytes, &sharding(false), 7).is_err(), "{start} {length}");
        }
        let mut bytes = ShardIndex::write(&[Some(0..7)], &sharding(true));
        bytes[0] ^= 1;
        assert!(ShardIndex::read(&bytes, &sharding(true), 7).unwrap_err().contains("checksum"));
        assert!(ShardIndex::read(&[1, 2], &sharding(true), 7).is_err());
    }
}
