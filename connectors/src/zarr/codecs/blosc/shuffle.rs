//! Shuffling: the first bytes (or bits) of all values of a block, then all second ones, so that what
//! is alike stands together.

/// How a block was shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shuffle {
    None,
    Bytes,
    Bits,
}

impl Shuffle {
    pub(super) fn of_flags(flags: u8, typesize: usize, block: usize) -> Self {
        if flags & super::SHUFFLED != 0 && typesize > 1 {
            Self::Bytes
        } else if flags & super::BITS_SHUFFLED != 0 && block >= typesize {
            Self::Bits
        } else {
            Self::None
        }
    }

    /// Shuffles. Both have one length.
    pub(super) fn apply(self, from: &[u8], to: &mut [u8], width: usize) {
        let count = from.len() / width;
        match self {
            Self::Bytes if width > 1 && count > 0 => {
                for (byte, row) in to.chunks_exact_mut(count).take(width).enumerate() {
                    for (place, value) in row.iter_mut().zip(from.chunks_exact(width)) {
                        *place = value.get(byte).copied().unwrap_or_default();
                    }
                }
                copy_rest(from, to, count * width);
            }
            Self::Bits if count > 0 && count.is_multiple_of(8) => {
                let row = count / 8;
                for byte in 0..width {
                    for group in 0..row {
                        let eight = |one: usize| at(from, (group * 8 + one) * width + byte);
                        let bits = transposed(std::array::from_fn(eight));
                        for (bit, value) in bits.into_iter().enumerate() {
                            put(to, (byte * 8 + bit) * row + group, value);
                        }
                    }
                }
                copy_rest(from, to, count * width);
            }
            _ => to.copy_from_slice(from),
        }
    }

    /// Puts back what was shuffled. Both have one length.
    pub(super) fn undo(self, from: &[u8], to: &mut [u8], width: usize) {
        let count = from.len() / width;
        match self {
            Self::Bytes if width > 1 && count > 0 => match width {
                2 => gather::<2>(from, to, count),
                4 => gather::<4>(from, to, count),
                8 => gather::<8>(from, to, count),
                _ => {
                    for (byte, row) in from.chunks_exact(count).take(width).enumerate() {
                        for (value, place) in to.chunks_exact_mut(width).zip(row) {
                            if let Some(to) = value.get_mut(byte) {
                                *to = *place;
                            }
                        }
                    }
                    copy_rest(from, to, count * width);
                }
            },
            Self::Bits if count > 0 && count.is_multiple_of(8) => {
                let row = count / 8;
                for byte in 0..width {
                    for group in 0..row {
                        let eight = |bit: usize| at(from, (byte * 8 + bit) * row + group);
                        let values = transposed(std::array::from_fn(eight));
                        for (one, value) in values.into_iter().enumerate() {
                            put(to, (group * 8 + one) * width + byte, value);
                        }
                    }
                }
                copy_rest(from, to, count * width);
            }
            _ => to.copy_from_slice(from),
        }
    }
}

/// Puts together values of a width that the compiler knows, and so can do many at a time.
fn gather<const N: usize>(from: &[u8], to: &mut [u8], count: usize) {
    let rows: [&[u8]; N] =
        std::array::from_fn(|byte| from.get(byte * count..(byte + 1) * count).unwrap_or_default());
    let (values, _) = to.as_chunks_mut::<N>();
    let count = rows.iter().map(|row| row.len()).min().unwrap_or(0).min(values.len());
    // All of one length: nothing is left to be checked inside the loop.
    let rows = rows.map(|row| row.get(..count).unwrap_or_default());
    for (at, value) in values.iter_mut().take(count).enumerate() {
        for (place, row) in value.iter_mut().zip(rows) {
            *place = row.get(at).copied().unwrap_or_default();
        }
    }
    copy_rest(from, to, count * N);
}

/// What is no whole value stays as it is.
fn copy_rest(from: &[u8], to: &mut [u8], start: usize) {
    if let (Some(from), Some(to)) = (from.get(start..), to.get_mut(start..)) {
        to.copy_from_slice(from);
    }
}

fn at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

fn put(bytes: &mut [u8], at: usize, value: u8) {
    if let Some(place) = bytes.get_mut(at) {
        *place = value;
    }
}

/// Eight bytes as rows of bits, with rows and columns exchanged (Hacker's Delight, 7-3).
fn transposed(rows: [u8; 8]) -> [u8; 8] {
    let mut bits = u64::from_le_bytes(rows);
    for (shift, mask) in
        [(7, 0x00aa_00aa_00aa_00aa_u64), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        let swapped = (bits ^ (bits >> shift)) & mask;
        bits = bits ^ swapped ^ (swapped << shift);
    }
    bits.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_transposed() {
        let rows = [1, 0, 0, 0, 0, 0, 0, 0x80];
        assert_eq!(transposed(rows), [1, 0, 0, 0, 0, 0, 0, 0x80]);
        assert_eq!(transposed([0xff, 0, 0, 0, 0, 0, 0, 0]), [1; 8]);
        let rows = [3, 141, 59, 26, 53, 58, 97, 93];
        assert_eq!(transposed(transposed(rows)), rows);
    }

    #[test]
    fn shuffles_are_undone() {
        for shuffle in [Shuffle::None, Shuffle::Bytes, Shuffle::Bits] {
            for width in [1, 2, 3, 4, 7, 8, 16] {
                for length in [0, 1, 8, 63, 64, 128, 1_000] {
                    let from: Vec<u8> = (0..length).map(|at| (at * 31 % 256) as u8).collect();
                    let (mut to, mut back) = (vec![0; length], vec![0; length]);
                    shuffle.apply(&from, &mut to, width);
                    shuffle.undo(&to, &mut back, width);
                    assert_eq!(back, from, "{shuffle:?} {width} {length}");
                }
            }
        }
    }
}
