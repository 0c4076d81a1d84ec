//! Keys that two tables share for the most part.

use super::super::random::{Shuffle, Stream};

/// Which side of a join a table is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// `size` keys for either side, in random order; nine tenths of them are the other side's, too.
///
/// ```text
///  common (9/10)               left's own   right's own
///  |---------------------------|------------|------------|
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    order: Shuffle,
    size: u64,
    common: u64,
}

impl Keys {
    pub(super) fn new(stream: Stream, size: u64) -> Self {
        let common = size - size / 10;
        let order = Shuffle::new(stream, size + (size - common));
        Self { order, size, common }
    }

    /// How many keys a side has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// One side's key at `index`, which must be below the size; keys count from 1.
    pub(super) fn at(&self, side: Side, index: u64) -> u64 {
        let own = index >= self.common && side == Side::Right;
        self.order.at(if own { index + (self.size - self.common) } else { index }) + 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_sides_share_nine_tenths() {
        for size in [10, 100, 1_003] {
            let keys = Keys::new(Stream::new(0, "keys"), size);
            let side = |side| (0..size).map(|i| keys.at(side, i)).collect::<HashSet<_>>();
            let (left, right) = (side(Side::Left), side(Side::Right));
            assert_eq!((left.len() as u64, right.len() as u64), (size, size));
            assert_eq!(left.intersection(&right).count() as u64, size - size / 10);
            assert!(left.union(&right).all(|key| (1..=size + size / 10).contains(key)));
        }
    }
}
