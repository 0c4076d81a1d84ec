//! The codec `gdeflate` of zarrs (<https://codec.zarrs.dev/bytes_to_bytes/gdeflate>): DEFLATE64 for many who
//! unpack at once, in pages of 64 KiB. The library of the format reads beyond the end of what is damaged, so
//! that it is unpacked here, and then packed here, too.
//!
//! ```text
//! +--------------+-----------------+-----------------+-------+-------+
//! | bytes: u64   | pages: u64      | u64 for each    | page  | page  |  little end first
//! | in all       |                 | page, its bytes |       |       |
//! +--------------+-----------------+-----------------+-------+-------+
//! ```

mod codes;
mod decode;
mod encode;
mod lanes;
mod matches;
mod symbols;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::packing::{Packing, Size, number, wrong_size};
use strata_engine::buffers;

/// How many bytes a page holds.
const PAGE: usize = 64 << 10;

#[derive(Debug)]
struct GDeflate {
    level: u32,
}

pub(super) fn make(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    match number(settings, "level", 6)? {
        level @ 0..=12 => Ok(Arc::new(GDeflate { level: level as u32 })),
        level => Err(format!("there is no level {level}; 0 to 12 are")),
    }
}

impl Packing for GDeflate {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let pages: Vec<Vec<u8>> =
            bytes.chunks(PAGE).map(|page| encode::encode(page, self.level)).collect();
        let mut packed =
            Vec::with_capacity(pages.iter().map(|page| page.len() + 8).sum::<usize>() + 16);
        packed.extend((bytes.len() as u64).to_le_bytes());
        packed.extend((pages.len() as u64).to_le_bytes());
        packed.extend(pages.iter().flat_map(|page| (page.len() as u64).to_le_bytes()));
        packed.extend(pages.into_iter().flatten());
        Ok(packed)
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        let cut_off = || "the packed bytes are cut off".to_string();
        let (length, rest) = leading(packed).ok_or_else(cut_off)?;
        let (pages, rest) = leading(rest).ok_or_else(cut_off)?;
        match size {
            Size::Exactly(size) if length != size => return Err(wrong_size(length, size)),
            Size::AtMost(most) if length > most => {
                return Err(format!("more than {most} bytes come out"));
            }
            _ => {}
        }
        if pages != length.div_ceil(PAGE) {
            return Err(format!(
                "the packed bytes are damaged: {length} bytes are not {pages} pages"
            ));
        }
        let sizes = pages.checked_mul(8).and_then(|sizes| rest.split_at_checked(sizes));
        let (sizes, mut rest) = sizes.ok_or_else(cut_off)?;
        let mut bytes = buffers::take(length);
        for (to, size) in bytes.chunks_mut(PAGE).zip(sizes.as_chunks().0) {
            let size = usize::try_from(u64::from_le_bytes(*size)).ok();
            let (page, behind) =
                size.and_then(|size| rest.split_at_checked(size)).ok_or_else(cut_off)?;
            decode::decode(page, to)?;
            rest = behind;
        }
        match rest {
            [] => Ok(bytes),
            _ => Err(format!("the packed bytes are damaged: {} follow the last page", rest.len())),
        }
    }

    /// A page is one block and 32 streams that end in words.
    fn longest(&self, size: u64) -> u64 {
        size.saturating_add(size / 8).saturating_add(1 << 16)
    }
}

/// The number of eight bytes that comes first.
fn leading(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u64::from_le_bytes(*number)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(level: u32) -> GDeflate {
        GDeflate { level }
    }

    /// What the library of the format has written: words but for the zeros they end with, each with a page.
    fn theirs(bytes: usize, pages: &[(usize, &[u32])]) -> Vec<u8> {
        let mut packed: Vec<u8> = [bytes, pages.len()]
            .into_iter()
            .flat_map(|number| (number as u64).to_le_bytes())
            .collect();
        packed.extend(pages.iter().flat_map(|(size, _)| (*size as u64).to_le_bytes()));
        for (size, words) in pages {
            let start = packed.len();
            packed.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            packed.resize(start + size, 0);
        }
        packed
    }

    #[test]
    fn pages_of_the_library_are_read() {
        let bytes: Vec<u8> = (0..40).collect();
        let mut words: Vec<u32> =
            vec![0x0000_0141, 0x2101, 0x2202, 0x2303, 0x2404, 0x2505, 0x2606, 0x2707];
        words.extend(8..32);
        words.push(1);
        let packed = theirs(40, &[(260, &words)]);
        assert_eq!(level(0).unpack(&packed, Size::Exactly(40)).unwrap(), bytes);
        let zeros = theirs(70_000, &[(140, &[0x63, 0xff_fca3]), (140, &[0x63, 0x11_6ca3])]);
        assert_eq!(level(1).unpack(&zeros, Size::Exactly(70_000)).unwrap(), vec![0; 70_000]);
        let text = b"one two three four ".repeat(20);
        let words = [
            0x7cb,
            0x79,
            0xa9,
            0xa,
            0x25,
            0xe5,
            0xf9,
            0xa,
            0x25,
            0x19,
            0x45,
            0xa9,
            0xa9,
            0xa,
            0x69,
            0xf9,
            0xa5,
            0x45,
            0xa,
            0xf9,
            0x4201_65a3,
        ];
        let packed = theirs(380, &[(216, &words)]);
        assert_eq!(level(12).unpack(&packed, Size::AtMost(400)).unwrap(), text);
        assert!(
            level(12).unpack(&packed, Size::AtMost(379)).unwrap_err().contains("more than 379")
        );
    }

    /// Bytes of several kinds.
    fn examples() -> Vec<Vec<u8>> {
        let mut seed = 1_u32;
        let mut chance = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        let noise: Vec<u8> = (0..70_000).map(|_| chance()).collect();
        let letters: Vec<u8> = (0..66_000).map(|_| b"acgt"[usize::from(chance() % 4)]).collect();
        let counts = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
        vec![
            vec![],
            vec![7],
            vec![7; 65_536],
            vec![0; 200_000],
            noise,
            letters,
            counts,
            b"abc".to_vec(),
        ]
    }

    #[test]
    fn what_is_packed_is_read_back() {
        for bytes in examples() {
            for number in [0, 1, 4, 6, 12] {
                let packed = level(number).pack(&bytes).unwrap();
                let got = level(number).unpack(&packed, Size::Exactly(bytes.len())).unwrap();
                assert!(got == bytes, "{} bytes at level {number}", bytes.len());
                assert!(packed.len() as u64 <= level(number).longest(bytes.len() as u64));
            }
        }
        let letters = &examples()[5];
        let packed = level(6).pack(letters).unwrap();
        assert!(packed.len() < letters.len() / 3, "{}", packed.len());
    }

    #[test]
    fn what_is_damaged_is_refused_or_read() {
        let bytes: Vec<u8> = (0..70_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
        let mut refused = 0;
        for number in [0, 1, 9] {
            let packed = level(number).pack(&bytes).unwrap();
            let mut seed = 3_usize;
            for round in 0..200 {
                let mut hurt = packed.clone();
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let at = (seed >> 33) % if round % 3 == 0 { 300 } else { hurt.len() };
                match round % 4 {
                    0 => hurt.truncate(at),
                    1 => hurt[at] ^= 1 << (seed >> 20 & 7),
                    2 => hurt[at..].iter_mut().take(9).for_each(|byte| *byte = 0xff),
                    _ => hurt.extend_from_within(at..),
                }
                match level(number).unpack(&hurt, Size::Exactly(bytes.len())) {
                    Ok(got) => assert_eq!(got.len(), bytes.len()),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 300, "{refused}");
        // Pages that claim what they do not have.
        for (length, pages, sizes) in
            [(1 << 40, 1 << 24, 8), (65_537, 1, 8), (9, 1 << 61, 8), (9, 1, usize::MAX)]
        {
            let mut lies: Vec<u8> =
                [length, pages, sizes].iter().flat_map(|number| number.to_le_bytes()).collect();
            lies.resize(200, 0);
            assert!(level(1).unpack(&lies, Size::Exactly(length)).is_err());
            assert!(level(1).unpack(&lies, Size::Exactly(9)).is_err());
        }
    }

    #[test]
    fn levels_are_those_there_are() {
        for (said, is) in
            [(serde_json::json!({"level": 12}), true), (serde_json::json!({"level": 13}), false)]
        {
            assert_eq!(make(said.as_object().unwrap()).is_ok(), is);
        }
    }
}
