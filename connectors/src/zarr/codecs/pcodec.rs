//! The codec `pcodec` of numcodecs, for numbers (<https://github.com/pcodec/pcodec>). zarrs has it too,
//! but makes of a few bytes as many numbers as they claim to be; here no more come out than fit.

use std::sync::Arc;

use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress_into};
use pco::{ChunkConfig, DEFAULT_COMPRESSION_LEVEL};
use serde_json::{Map, Value};
use strata_engine::Kind;

use super::packing::{DTYPE, Packing, Size, number, wrong_size};
use super::plain::Plain;
use strata_engine::buffers;

#[derive(Debug)]
struct Pcodec {
    kind: Kind,
    level: usize,
}

pub(super) fn make(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let kind = Plain::of(settings.get(DTYPE))?.kind;
    if kind.width() == 1 {
        return Err(format!("values of type {kind} cannot be packed by it"));
    }
    let level = match number(settings, "level", DEFAULT_COMPRESSION_LEVEL as i64)? {
        level @ 0..=12 => level as usize,
        level => return Err(format!("there is no level {level}; 0 to 12 are")),
    };
    Ok(Arc::new(Pcodec { kind, level }))
}

impl Packing for Pcodec {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        macro_rules! pack {
            ($type:ty) => {{
                let values = bytes.as_chunks().0.iter().map(|place| <$type>::from_ne_bytes(*place));
                compress(&values.collect::<Vec<_>>(), self.level)
            }};
        }
        each_packable!(self.kind, pack)
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        let Size::Exactly(size) = size else {
            return Err("it must stand next to the values".to_string());
        };
        macro_rules! unpack {
            ($type:ty) => {{
                let mut values: Vec<$type> = vec![Default::default(); size / size_of::<$type>()];
                decompress(packed, &mut values)?;
                let mut bytes = buffers::take(size);
                for (place, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
                    *place = value.to_ne_bytes();
                }
                Ok(bytes)
            }};
        }
        each_packable!(self.kind, unpack)
    }
}

macro_rules! each_packable {
    ($kind:expr, $call:ident) => {
        match $kind {
            Kind::I16 => $call!(i16),
            Kind::I32 => $call!(i32),
            Kind::I64 => $call!(i64),
            Kind::U16 => $call!(u16),
            Kind::U32 => $call!(u32),
            Kind::U64 => $call!(u64),
            Kind::F32 => $call!(f32),
            Kind::F64 => $call!(f64),
            Kind::Bool | Kind::I8 | Kind::U8 => {
                Err("values of one byte cannot be packed".to_string())
            }
        }
    };
}
use each_packable;

fn compress<T: Number>(values: &[T], level: usize) -> Result<Vec<u8>, String> {
    let config = ChunkConfig::default().with_compression_level(level);
    simple_compress(values, &config).map_err(|error| error.to_string())
}

fn decompress<T: Number>(packed: &[u8], values: &mut [T]) -> Result<(), String> {
    let bad = |error: pco::errors::PcoError| format!("the packed bytes are damaged: {error}");
    let done = simple_decompress_into(packed, values).map_err(bad)?;
    if done.n_processed == values.len() && done.finished {
        return Ok(());
    }
    Err(wrong_size(done.n_processed * size_of::<T>(), size_of_val(values)))
}
