//! The codec `blosc` (<https://zarr-specs.readthedocs.io/en/latest/v3/codecs/blosc/>): blocks whose
//! bytes are shuffled, and then packed by one of five ways. The C library needs `unsafe` to be called,
//! and a C++ compiler for one of the ways, so the container
//! (<https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst>) is read here:
//!
//! ```text
//! version  version  flags  typesize | nbytes | blocksize | cbytes     16 bytes, little end first
//! where each block begins, four bytes each                            unless it is a plain copy
//! block: one part, or one for each byte of a value: length, packed    a length as unpacked: a copy
//! ```

mod blosclz;
mod shuffle;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::packing::{Packing, Size, number, wrong_size};
use super::{deflate, lz4, zstd};
use shuffle::Shuffle;
use strata_engine::buffers;

/// The length of the header.
const HEADER: usize = 16;

/// Blocks of values wider than this, or with fewer, are never split.
const MOST_PARTS: usize = 16;
const FEWEST_VALUES: usize = 128;

/// How large our blocks are: they stay in a core's cache while they are shuffled and packed.
const BLOCK: usize = 256 << 10;

const SHUFFLED: u8 = 0x1;
const COPIED: u8 = 0x2;
const BITS_SHUFFLED: u8 = 0x4;
const NOT_SPLIT: u8 = 0x10;

/// A way to pack a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    BloscLz,
    Lz4,
    Snappy,
    Zlib,
    Zstd,
}

impl Way {
    fn of_flags(flags: u8) -> Result<Self, String> {
        match flags >> 5 {
            0 => Ok(Self::BloscLz),
            1 => Ok(Self::Lz4),
            2 => Ok(Self::Snappy),
            3 => Ok(Self::Zlib),
            4 => Ok(Self::Zstd),
            other => Err(format!("it is packed by way {other}, which is not known")),
        }
    }

    fn unpack(self, packed: &[u8], to: &mut [u8]) -> Result<usize, String> {
        match self {
            Self::BloscLz => blosclz::unpack(packed, to),
            Self::Lz4 => lz4::decode(packed, to),
            Self::Snappy => {
                let bad = |error: snap::Error| format!("the packed bytes are damaged: {error}");
                snap::raw::Decoder::new().decompress(packed, to).map_err(bad)
            }
            Self::Zlib => deflate::decode_zlib(packed, to),
            Self::Zstd => zstd::decode(packed, to),
        }
    }
}

#[derive(Debug)]
struct Blosc {
    way: Way,
    level: u8,
    shuffle: Shuffle,
    typesize: usize,
}

/// From the settings of Zarr v3, or those of numcodecs. There, a shuffle of -1 shuffles bits where
/// values are one byte, and bytes otherwise; `typesize` is put in by whoever knows the values.
pub(super) fn make(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let way = match settings.get("cname").and_then(Value::as_str).unwrap_or("lz4") {
        // What is written in the place of `blosclz` can be read by all that read that.
        "lz4" | "lz4hc" | "blosclz" => Way::Lz4,
        "zlib" => Way::Zlib,
        "zstd" => Way::Zstd,
        "snappy" => Way::Snappy,
        other => {
            return Err(format!(
                "it is packed by '{other}'; blosclz, lz4, lz4hc, snappy, zlib and zstd are known"
            ));
        }
    };
    let level = match number(settings, "clevel", 5)? {
        level @ 0..=9 => level as u8,
        level => return Err(format!("there is no level {level}; 0 to 9 are")),
    };
    let typesize = match number(settings, "typesize", 1)? {
        size @ 1..=255 => size as usize,
        0 => 1,
        // As in C: what is wider is treated as bytes.
        _ => 1,
    };
    let shuffle = match settings.get("shuffle") {
        None | Some(Value::Null) => Shuffle::Bytes,
        Some(Value::String(name)) if name == "noshuffle" => Shuffle::None,
        Some(Value::String(name)) if name == "shuffle" => Shuffle::Bytes,
        Some(Value::String(name)) if name == "bitshuffle" => Shuffle::Bits,
        Some(value) => match value.as_i64() {
            Some(0) => Shuffle::None,
            Some(1) => Shuffle::Bytes,
            Some(2) => Shuffle::Bits,
            Some(-1) if typesize == 1 => Shuffle::Bits,
            Some(-1) => Shuffle::Bytes,
            _ => return Err(format!("there is no shuffle {value}")),
        },
    };
    Ok(Arc::new(Blosc { way, level, shuffle, typesize }))
}

impl Packing for Blosc {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let length =
            i32::try_from(bytes.len()).map_err(|_| "more than 2 GiB cannot be packed by it")?;
        // Whole values, eight at a time, so that bits can be shuffled.
        let block = (BLOCK / (8 * self.typesize)).max(1) * 8 * self.typesize;
        let block = block.min(bytes.len()).max(1);
        let (code, version) = match self.way {
            Way::Zlib => (3, 1),
            Way::Zstd => (4, 1),
            _ => (1, 1),
        };
        let mut flags = NOT_SPLIT | code << 5;
        match self.shuffle {
            Shuffle::None => {}
            Shuffle::Bytes => flags |= SHUFFLED,
            Shuffle::Bits => flags |= BITS_SHUFFLED,
        }
        let header = |flags: u8, total: usize| -> Result<Vec<u8>, String> {
            let total = u32::try_from(total).map_err(|error| error.to_string())?;
            let mut header = vec![2, version, flags, self.typesize as u8];
            header.extend(length.to_le_bytes());
            header.extend((block as u32).to_le_bytes());
            header.extend(total.to_le_bytes());
            Ok(header)
        };
        let blocks: Vec<&[u8]> = bytes.chunks(block).collect();
        let mut starts = Vec::new();
        let mut body = Vec::new();
        let mut shuffled = vec![0; block];
        let first = HEADER + 4 * blocks.len();
        for one in blocks {
            let to = shuffled.get_mut(..one.len()).unwrap_or_default();
            self.shuffle.apply(one, to, self.typesize);
            starts.extend(((first + body.len()) as u32).to_le_bytes());
            let packed = self.pack_block(to)?;
            let packed = if packed.len() < one.len() { packed.as_slice() } else { &*to };
            body.extend((packed.len() as u32).to_le_bytes());
            body.extend(packed);
        }
        // What gets no shorter is copied.
        if self.level == 0 || first + body.len() >= HEADER + bytes.len() {
            let mut copied = header(flags | COPIED, HEADER + bytes.len())?;
            copied.extend(bytes);
            return Ok(copied);
        }
        let mut packed = header(flags, first + body.len())?;
        packed.extend(starts);
        packed.extend(body);
        Ok(packed)
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        unpack(packed, size)
    }

    fn longest(&self, size: u64) -> u64 {
        size.saturating_add(size / 8).saturating_add(1 << 16)
    }
}

impl Blosc {
    fn pack_block(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        match self.way {
            Way::Zlib => deflate::encode_zlib(bytes, u32::from(self.level)),
            // The levels of zstd that c-blosc takes.
            Way::Zstd if self.level == 9 => zstd::encode(bytes, 22),
            Way::Zstd => zstd::encode(bytes, i32::from(self.level) * 2 - 1),
            _ => Ok(lz4_flex::block::compress(bytes)),
        }
    }
}

/// Unpacks what the header describes. Nothing is taken that the size does not allow.
fn unpack(packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
    let cut_off = || "the packed bytes are cut off".to_string();
    let word = |at: usize| -> Result<usize, String> {
        let word = packed.get(at..at.saturating_add(4)).and_then(|word| word.try_into().ok());
        Ok(u32::from_le_bytes(word.ok_or_else(cut_off)?) as usize)
    };
    let (flags, typesize) = packed.get(2).zip(packed.get(3)).ok_or_else(cut_off)?;
    let (flags, typesize) = (*flags, usize::from(*typesize).max(1));
    let (length, block, total) = (word(4)?, word(8)?, word(12)?);
    match size {
        Size::Exactly(size) if length != size => return Err(wrong_size(length, size)),
        Size::AtMost(most) if length > most => {
            return Err(format!("more than {most} bytes come out"));
        }
        _ => {}
    }
    if total > packed.len() {
        return Err(format!("it holds {} bytes, expected {total}", packed.len()));
    }
    if length == 0 {
        return Ok(Vec::new());
    }
    let mut bytes = buffers::take(length);
    if flags & COPIED != 0 {
        bytes.copy_from_slice(packed.get(HEADER..HEADER + length).ok_or_else(cut_off)?);
        return Ok(bytes);
    }
    if block == 0 {
        return Err("its blocks are empty".to_string());
    }
    let block = block.min(length);
    let (way, shuffle) = (Way::of_flags(flags)?, Shuffle::of_flags(flags, typesize, block));
    let splits =
        flags & NOT_SPLIT == 0 && typesize <= MOST_PARTS && block / typesize >= FEWEST_VALUES;
    let mut shuffled = if shuffle == Shuffle::None { Vec::new() } else { vec![0; block] };
    for (at, to) in bytes.chunks_mut(block).enumerate() {
        let start = word(HEADER + 4 * at)?;
        let parts = if splits && to.len() == block { typesize } else { 1 };
        if shuffle == Shuffle::None {
            unpack_block(way, packed, start, parts, to)?;
        } else {
            let from = shuffled.get_mut(..to.len()).ok_or_else(cut_off)?;
            unpack_block(way, packed, start, parts, from)?;
            shuffle.undo(from, to, typesize);
        }
    }
    Ok(bytes)
}

/// Unpacks the parts of one block.
fn unpack_block(
    way: Way,
    packed: &[u8],
    start: usize,
    parts: usize,
    to: &mut [u8],
) -> Result<(), String> {
    let cut_off = || "the packed bytes are cut off".to_string();
    let mut rest = packed.get(start..).ok_or_else(cut_off)?;
    let part = to.len() / parts;
    if part * parts != to.len() {
        return Err("its blocks are no whole values".to_string());
    }
    for to in to.chunks_exact_mut(part.max(1)) {
        let (length, after) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (from, after) = after.split_at_checked(length).ok_or_else(cut_off)?;
        if length == to.len() {
            to.copy_from_slice(from);
        } else {
            let got = way.unpack(from, to)?;
            if got != to.len() {
                return Err(wrong_size(got, to.len()));
            }
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| ((at / 4) % 251) as u8 ^ ((at % 4) as u8 * 7)).collect()
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        for cname in ["lz4", "zlib", "zstd", "blosclz"] {
            for shuffle in ["noshuffle", "shuffle", "bitshuffle"] {
                for (typesize, length) in
                    [(1, 1), (4, 40), (4, 1_000_004), (8, 524_296), (3, 999), (2, 0)]
                {
                    let settings = serde_json::json!({
                        "cname": cname, "clevel": 5, "shuffle": shuffle, "typesize": typesize
                    });
                    let blosc = make(settings.as_object().unwrap()).unwrap();
                    let packed = blosc.pack(&bytes(length)).unwrap();
                    let back = blosc.unpack(&packed, Size::Exactly(length)).unwrap();
                    assert!(back == bytes(length), "{cname} {shuffle} {typesize} {length}");
                    assert!(length < 1_000 || packed.len() < length);
                }
            }
        }
    }

    #[test]
    fn damage_is_an_error() {
        let settings = serde_json::json!({"cname": "lz4", "typesize": 4});
        let blosc = make(settings.as_object().unwrap()).unwrap();
        let packed = blosc.pack(&bytes(10_000)).unwrap();
        for length in 0..packed.len() {
            assert!(blosc.unpack(&packed[..length], Size::Exactly(10_000)).is_err());
        }
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0xff;
            // It may be found, or not: it must not panic, nor make more bytes.
            if let Ok(bytes) = blosc.unpack(&damaged, Size::AtMost(20_000)) {
                assert!(bytes.len() <= 20_000);
            }
        }
        let mut claims = packed.clone();
        claims[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(blosc.unpack(&claims, Size::Exactly(10_000)).is_err());
    }
}
