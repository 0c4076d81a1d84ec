//! How much a [frame of LZ4](https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md) can hold, told by the sizes
//! of its blocks. Its reader unpacks all that there is, whatever was said of it.

/// A byte holds no more than this.
const MOST_RATIO: u64 = 255;
const MAGIC: u32 = 0x184D_2204;

/// The most that comes out of packed bytes.
pub(super) fn at_most(packed: &[u8]) -> u64 {
    let (mut sum, mut rest) = (0u64, packed);
    while !rest.is_empty() {
        match frame(rest) {
            Some((most, after)) => {
                sum = sum.saturating_add(most);
                rest = after;
            }
            None => return sum.saturating_add((rest.len() as u64).saturating_mul(MOST_RATIO)),
        }
    }
    sum
}

/// What a frame holds at most, and what comes after it. None where this is no whole frame.
fn frame(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (magic, rest) = number(bytes)?;
    let (&flags, rest) = rest.split_first().filter(|_| magic == MAGIC)?;
    let (&sizes, rest) = rest.split_first()?;
    let block = match sizes >> 4 & 7 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return None,
    };
    let (checked, sized, summed, dictionary) =
        (flags & 0x10 != 0, flags & 0x08 != 0, flags & 0x04 != 0, flags & 0x01 != 0);
    // The sum of the head is a byte.
    let mut rest = rest.get(8 * usize::from(sized) + 4 * usize::from(dictionary) + 1..)?;
    let mut sum = 0u64;
    loop {
        let (told, after) = number(rest)?;
        if told == 0 {
            return Some((sum, after.get(4 * usize::from(summed)..)?));
        }
        let length = told & 0x7fff_ffff;
        let most = match told == length {
            true => u64::from(length).saturating_mul(MOST_RATIO).min(block),
            false => u64::from(length),
        };
        sum = sum.saturating_add(most);
        rest = after.get(usize::try_from(length).ok()? + 4 * usize::from(checked)..)?;
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(sizes: u8, lengths: &[u32]) -> Vec<u8> {
        let mut bytes = MAGIC.to_le_bytes().to_vec();
        bytes.extend([0x60, sizes << 4, 0]);
        for length in lengths {
            bytes.extend(length.to_le_bytes());
            bytes.extend(vec![0; (length & 0x7fff_ffff) as usize]);
        }
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn blocks_hold_no_more_than_they_may() {
        assert_eq!(at_most(&blocks(4, &[])), 0);
        assert_eq!(at_most(&blocks(4, &[10])), 2550);
        assert_eq!(at_most(&blocks(4, &[1000, 1000])), 2 << 16);
        assert_eq!(at_most(&blocks(7, &[1 << 31 | 1000])), 1000, "as they are");
        let twice = [blocks(4, &[1000]), blocks(5, &[2000])].concat();
        assert_eq!(at_most(&twice), (64 << 10) + (256 << 10));
        let cut = &blocks(4, &[1000])[..500];
        assert_eq!(at_most(cut), 500 * MOST_RATIO);
        assert_eq!(at_most(&[1; 10]), 10 * MOST_RATIO);
    }
}
