//! Packing for values that stay in memory: that of Blosc, whose blocks are shuffled first. Of values of one byte the
//! bits are, for they are small numbers more often than not.

use std::sync::Arc;

use serde_json::json;

use super::blosc;
use super::packing::{Packing, Size};

/// How values of a width are packed.
#[derive(Debug)]
pub(crate) struct InMemory(Arc<dyn Packing>);

impl InMemory {
    /// By `lz4` or `zstd`, quickly.
    pub(crate) fn new(way: &str, width: usize) -> Result<Self, String> {
        let shuffle = if width == 1 { "bitshuffle" } else { "shuffle" };
        let settings = json!({"cname": way, "clevel": 1, "shuffle": shuffle, "typesize": width});
        blosc::make(settings.as_object().unwrap_or(&serde_json::Map::new())).map(Self)
    }

    pub(crate) fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.0.pack(bytes)
    }

    /// What was packed, if it is so many bytes.
    pub(crate) fn unpack(&self, packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
        self.0.unpack(packed, Size::Exactly(size))
    }
}
