//! Random bits by counting: Philox4x64-10 (Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as
//! easy as 1, 2, 3*). Every block of 256 bits depends on the seed and its number alone, so that any part
//! of an array can be made anywhere. Bits of the first stream are those of NumPy's `Philox(key=seed)`.

/// How many rounds scramble a counter.
const ROUNDS: usize = 10;

/// A counter and, after the rounds, the bits of a block.
pub(super) type Bits = [u64; 4];

/// Where bits come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Philox {
    key: [u64; 2],
    /// Streams of one seed have nothing to do with each other.
    stream: u64,
}

impl Philox {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self { key: [seed, 0], stream }
    }

    /// The bits of a block. Blocks do not wait for each other: processors make several at a time.
    #[inline(always)]
    pub(super) fn block(&self, number: u64) -> Bits {
        // NumPy counts before it makes a block.
        scrambled([number.wrapping_add(1), 0, self.stream, 0], self.key)
    }
}

/// The low and the high half of a product.
#[inline(always)]
fn halves(value: u64, by: u64) -> (u64, u64) {
    let product = u128::from(value) * u128::from(by);
    (product as u64, (product >> 64) as u64)
}

#[inline(always)]
fn scrambled([mut a, mut b, mut c, mut d]: Bits, [mut k0, mut k1]: [u64; 2]) -> Bits {
    for _ in 0..ROUNDS {
        let (left_low, left_high) = halves(a, 0xD2E7_470E_E14C_6C93);
        let (right_low, right_high) = halves(c, 0xCA5A_8263_9512_1157);
        (a, b, c, d) = (right_high ^ b ^ k0, right_low, left_high ^ d ^ k1, left_low);
        k0 = k0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        k1 = k1.wrapping_add(0xBB67_AE85_84CA_A73B);
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the authors' `kat_vectors`.
    #[test]
    fn bits_are_those_of_the_authors() {
        assert_eq!(
            scrambled([0; 4], [0; 2]),
            [
                0x1655_4d9e_ca36_314c,
                0xdb20_fe9d_672d_0fdc,
                0xd7e7_72ce_e186_176b,
                0x7e68_b68a_ec7b_a23b
            ]
        );
        assert_eq!(
            scrambled([u64::MAX; 4], [u64::MAX; 2]),
            [
                0x87b0_92c3_013f_e90b,
                0x438c_3c67_be8d_0224,
                0x9cc7_d7c6_9cd7_77b6,
                0xa09c_aebf_594f_0ba0
            ]
        );
    }

    #[test]
    fn seeds_streams_and_numbers_make_other_bits() {
        let bits = Philox::new(7, 3).block(5);
        assert_eq!(Philox::new(7, 3).block(5), bits);
        let others = [Philox::new(7, 4).block(5), Philox::new(8, 3).block(5)];
        assert!(others.iter().chain([&Philox::new(7, 3).block(6)]).all(|other| *other != bits));
    }
}
