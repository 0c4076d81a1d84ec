//! Buffers that are used again. A chunk of tens of megabytes that is allocated afresh costs its pages
//! being mapped and cleared each time, which is a good part of the time its decoding takes.

use bytes::Bytes;
use parking_lot::Mutex;

/// Smaller ones are left to the allocator, which keeps those itself.
const WORTH_KEEPING: usize = 1 << 20;

/// How many bytes are kept at most, over all threads.
const KEPT: usize = 192 << 20;

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
    if length <= KEPT {
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
    if buffer.capacity() < WORTH_KEEPING || buffer.capacity() > KEPT {
        return;
    }
    let mut at_rest = AT_REST.lock();
    at_rest.push(buffer);
    let mut kept: usize = at_rest.iter().map(Vec::capacity).sum();
    let mut dropped = Vec::new();
    while kept > KEPT && !at_rest.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;

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
