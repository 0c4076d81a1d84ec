//! How an array is laid out in a store: brought to one form, whichever version of Zarr wrote it, and
//! looked at before anything trusts it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strata_engine::DType;
use zarrs::metadata::v3::MetadataV3;

use super::values::Stored;

/// All that must be known to read an array.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Layout {
    pub(super) shape: Vec<u64>,
    /// The shape of what can be read by itself: of chunks, and within shards of their inner chunks.
    pub(super) chunk: Vec<u64>,
    pub(super) shard: Option<Sharding>,
    pub(super) dtype: DType,
    /// By what stored times are multiplied.
    pub(super) times: i64,
    /// What makes the values of such a chunk of its bytes.
    pub(super) codecs: Vec<MetadataV3>,
    pub(super) keys: Keys,
    /// The bytes of the value where nothing was written; none where that is left open.
    pub(super) fill: Option<Vec<u8>>,
    pub(super) dims: Vec<Option<String>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) attributes: Map<String, Value>,
}

/// Several chunks in one object, with an index of where each lies
/// (<https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/>).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sharding {
    /// The shape of shards.
    pub(super) shape: Vec<u64>,
    /// Whether the index stands at the start, not at the end.
    pub(super) index_first: bool,
    /// Whether the index is followed by its CRC-32C.
    pub(super) checked: bool,
    /// Whether the numbers in the index have their big end first.
    pub(super) big: bool,
}

/// How chunks are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keys {
    /// Whether as in Zarr v3, as in `c/0/3`, or as in v2: `0.3`.
    pub(super) prefixed: bool,
    pub(super) separator: char,
}

impl Keys {
    /// The key of a chunk.
    pub(super) fn key(self, place: &[u64]) -> String {
        let mut parts: Vec<String> = place.iter().map(u64::to_string).collect();
        if self.prefixed {
            parts.insert(0, "c".to_string());
        } else if parts.is_empty() {
            parts.push("0".to_string());
        }
        parts.join(self.separator.encode_utf8(&mut [0; 4]))
    }

    /// The chunk of a key, of an array of so many dimensions; none where it is no chunk's.
    pub(super) fn place(self, key: &str, rank: usize) -> Option<Vec<u64>> {
        let mut parts = key.split(self.separator);
        if self.prefixed && parts.next() != Some("c") {
            return None;
        }
        let place: Vec<u64> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
        (place.len() == rank).then_some(place)
    }
}

impl Layout {
    /// The shape of what one object holds.
    pub(super) fn object(&self) -> &[u64] {
        self.shard.as_ref().map_or(&self.chunk, |shard| &shard.shape)
    }

    /// The bytes of the value where nothing was written, whatever was said of it. What NumPy takes
    /// where nothing is: 0, and for times none.
    pub(super) fn filler(&self) -> Vec<u8> {
        match (&self.fill, self.dtype) {
            (Some(fill), _) => fill.clone(),
            (None, DType::Plain(kind)) => vec![0; kind.width()],
            (None, _) => i64::MIN.to_ne_bytes().to_vec(),
        }
    }

    pub(super) fn stored(&self) -> Stored {
        Stored { dtype: self.dtype, times: self.times }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_keys() {
        let key = |prefixed, separator, place: &[u64]| Keys { prefixed, separator }.key(place);
        assert_eq!(key(true, '/', &[0, 3]), "c/0/3");
        assert_eq!(key(true, '.', &[0, 3]), "c.0.3");
        assert_eq!(key(true, '/', &[]), "c");
        assert_eq!(key(false, '.', &[10, 3]), "10.3");
        assert_eq!(key(false, '/', &[]), "0");
        let place = |prefixed, separator, key: &str| Keys { prefixed, separator }.place(key, 2);
        assert_eq!(place(true, '/', "c/0/3"), Some(vec![0, 3]));
        assert_eq!(place(false, '.', "10.3"), Some(vec![10, 3]));
        assert_eq!(place(false, '.', ".zarray"), None);
        assert_eq!(place(true, '/', "zarr.json"), None);
    }
}
