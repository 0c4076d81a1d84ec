//! Random bits by counting: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as
//! easy as 1, 2, 3*). Every block of 128 bits depends on the seed and its number alone, so that any part
//! of an array can be made anywhere.

/// How many rounds scramble a counter.
const ROUNDS: usize = 10;

/// The counters and, after the rounds, the bits of `N` blocks side by side.
type Lanes<const N: usize> = [[u32; N]; 4];

/// Where bits come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Philox {
    key: [u32; 2],
    /// Streams of one seed have nothing to do with each other.
    stream: u64,
}

impl Philox {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], stream }
    }

    /// Two times 64 bits for each of `N` blocks from one on.
    #[inline]
    pub(super) fn blocks<const N: usize>(&self, first: u64) -> [[u64; 2]; N] {
        let mut lanes = [[0; N]; 4];
        let [low, high, stream_low, stream_high] = &mut lanes;
        for (index, (low, high)) in low.iter_mut().zip(high).enumerate() {
            let number = first.wrapping_add(index as u64);
            (*low, *high) = (number as u32, (number >> 32) as u32);
        }
        *stream_low = [self.stream as u32; N];
        *stream_high = [(self.stream >> 32) as u32; N];
        scramble(&mut lanes, self.key);
        let [a, b, c, d] = lanes;
        let mut blocks = [[0; 2]; N];
        for ((((block, a), b), c), d) in blocks.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *block = [u64::from(a) | u64::from(b) << 32, u64::from(c) | u64::from(d) << 32];
        }
        blocks
    }
}

#[inline]
fn scramble<const N: usize>(lanes: &mut Lanes<N>, mut key: [u32; 2]) {
    let [a, b, c, d] = lanes;
    for _ in 0..ROUNDS {
        let lanes = a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut());
        for (((a, b), c), d) in lanes {
            let left = u64::from(*a) * 0xD251_1F53;
            let right = u64::from(*c) * 0xCD9E_8D57;
            *a = (right >> 32) as u32 ^ *b ^ key[0];
            *b = right as u32;
            *c = (left >> 32) as u32 ^ *d ^ key[1];
            *d = left as u32;
        }
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the authors' `kat_vectors`.
    #[test]
    fn bits_are_those_of_the_authors() {
        let scrambled = |counter: [u32; 4], key| {
            let mut lanes = counter.map(|word| [word]);
            scramble(&mut lanes, key);
            lanes.map(|[word]| word)
        };
        assert_eq!(scrambled([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            scrambled([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            scrambled(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn blocks_side_by_side_are_those_one_by_one() {
        let philox = Philox::new(7, 3);
        let first = u64::from(u32::MAX) - 2;
        let many: [_; 8] = philox.blocks(first);
        for (number, block) in (first..).zip(many) {
            assert_eq!(philox.blocks(number), [block]);
        }
        assert_ne!(Philox::new(7, 4).blocks::<8>(first), many);
    }
}
