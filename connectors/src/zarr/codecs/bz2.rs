//! The codec `bz2` of numcodecs.

use std::io::Read;
use std::sync::Arc;

use bzip2::Compression;
use bzip2::read::{BzEncoder, MultiBzDecoder};
use serde_json::{Map, Value};

use super::packing::{Packing, Size, number, read};

#[derive(Debug)]
struct Bz2(Compression);

pub(super) fn make(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    match number(settings, "level", 1)? {
        level @ 1..=9 => Ok(Arc::new(Bz2(Compression::new(level as u32)))),
        level => Err(format!("there is no level {level}; 1 to 9 are")),
    }
}

impl Packing for Bz2 {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut packed = Vec::new();
        let done = BzEncoder::new(bytes, self.0).read_to_end(&mut packed);
        done.map(|_| packed).map_err(|error| error.to_string())
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        read(MultiBzDecoder::new(packed), size)
    }
}
