//! From the bytes of a chunk to its values and back. zarrs knows which codecs follow each other and
//! what each makes of the shape and type of values; what packs bytes is ours.

mod blosc;
mod bz2;
mod deflate;
mod delta;
mod gdeflate;
mod in_memory;
mod lz4;
mod packing;
mod pcodec;
mod plain;
mod scale_offset;
mod zfp;
mod zstd;

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use strata_engine::Kind;
use zarrs::array::codec::api::{ArrayToBytesCodecTraits, CodecError, CodecOptions};
use zarrs::array::{ArrayBytes, CodecChain, DataType, FillValue, data_type};
use zarrs::metadata::v3::MetadataV3;

pub(crate) use in_memory::InMemory;
pub(super) use packing::{DTYPE, SHAPE, names as packing_names};
use strata_engine::buffers;

/// The codecs of an array, and what they make chunks of.
#[derive(Debug)]
pub(super) struct Chain {
    codecs: CodecChain,
    shape: Vec<NonZeroU64>,
    dtype: DataType,
    /// Codecs ask for one. None of ours looks at it.
    fill: FillValue,
    options: CodecOptions,
    bytes: usize,
}

impl Chain {
    /// The codecs of chunks of this shape. Whether they may be used was looked at before.
    pub(super) fn new(codecs: &[MetadataV3], chunk: &[u64], kind: Kind) -> Result<Self, String> {
        packing::register();
        let cells = strata_engine::cells(chunk).and_then(|cells| usize::try_from(cells).ok());
        let bytes = cells.and_then(|cells| cells.checked_mul(kind.width()));
        let bytes = bytes.ok_or("its chunks are larger than can be counted")?;
        let shape = chunk.iter().map(|length| NonZeroU64::new(*length));
        let shape = shape.collect::<Option<Vec<_>>>().ok_or("its chunks are empty")?;
        let made = || CodecChain::from_metadata(codecs).map_err(|error| error.to_string());
        let codecs = contained(made)?;
        // One thread: those who ask for chunks have others for other chunks.
        let options =
            CodecOptions::default().with_concurrent_target(1).with_chunk_concurrent_minimum(1);
        let fill = FillValue::new(vec![0; kind.width()]);
        let dtype = data_type_of(kind);
        Ok(Self { codecs, shape, dtype, fill, options, bytes })
    }

    /// How many bytes the values of a chunk take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The values of a chunk, in this machine's order of bytes.
    pub(super) fn decode(&self, stored: &Bytes) -> Result<Bytes, String> {
        let decode = || {
            let (shape, fill) = (&self.shape, &self.fill);
            let from = Cow::Borrowed(stored.as_ref());
            let decoded = self.codecs.decode(from, shape, &self.dtype, fill, &self.options);
            let values = decoded.and_then(|decoded| Ok(decoded.into_fixed()?)).map_err(told)?;
            Ok(match values {
                // What was not packed is handed on as it was read.
                Cow::Borrowed(values) => stored.slice_ref(values),
                Cow::Owned(values) => buffers::share(values),
            })
        };
        let values = contained(decode)?;
        if values.len() == self.bytes {
            Ok(values)
        } else {
            Err(format!("it holds {} bytes of values, expected {}", values.len(), self.bytes))
        }
    }

    /// What is stored of the values of a whole chunk.
    pub(super) fn encode(&self, values: &[u8]) -> Result<Bytes, String> {
        contained(|| {
            let (shape, fill) = (&self.shape, &self.fill);
            let from = ArrayBytes::new_flen(values);
            let encoded = self.codecs.encode(from, shape, &self.dtype, fill, &self.options);
            encoded.map(|encoded| Bytes::from(encoded.into_owned())).map_err(told)
        })
    }
}

/// Runs what should not panic. If it does for bytes that nobody thought of, that is an error of this
/// chunk, and the process goes on.
fn contained<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err("its bytes are damaged in a way no codec expected".to_string()))
}

fn told(error: CodecError) -> String {
    match error {
        CodecError::InvalidChecksum => "the checksum differs: its bytes are damaged".to_string(),
        other => other.to_string(),
    }
}

/// As zarrs names it.
fn data_type_of(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => data_type::bool(),
        Kind::I8 => data_type::int8(),
        Kind::I16 => data_type::int16(),
        Kind::I32 => data_type::int32(),
        Kind::I64 => data_type::int64(),
        Kind::U8 => data_type::uint8(),
        Kind::U16 => data_type::uint16(),
        Kind::U32 => data_type::uint32(),
        Kind::U64 => data_type::uint64(),
        Kind::F32 => data_type::float32(),
        Kind::F64 => data_type::float64(),
    }
}
