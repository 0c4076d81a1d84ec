//! Random numbers that depend on a place instead of on what was drawn before: row 7,000,000 is the
//! same whoever makes it, after whatever. Hence the same data for any number of threads.

/// Draws for one purpose, such as one column; two streams have nothing to do with each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    key: u64,
}

impl Stream {
    /// The stream that `name` stands for under `seed`.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let key = name.bytes().fold(scramble(seed), |key, byte| scramble(key ^ u64::from(byte)));
        Self { key }
    }

    /// 64 random bits for `place`.
    pub(super) fn bits(&self, place: u64) -> u64 {
        // The multiplication keeps neighbouring places apart before they are scrambled.
        scramble(self.key ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `bound` for `place`, all about equally likely. 0 where `bound` is 0.
    pub(super) fn below(&self, place: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(place)) * u128::from(bound)) >> 64) as u64
    }

    /// Whether `place` is among the `percent` of all places that are chosen.
    pub(super) fn chosen(&self, place: u64, percent: u8) -> bool {
        percent > 0 && self.below(place, 100) < u64::from(percent)
    }
}

/// Every bit of the result depends on every bit of `x`, and different `x` give different results.
fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The numbers below `size` in a random order, each found without knowing the others.
///
/// A Feistel network: halves of the number's bits take turns in changing each other, which can be
/// undone and so never brings two numbers together. It works on powers of four; a result beyond
/// `size` goes through once more until it is within.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shuffle {
    stream: Stream,
    size: u64,
    half_bits: u32,
}

impl Shuffle {
    const ROUNDS: u64 = 4;

    /// An order of the numbers below `size`.
    pub(super) fn new(stream: Stream, size: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { stream, size, half_bits: bits.div_ceil(2).max(1) }
    }

    /// The number at `index`, which must be below the size.
    pub(super) fn at(&self, index: u64) -> u64 {
        debug_assert!(index < self.size);
        let mut number = self.permute(index);
        while number >= self.size {
            number = self.permute(number);
        }
        number
    }

    fn permute(&self, number: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for round in 0..Self::ROUNDS {
            let change = self.stream.bits((round << 48) ^ right) & mask;
            (left, right) = (right, left ^ change);
        }
        (left << self.half_bits) | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_holds_every_number_once() {
        for size in [1, 2, 3, 10, 11, 64, 1000, 4097] {
            let shuffle = Shuffle::new(Stream::new(1, "s"), size);
            let mut all: Vec<u64> = (0..size).map(|index| shuffle.at(index)).collect();
            assert!(size < 10 || all != (0..size).collect::<Vec<_>>());
            all.sort_unstable();
            assert_eq!(all, (0..size).collect::<Vec<_>>());
        }
    }

    #[test]
    fn draws_are_even_and_streams_differ() {
        let (a, b) = (Stream::new(1, "a"), Stream::new(1, "b"));
        let mut counts = [0_u32; 10];
        for place in 0..100_000 {
            if let Some(count) = counts.get_mut(a.below(place, 10) as usize) {
                *count += 1;
            }
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        let same = (0..10_000).filter(|place| a.below(*place, 10) == b.below(*place, 10)).count();
        assert!((800..1_200).contains(&same));
        assert_ne!(a.bits(7), Stream::new(2, "a").bits(7));
    }

    #[test]
    fn a_share_is_chosen() {
        let stream = Stream::new(3, "nulls");
        let share = |percent| (0..100_000).filter(|p| stream.chosen(*p, percent)).count();
        assert_eq!((share(0), share(100)), (0, 100_000));
        assert!((4_500..5_500).contains(&share(5)));
    }
}
