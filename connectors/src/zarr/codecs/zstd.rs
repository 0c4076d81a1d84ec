//! The codec `zstd` (<https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/zstd>).

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use super::packing::{Packing, Size, number, read, wrong_size};
use strata_engine::buffers;

thread_local! {
    /// What a thread decodes with: it is large, and chunks may be small.
    static DECODER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Zstd {
    level: i32,
    checksum: bool,
}

pub(super) fn make(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let level = i32::try_from(number(settings, "level", 0)?).map_err(|error| error.to_string())?;
    let checksum = settings.get("checksum").and_then(Value::as_bool).unwrap_or(false);
    Ok(Arc::new(Zstd { level, checksum }))
}

impl Packing for Zstd {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let pack = || {
            let mut encoder = Compressor::new(self.level)?;
            encoder.set_parameter(CParameter::ChecksumFlag(self.checksum))?;
            encoder.compress(bytes)
        };
        pack().map_err(|error: std::io::Error| error.to_string())
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        let Size::Exactly(size) = size else {
            let from =
                zstd::stream::read::Decoder::new(packed).map_err(|error| error.to_string())?;
            return read(from, size);
        };
        let mut bytes = buffers::take(size);
        let got = decode(packed, &mut bytes)?;
        if got == size { Ok(bytes) } else { Err(wrong_size(got, size)) }
    }
}

/// Unpacks into a buffer; what does not fit there is an error.
pub(super) fn decode(packed: &[u8], to: &mut [u8]) -> Result<usize, String> {
    let most = to.len();
    let bad = |error: std::io::Error| {
        format!("the packed bytes are damaged, cut off, or hold more than {most} bytes: {error}")
    };
    DECODER.with_borrow_mut(|decoder| {
        let decoder = match decoder {
            Some(decoder) => decoder,
            None => decoder.insert(Decompressor::new().map_err(|error| error.to_string())?),
        };
        decoder.decompress_to_buffer(packed, to).map_err(bad)
    })
}

/// Packs without a frame around.
pub(super) fn encode(bytes: &[u8], level: i32) -> Result<Vec<u8>, String> {
    Zstd { level, checksum: false }.pack(bytes)
}
