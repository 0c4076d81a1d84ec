//! The codecs `gzip` (<https://zarr-specs.readthedocs.io/en/latest/v3/codecs/gzip/>) and `zlib`.

use std::io::Read;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::{GzEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder};
use serde_json::{Map, Value};

use super::packing::{Packing, Size, number, read};

#[derive(Debug)]
struct Deflate {
    level: Compression,
    gzip: bool,
}

pub(super) fn make_gzip(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    make(settings, true)
}

pub(super) fn make_zlib(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    make(settings, false)
}

fn make(settings: &Map<String, Value>, gzip: bool) -> Result<Arc<dyn Packing>, String> {
    let level = match number(settings, "level", 1)? {
        -1 => Compression::default(),
        level @ 0..=9 => Compression::new(level as u32),
        level => return Err(format!("there is no level {level}; 0 to 9 are")),
    };
    Ok(Arc::new(Deflate { level, gzip }))
}

impl Packing for Deflate {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut packed = Vec::new();
        let done = if self.gzip {
            GzEncoder::new(bytes, self.level).read_to_end(&mut packed)
        } else {
            ZlibEncoder::new(bytes, self.level).read_to_end(&mut packed)
        };
        done.map(|_| packed).map_err(|error| error.to_string())
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        if self.gzip {
            read(MultiGzDecoder::new(packed), size)
        } else {
            read(ZlibDecoder::new(packed), size)
        }
    }
}

/// What a zlib stream holds, into a buffer; how many bytes those are.
pub(super) fn decode_zlib(packed: &[u8], to: &mut [u8]) -> Result<usize, String> {
    let bytes = read(ZlibDecoder::new(packed), Size::AtMost(to.len()))?;
    let part = to.get_mut(..bytes.len()).ok_or("more comes out than expected")?;
    part.copy_from_slice(&bytes);
    Ok(bytes.len())
}

/// A zlib stream.
pub(super) fn encode_zlib(bytes: &[u8], level: u32) -> Result<Vec<u8>, String> {
    Deflate { level: Compression::new(level), gzip: false }.pack(bytes)
}
