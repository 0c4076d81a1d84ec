//! Streams of bits: words of eight bytes, little end first, the lowest bit of each first.

/// What bits are written to.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Bits that are no whole word yet, and how many.
    word: u64,
    count: u32,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Writes the lowest `count` bits of a number, 64 at most.
    pub(super) fn write(&mut self, value: u64, count: u32) {
        let value = value & lowest(count);
        self.word |= value << self.count;
        let all = self.count + count;
        if all < u64::BITS {
            self.count = all;
            return;
        }
        self.bytes.extend(self.word.to_le_bytes());
        self.word = value.checked_shr(u64::BITS - self.count).unwrap_or(0);
        self.count = all - u64::BITS;
    }

    pub(super) fn write_bit(&mut self, bit: bool) {
        self.write(u64::from(bit), 1);
    }

    /// Writes zeros.
    pub(super) fn pad(&mut self, count: u32) {
        let all = u64::from(self.count) + u64::from(count);
        if all >= u64::from(u64::BITS) {
            let words = (all / u64::from(u64::BITS)) as usize;
            self.bytes.extend(self.word.to_le_bytes());
            self.bytes.resize(self.bytes.len() + (words - 1) * size_of::<u64>(), 0);
            self.word = 0;
        }
        self.count = (all % u64::from(u64::BITS)) as u32;
    }

    /// What was written, as whole words.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.extend(self.word.to_le_bytes());
        }
        self.bytes
    }
}

/// What bits are read from. Behind the end are zeros, and it is known that they were read.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    word: u64,
    count: u32,
    cut_off: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, word: 0, count: 0, cut_off: false }
    }

    /// Whether more was read than is there.
    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Reads so many bits, 64 at most.
    pub(super) fn read(&mut self, count: u32) -> u64 {
        let Some(more) = count.checked_sub(self.count).filter(|more| *more > 0) else {
            let value = self.word & lowest(count);
            self.word = self.word.checked_shr(count).unwrap_or(0);
            self.count -= count;
            return value;
        };
        let next = self.next();
        // Fewer than 64 are there, for more are asked for.
        let value = self.word | (next << self.count);
        self.word = next.checked_shr(more).unwrap_or(0);
        self.count = u64::BITS - more;
        value & lowest(count)
    }

    pub(super) fn read_bit(&mut self) -> bool {
        self.read(1) == 1
    }

    pub(super) fn skip(&mut self, count: u32) {
        let Some(more) = count.checked_sub(self.count) else {
            self.read(count.min(u64::BITS));
            return;
        };
        (self.word, self.count) = (0, 0);
        let words = (more / u64::BITS) as usize;
        self.rest = match self.rest.get(words * size_of::<u64>()..) {
            Some(rest) => rest,
            None => {
                self.cut_off = true;
                &[]
            }
        };
        self.read(more % u64::BITS);
    }

    fn next(&mut self) -> u64 {
        if let Some((word, rest)) = self.rest.split_first_chunk() {
            self.rest = rest;
            return u64::from_le_bytes(*word);
        }
        // Others write words of other sizes: the last may be shorter.
        self.cut_off |= self.rest.is_empty();
        let last = std::mem::take(&mut self.rest);
        last.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
    }
}

/// A number whose lowest bits are set.
fn lowest(count: u32) -> u64 {
    1_u64.checked_shl(count).unwrap_or(0).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_back() {
        let mut writer = Writer::default();
        let mut written = Vec::new();
        let mut seed = 7_u64;
        for round in 0..500 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let count = (seed >> 33) as u32 % 65;
            let value = seed.rotate_left(17);
            writer.write(value, count);
            written.push((value & lowest(count), count));
            if round % 7 == 0 {
                writer.pad(count * 3);
                written.extend([(0, count), (0, count), (0, count)]);
            }
        }
        let bytes = writer.finish();
        assert_eq!(bytes.len() % 8, 0);
        let mut reader = Reader::new(&bytes);
        for (value, count) in &written {
            assert_eq!(reader.read(*count), *value);
        }
        assert!(!reader.is_cut_off());
        // What is skipped is where it would be if it were read.
        for skipped in [0, 1, 63, 64, 65, 200, 1000] {
            let (mut one, mut other) = (Reader::new(&bytes), Reader::new(&bytes));
            assert_eq!(one.read(5), other.read(5));
            for _ in 0..skipped {
                one.read(1);
            }
            other.skip(skipped);
            assert_eq!(one.read(64), other.read(64), "{skipped}");
        }
    }

    #[test]
    fn the_end_is_known() {
        let mut reader = Reader::new(&[0xff; 11]);
        assert_eq!(reader.read(64), u64::MAX);
        assert_eq!((reader.read(30), reader.is_cut_off()), (0x00ff_ffff, false));
        reader.read(40);
        assert!(reader.is_cut_off());
        let mut reader = Reader::new(&[0xff; 11]);
        reader.skip(u32::MAX);
        assert!(reader.is_cut_off());
    }
}
