//! Buffers that are used again. A chunk of tens of megabytes that is allocated afresh costs its pages
//! being mapped and cleared each time, which is a good part of the time its decoding takes.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::ToByteSlice;
use parking_lot::Mutex;

use super::kind::Kind;
use super::{allocator, huge_pages};
use crate::kernels::{Block, each_kind};

/// Smaller ones are left to the allocator, which keeps those itself.
pub(crate) const WORTH_KEEPING: usize = 256 << 10;

/// How much is kept at most, over all threads: of bytes, and of values as much again. Less where memory is little.
const MOST: usize = 192 << 20;
static KEPT: AtomicUsize = AtomicUsize::new(MOST);

/// With less than this, what the allocator keeps for itself is missed.
const LITTLE: u64 = 1 << 30;

/// With less than this, what the pool keeps back for all that nobody reserves is just enough for that.
const VERY_LITTLE: u64 = 256 << 20;

/// What was not wanted while so many others were taken is of a length that nobody has a use for any more.
const PATIENCE: u64 = 64;

/// How much rests.
static RESTING: AtomicUsize = AtomicUsize::new(0);

fn kept_at_most() -> usize {
    KEPT.load(Ordering::Relaxed)
}

/// Keeps no more than belongs to a limit on this process's memory.
pub(crate) fn keep_within(limit: u64) {
    let part = if limit < VERY_LITTLE { 32 } else { 4 };
    let share = usize::try_from(limit / part).unwrap_or(usize::MAX);
    KEPT.store(share.min(MOST), Ordering::Relaxed);
    if limit < LITTLE {
        allocator::gives_back();
    }
}

/// The bytes of all that rests: nobody has reserved them.
pub(crate) fn at_rest() -> usize {
    RESTING.load(Ordering::Relaxed)
}

/// Gives what rests back to the system: others need the memory, or what follows has no use for such lengths.
pub(crate) fn let_go() {
    let bytes = BYTES.lock().part_with_all();
    let values = VALUES.lock().part_with_all();
    drop((bytes, values));
}

/// Buffers at rest, the one last used at the end: its pages are the likeliest to be in a cache.
struct Resting<T> {
    all: Vec<(u64, T)>,
    /// How many were taken so far, from here or not.
    taken: u64,
}

impl<T: Buffered> Resting<T> {
    const fn new() -> Self {
        Self { all: Vec::new(), taken: 0 }
    }

    /// One that fits, and those that nobody has wanted for long: to be dropped without the lock.
    fn take(&mut self, fits: impl Fn(&T) -> bool) -> (Option<T>, Vec<T>) {
        self.taken += 1;
        let found = self.all.iter().rposition(|(_, buffer)| fits(buffer));
        let found = found.map(|at| self.all.remove(at).1);
        let forgotten = self.all.partition_point(|(since, _)| since + PATIENCE < self.taken);
        let forgotten: Vec<T> = self.all.drain(..forgotten).map(|(_, buffer)| buffer).collect();
        let gone: usize = found.iter().chain(&forgotten).map(T::bytes).sum();
        RESTING.fetch_sub(gone, Ordering::Relaxed);
        (found, forgotten)
    }

    /// Lays one to rest. Those that there is no room for any more are to be dropped without the lock.
    fn put(&mut self, buffer: T) -> Vec<T> {
        RESTING.fetch_add(buffer.bytes(), Ordering::Relaxed);
        self.all.push((self.taken, buffer));
        let mut kept: usize = self.all.iter().map(|(_, buffer)| buffer.bytes()).sum();
        let mut dropped = Vec::new();
        while kept > kept_at_most() && !self.all.is_empty() {
            let (_, oldest) = self.all.remove(0);
            kept -= oldest.bytes();
            RESTING.fetch_sub(oldest.bytes(), Ordering::Relaxed);
            dropped.push(oldest);
        }
        dropped
    }

    fn part_with_all(&mut self) -> Vec<(u64, T)> {
        let all = std::mem::take(&mut self.all);
        RESTING.fetch_sub(all.iter().map(|(_, buffer)| buffer.bytes()).sum(), Ordering::Relaxed);
        all
    }
}

/// What has memory that can be used again.
trait Buffered {
    /// How much.
    fn bytes(&self) -> usize;
}

impl Buffered for Vec<u8> {
    fn bytes(&self) -> usize {
        self.capacity()
    }
}

impl Buffered for Block {
    fn bytes(&self) -> usize {
        macro_rules! bytes {
            ($($kind:ident: $type:ty),*) => {
                match self {
                    $(Block::$kind(values) => values.capacity().saturating_mul(size_of::<$type>()),)*
                }
            };
        }
        each_kind!(bytes)
    }
}

static BYTES: Mutex<Resting<Vec<u8>>> = Mutex::new(Resting::new());
static VALUES: Mutex<Resting<Block>> = Mutex::new(Resting::new());

/// So many bytes, of any content.
pub fn take(length: usize) -> Vec<u8> {
    if length < WORTH_KEEPING {
        return vec![0; length];
    }
    // Packed chunks are of almost one length: those that differ little share their buffers, and none
    // takes that of a much smaller one's, which others wait for.
    let class = class_of(length);
    let (found, forgotten) = BYTES.lock().take(|buffer| buffer.capacity() == class);
    drop(forgotten);
    let mut buffer = found.unwrap_or_else(|| {
        // Zeros of the system's, which nobody writes.
        let mut fresh = vec![0; class];
        huge_pages::ask_for(&mut fresh);
        fresh
    });
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
    if !(WORTH_KEEPING..=kept_at_most()).contains(&buffer.capacity()) {
        return;
    }
    let dropped = BYTES.lock().put(buffer);
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

/// Room for so many values of a kind, of which there are none yet.
pub(crate) fn room(kind: Kind, count: usize) -> Block {
    let bytes = count.saturating_mul(kind.width());
    let fits = |block: &Block| {
        block.kind() == kind && (bytes..=bytes.saturating_mul(2)).contains(&block.bytes())
    };
    let (mut block, mut is_used) = (Block::empty(kind), false);
    if bytes >= WORTH_KEEPING {
        let (found, forgotten) = VALUES.lock().take(fits);
        drop(forgotten);
        is_used = found.is_some();
        block = found.unwrap_or(block);
    }
    block.clear();
    block.reserve(count);
    macro_rules! ask {
        ($($kind:ident: $type:ty),*) => {
            match &mut block {
                $(Block::$kind(values) => huge_pages::ask_for(values.spare_capacity_mut()),)*
            }
        };
    }
    if !is_used {
        each_kind!(ask);
    }
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
    match (WORTH_KEEPING..=kept_at_most()).contains(&values.bytes()) {
        true => Buffer::from(Bytes::from_owner(LentValues(values))),
        false => each_kind!(plain),
    }
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
        let dropped = VALUES.lock().put(block);
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Others use the same buffers at the same time, and may be given one between: one of many tries comes back.
    fn comes_back(mut again: impl FnMut() -> bool) {
        assert!((0..200).any(|_| again()), "no buffer ever came back");
    }

    #[test]
    fn values_come_back() {
        comes_back(|| {
            // A kind that other tests make less of.
            let Block::U16(mut values) = room(Kind::U16, WORTH_KEEPING) else { panic!() };
            values.extend((0..WORTH_KEEPING).map(|at| at as u16));
            let buffer = shared(Block::U16(values));
            let address = buffer.as_ptr();
            assert_eq!(buffer.typed_data::<u16>()[70_000], (70_000 % 65_536) as u16);
            let part = buffer.slice(10);
            drop(buffer);
            assert_eq!(part.len(), 2 * WORTH_KEEPING - 10);
            drop(part);
            let again = room(Kind::U16, WORTH_KEEPING - 5);
            let Block::U16(values) = &again else { panic!("{again:?}") };
            assert!(values.is_empty());
            values.as_ptr().cast::<u8>() == address
        });
        assert!(matches!(room(Kind::I8, 3), Block::I8(values) if values.is_empty()));
    }

    #[test]
    fn buffers_come_back() {
        // A length nobody else uses.
        let length = 3 * WORTH_KEEPING + 4_321;
        comes_back(|| {
            let bytes = share(take(length));
            let address = bytes.as_ptr();
            let other = bytes.clone();
            drop(bytes);
            assert_eq!(other.len(), length);
            drop(other);
            let longer = take(length + 100);
            assert_eq!(longer.len(), length + 100);
            longer.as_ptr() == address
        });
        assert!(take(10).iter().all(|byte| *byte == 0));
        for length in [WORTH_KEEPING, 5 << 20, (5 << 20) + 1, 75_900_000] {
            assert!((length..=length + length / 8).contains(&class_of(length)));
        }
    }

    #[test]
    fn what_nobody_wants_any_more_is_forgotten() {
        let mut resting = Resting::new();
        assert!(resting.put(vec![0_u8; 100]).is_empty());
        assert!(resting.put(vec![0; 200]).is_empty());
        let of = |length: usize| move |buffer: &Vec<u8>| buffer.len() == length;
        for _ in 0..PATIENCE - 1 {
            let (found, forgotten) = resting.take(of(200));
            assert_eq!((found.as_ref().map(Vec::len), forgotten.len()), (Some(200), 0));
            resting.put(found.unwrap());
        }
        assert!(resting.take(of(300)).0.is_none());
        let (found, forgotten) = resting.take(of(200));
        assert_eq!(found.map(|buffer| buffer.len()), Some(200));
        assert_eq!(forgotten.iter().map(Vec::len).collect::<Vec<_>>(), [100]);
        assert!(resting.take(of(100)).0.is_none());
        resting.put(vec![0; 400]);
        assert_eq!(resting.part_with_all().len(), 1);
        assert!(resting.all.is_empty());
    }
}
