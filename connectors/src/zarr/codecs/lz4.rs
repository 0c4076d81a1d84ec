//! The codec `lz4` of numcodecs: the length in four bytes, little end first, and one LZ4 block.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::packing::{Packing, Size, wrong_size};
use strata_engine::buffers;

#[derive(Debug)]
struct Lz4;

pub(super) fn make(_settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    Ok(Arc::new(Lz4))
}

impl Packing for Lz4 {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        if i32::try_from(bytes.len()).is_err() {
            return Err("more than 2 GiB cannot be one block".to_string());
        }
        Ok(lz4_flex::block::compress_prepend_size(bytes))
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        let (length, block) = packed.split_first_chunk().ok_or("the packed bytes are cut off")?;
        let length = u32::from_le_bytes(*length) as usize;
        match size {
            Size::Exactly(size) if length != size => return Err(wrong_size(length, size)),
            Size::AtMost(most) if length > most => {
                return Err(format!("more than {most} bytes come out"));
            }
            _ => {}
        }
        let mut bytes = buffers::take(length);
        let got = decode(block, &mut bytes)?;
        if got == length { Ok(bytes) } else { Err(wrong_size(got, length)) }
    }
}

/// Unpacks a block into a buffer.
pub(super) fn decode(block: &[u8], to: &mut [u8]) -> Result<usize, String> {
    lz4_flex::block::decompress_into(block, to)
        .map_err(|error| format!("the packed bytes are damaged: {error}"))
}
