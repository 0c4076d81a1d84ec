//! What an array to be written is like, and the document of Zarr v3 that says so.

use serde_json::{Map, Value, json};
use strata_engine::{ArrayError, DType, Kind};

use crate::zarr::codecs::Chain;
use crate::zarr::v3;

/// How the values of chunks are packed.
#[derive(Debug, Clone, PartialEq)]
pub enum Compression {
    /// Not at all.
    None,
    /// By Zstandard, at a level from -131072 to 22.
    Zstd(i32),
    /// By gzip, at a level from 0 to 9.
    Gzip(u32),
    /// By Blosc: bytes shuffled, and then packed by `lz4`, `zlib` or `zstd`, at a level from 0 to 9.
    Blosc(String, u32),
    /// By GDeflate, at a level from 0 to 12.
    GDeflate(u32),
    /// By zfp, in chunks of one to four dimensions of whole numbers or floats of four or eight bytes.
    Zfp(Kept),
}

/// How much of values is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kept {
    /// All of them, as they are.
    All,
    /// So many bits for each.
    Rate(f64),
    /// So many planes of bits, 1 to 64.
    Precision(u32),
    /// Of floats, so much that none is further from what it was.
    Tolerance(f64),
}

impl Kept {
    /// As numcodecs says it.
    fn said(self) -> Value {
        match self {
            Self::Rate(rate) => json!({"mode": 2, "rate": rate}),
            Self::Precision(precision) => json!({"mode": 3, "precision": precision}),
            Self::Tolerance(tolerance) => json!({"mode": 4, "tolerance": tolerance}),
            Self::All => json!({"mode": 5}),
        }
    }
}

impl Default for Compression {
    /// Numbers come out as small as by Zstandard's own default, 3, which takes up to twice as long: of ten kinds
    /// of fields, counts and images that were measured, one is more than 1 % larger so, and three smaller.
    fn default() -> Self {
        Self::Zstd(2)
    }
}

/// What an array to be written is like.
#[derive(Debug, Clone, PartialEq)]
pub struct ArraySpec {
    /// What its values are.
    pub dtype: DType,
    /// How many there are along each dimension.
    pub shape: Vec<u64>,
    /// The shape of what can be read by itself.
    pub chunk: Vec<u64>,
    /// The shape of what is one object, where that holds several chunks.
    pub shard: Option<Vec<u64>>,
    /// What its dimensions are called, where they have names.
    pub dims: Vec<Option<String>>,
    /// What else is said of it.
    pub attributes: Map<String, Value>,
    /// The value where nothing is written, as JSON has it; `"NaN"` and infinities are strings, and so
    /// is `"NaT"`. None is 0, and no time.
    pub fill: Option<Value>,
    /// How its chunks are packed.
    pub compression: Compression,
}

impl ArraySpec {
    /// An array without names, in chunks of one shape.
    pub fn new(dtype: DType, shape: Vec<u64>, chunk: Vec<u64>) -> Self {
        let dims = vec![None; shape.len()];
        Self {
            dtype,
            shape,
            chunk,
            shard: None,
            dims,
            attributes: Map::new(),
            fill: None,
            compression: Compression::default(),
        }
    }

    /// Fails where no store can have it.
    pub(in crate::zarr) fn check(&self, name: &str) -> Result<(), ArrayError> {
        let refused = |reason| ArrayError::Source { array: name.to_string(), reason };
        if let Compression::Zfp(kept) = self.compression {
            let float = match self.dtype {
                DType::Plain(Kind::F32 | Kind::F64) => true,
                DType::Plain(Kind::I32 | Kind::I64) => false,
                other => {
                    return Err(refused(format!(
                        "zfp packs i32, i64, f32 and f64, and its values are {other}: cast them, or pack them \
                         another way"
                    )));
                }
            };
            if matches!(kept, Kept::Tolerance(_)) && !float {
                return Err(refused(format!(
                    "a tolerance is for floats, and its values are {}: leave it out to keep them as they are",
                    self.dtype
                )));
            }
        }
        let layout = v3::layout(&self.document()).map_err(refused)?;
        let chain = Chain::new(&layout.codecs, &layout.chunk, layout.dtype.kind());
        chain.map(|_| ()).map_err(refused)
    }

    /// What `zarr.json` says of it.
    pub(super) fn document(&self) -> Map<String, Value> {
        let width = self.dtype.width();
        let mut codecs = vec![match (&self.compression, width) {
            (Compression::Zfp(kept), _) => {
                json!({"name": "numcodecs.zfpy", "configuration": kept.said()})
            }
            (_, 1) => json!({"name": "bytes"}),
            _ => json!({"name": "bytes", "configuration": {"endian": "little"}}),
        }];
        match &self.compression {
            Compression::None | Compression::Zfp(_) => {}
            Compression::GDeflate(level) => codecs.push(json!({
                "name": "zarrs.gdeflate", "configuration": {"level": level}
            })),
            Compression::Zstd(level) => codecs.push(json!({
                "name": "zstd", "configuration": {"level": level, "checksum": false}
            })),
            Compression::Gzip(level) => {
                codecs.push(json!({"name": "gzip", "configuration": {"level": level}}));
            }
            Compression::Blosc(cname, level) => codecs.push(json!({
                "name": "blosc",
                "configuration": {
                    "cname": cname, "clevel": level, "shuffle": "shuffle", "typesize": width, "blocksize": 0
                }
            })),
        }
        if self.shard.is_some() {
            codecs = vec![json!({
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": self.chunk,
                    "codecs": codecs,
                    "index_codecs": [
                        {"name": "bytes", "configuration": {"endian": "little"}},
                        {"name": "crc32c"}
                    ],
                    "index_location": "end"
                }
            })];
        }
        let times = |name: &str, unit: &str| json!({"name": name, "configuration": {"unit": unit, "scale_factor": 1}});
        let (dtype, fill) = match self.dtype {
            DType::Plain(kind) => (json!(name_of(kind)), zero(kind)),
            DType::Time(unit) => (times("numpy.datetime64", unit.name()), json!("NaT")),
            DType::Span(unit) => (times("numpy.timedelta64", unit.name()), json!("NaT")),
        };
        let object = self.shard.as_ref().unwrap_or(&self.chunk);
        // An empty dimension has no chunks, and Zarr none that are empty.
        let object: Vec<u64> = object.iter().map(|length| (*length).max(1)).collect();
        let said = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": object}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.fill.clone().unwrap_or(fill),
            "codecs": codecs,
            "attributes": self.attributes,
            "storage_transformers": []
        });
        let mut said = said.as_object().cloned().unwrap_or_default();
        if self.dims.iter().any(Option::is_some) {
            said.insert("dimension_names".to_string(), json!(self.dims));
        }
        said
    }
}

/// What Zarr calls it.
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::I8 => "int8",
        Kind::I16 => "int16",
        Kind::I32 => "int32",
        Kind::I64 => "int64",
        Kind::U8 => "uint8",
        Kind::U16 => "uint16",
        Kind::U32 => "uint32",
        Kind::U64 => "uint64",
        Kind::F32 => "float32",
        Kind::F64 => "float64",
    }
}

fn zero(kind: Kind) -> Value {
    match kind {
        Kind::Bool => json!(false),
        Kind::F32 | Kind::F64 => json!(0.0),
        _ => json!(0),
    }
}
