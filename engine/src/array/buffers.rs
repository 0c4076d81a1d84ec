//! Buffers that are used again. A chunk of tens of megabytes that is allocated afresh costs its pages
//! being mapped and cleared each time, which is a good part of the time its decoding takes.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::ToByteSlice;
use parking_lot::Mutex;

use super::allocator;
use super::kind::Kind;
use crate::kernels::{Block, each_kind};

/// Smaller ones are left to the allocator, which keeps those itself.
const WORTH_KEEPING: usize = 1 << 20;

/// How many bytes are kept at most, over all threads; as many again of values. Less where memory is little.
static KEPT: AtomicUsize = AtomicUsize::new(192 << 20);

/// With less than this, what the allocator keeps for itself is missed.
const LITTLE: u64 = 1 << 30;

fn kept_at_most() -> usize {
    KEPT.load(Ordering::Relaxed)
}

/// Keeps no more than belongs to a limit on this process's memory.
pub(crate) fn keep_within(limit: u64) {
    let share = usize::try_from(limit / 32).unwrap_or(usize::MAX);
    KEPT.store(share.min(192 << 20), Ordering::Relaxed);
    if limit < LITTLE {
        allocator::gives_back();
    }
}

/// Those at rest, the one last used at the end: its pages are the likeliest to be in a cache.
static AT_REST: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// So many bytes, of any content.
pub fn take(length: usize) -> Vec<u8> {
    if length < WORTH_KEEPING {
        return vec![0; length];
    }
    // Packed chunks are of almost one length: those that differ little share their buffers, and none
    // takes that of a much smaller one's, which others wait for.
    let class = class_of(length);
    let mut at_rest = AT_REST.lock();
    let found = at_rest.iter().rposition(|buffer| buffer.capacity() == class);
    let found = found.map(|at| at_rest.remove(at));
    drop(at_rest);
    let mut buffer = found.unwrap_or_else(|| vec![0; class]);
    buffer.resize(length, 0);
    buffer
}

/// The length of buffers that so many bytes are put into: an eighth longer at most.
fn class_of(length: usize) -> usize {
    let step = (length.next_power_of_two() / 16).max(1);
    length.next_multiple_of(step)
}

/// As [`take`], for lengths that there may not be the memory for.
pub fn try_take(length: usize) -> Result<Vec<u8>, String> {
    if length <= kept_at_most() {
        return Ok(take(length));
    }
    // Asked for first, as what follows would end the process; and then as zeros, which the system has
    // without writing them.
    let mut asked = Vec::<u8>::new();
    asked
        .try_reserve_exact(length)
        .map_err(|_| format!("there is no memory for {length} bytes"))?;
    drop(asked);
    Ok(vec![0; length])
}

/// Takes one back.
pub fn give(buffer: Vec<u8>) {
    if buffer.capacity() < WORTH_KEEPING || buffer.capacity() > kept_at_most() {
        return;
    }
    let mut at_rest = AT_REST.lock();
    at_rest.push(buffer);
    let mut kept: usize = at_rest.iter().map(Vec::capacity).sum();
    let mut dropped = Vec::new();
    while kept > kept_at_most() && !at_rest.is_empty() {
        let oldest = at_rest.remove(0);
        kept -= oldest.capacity();
        dropped.push(oldest);
    }
    // Given back to the system without the lock.
    drop(at_rest);
    drop(dropped);
}

/// Bytes that many may look at, and whose buffer comes back when the last of them is gone.
pub fn share(buffer: Vec<u8>) -> Bytes {
    if buffer.len() < WORTH_KEEPING { Bytes::from(buffer) } else { Bytes::from_owner(Lent(buffer)) }
}

/// A buffer that returns.
#[derive(Debug)]
struct Lent(Vec<u8>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.0));
    }
}

/// Values at rest, as [`AT_REST`].
static VALUES_AT_REST: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// Room for so many values of a kind, of which there are none yet.
pub(crate) fn room(kind: Kind, count: usize) -> Block {
    let bytes = count.saturating_mul(kind.width());
    let fits = |block: &Block| {
        block.kind() == kind && (bytes..=bytes.saturating_mul(2)).contains(&capacity(block))
    };
    let mut block = Block::empty(kind);
    if bytes >= WORTH_KEEPING {
        let mut at_rest = VALUES_AT_REST.lock();
        if let Some(at) = at_rest.iter().rposition(fits) {
            block = at_rest.remove(at);
        }
    }
    block.clear();
    block.reserve(count);
    block
}

/// So many zeros.
pub(crate) fn zeros(kind: Kind, count: usize) -> Block {
    let mut zeros = room(kind, count);
    zeros.resize(count);
    zeros
}

/// Values that many may look at, and whose memory comes back when the last of them is gone.
pub(crate) fn shared(values: Block) -> Buffer {
    macro_rules! plain {
        ($($kind:ident: $type:ty),*) => {
            match values {
                $(Block::$kind(values) => Buffer::from_vec(values),)*
            }
        };
    }
    match (WORTH_KEEPING..=kept_at_most()).contains(&capacity(&values)) {
        true => Buffer::from(Bytes::from_owner(LentValues(values))),
        false => each_kind!(plain),
    }
}

/// The bytes that a block has room for.
fn capacity(block: &Block) -> usize {
    macro_rules! bytes {
        ($($kind:ident: $type:ty),*) => {
            match block {
                $(Block::$kind(values) => values.capacity().saturating_mul(size_of::<$type>()),)*
            }
        };
    }
    each_kind!(bytes)
}

/// Values that return.
#[derive(Debug)]
struct LentValues(Block);

impl AsRef<[u8]> for LentValues {
    fn as_ref(&self) -> &[u8] {
        macro_rules! bytes {
            ($($kind:ident: $type:ty),*) => {
                match &self.0 {
                    $(Block::$kind(values) => values.to_byte_slice(),)*
                }
            };
        }
        each_kind!(bytes)
    }
}

impl Drop for LentValues {
    fn drop(&mut self) {
        let block = std::mem::replace(&mut self.0, Block::Bool(Vec::new()));
        let mut at_rest = VALUES_AT_REST.lock();
        at_rest.push(block);
        let mut kept: usize = at_rest.iter().map(capacity).sum();
        let mut dropped = Vec::new();
        while kept > kept_at_most() && !at_rest.is_empty() {
            let oldest = at_rest.remove(0);
            kept -= capacity(&oldest);
            dropped.push(oldest);
        }
        // Given back to the system without the lock.
        drop(at_rest);
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        // A kind that other tests make less of.
        let mut block = room(Kind::U16, WORTH_KEEPING);
        block = match block {
            Block::U16(mut values) => {
                values.extend((0..WORTH_KEEPING).map(|at| at as u16));
                Block::U16(values)
            }
            other => other,
        };
        let buffer = shared(block);
        let address = buffer.as_ptr();
        assert_eq!(buffer.typed_data::<u16>()[70_000], (70_000 % 65_536) as u16);
        let part = buffer.slice(10);
        drop(buffer);
        assert_eq!(part.len(), 2 * WORTH_KEEPING - 10);
        drop(part);
        let again = room(Kind::U16, WORTH_KEEPING - 5);
        let Block::U16(values) = &again else { panic!("{again:?}") };
        assert_eq!((values.as_ptr().cast::<u8>(), values.len()), (address, 0));
        assert!(matches!(room(Kind::I8, 3), Block::I8(values) if values.is_empty()));
    }

    #[test]
    fn buffers_come_back() {
        // A length nobody else uses: tests share the pool.
        let length = 3 * WORTH_KEEPING + 4_321;
        let bytes = share(take(length));
        let address = bytes.as_ptr();
        let other = bytes.clone();
        drop(bytes);
        assert_eq!(other.len(), length);
        drop(other);
        let again = take(length);
        assert_eq!(again.as_ptr(), address);
        give(again);
        let longer = take(length + 100);
        assert_eq!((longer.as_ptr(), longer.len()), (address, length + 100));
        assert!(take(10).iter().all(|byte| *byte == 0));
        for length in [WORTH_KEEPING, 5 << 20, (5 << 20) + 1, 75_900_000] {
            assert!((length..=length + length / 8).contains(&class_of(length)));
        }
    }
}
