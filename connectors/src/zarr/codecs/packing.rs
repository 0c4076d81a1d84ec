//! Codecs of ours for zarrs: those that pack bytes into fewer. zarrs' own believe the size that the
//! packed bytes claim, or none; these are told what must come out, take it from the buffers that are
//! used again, and write not one byte more. They are put into zarrs' registry, where they go before
//! its own.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::io::Read;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use zarrs::array::BytesRepresentation;
use zarrs::array::codec::api::{
    BytesToBytesCodecTraits, Codec, CodecError, CodecMetadataOptions, CodecOptions,
    CodecRuntimePluginV3, CodecTraits, PartialDecoderCapability, PartialEncoderCapability,
    RecommendedConcurrency, register_codec_v3,
};
use zarrs::metadata::Configuration;
use zarrs::metadata::v3::MetadataV3;
use zarrs::plugin::{ExtensionName, PluginCreateError, ZarrVersion};

use super::{blosc, bz2, deflate, delta, gdeflate, lz4, pcodec, scale_offset, zfp, zstd};
use strata_engine::buffers;

/// The setting by which the metadata of an array tells its codec what the values are.
pub(in crate::zarr) const DTYPE: &str = "strata.dtype";

/// The one by which it says of what shape chunks are, when they come to it.
pub(in crate::zarr) const SHAPE: &str = "strata.shape";

/// How many bytes must come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Exactly(usize),
    AtMost(usize),
}

/// A way to pack bytes.
pub(super) trait Packing: Debug + Send + Sync {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String>;

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String>;

    /// How many bytes it makes at most, whoever wrote them, of so many.
    fn longest(&self, size: u64) -> u64 {
        size.saturating_add(size / 8).saturating_add(1 << 16)
    }

    /// Whether it makes exactly as many.
    fn is_exact(&self) -> bool {
        false
    }
}

/// What makes a packing of its settings.
type Make = fn(&Map<String, Value>) -> Result<Arc<dyn Packing>, String>;

/// Every packing, by the names it has in Zarr.
const PACKINGS: [(&[&str], Make); 13] = [
    (&["blosc", "numcodecs.blosc"], blosc::make),
    (&["numcodecs.bz2"], bz2::make),
    (&["gzip", "numcodecs.gzip"], deflate::make_gzip),
    (&["numcodecs.zlib"], deflate::make_zlib),
    (&["numcodecs.lz4"], lz4::make),
    (&["zstd", "numcodecs.zstd"], zstd::make),
    (&["numcodecs.delta"], delta::make),
    (&["numcodecs.fixedscaleoffset"], scale_offset::make_scale_offset),
    (&["numcodecs.quantize"], scale_offset::make_quantize),
    (&["numcodecs.pcodec"], pcodec::make),
    (&["zarrs.gdeflate"], gdeflate::make),
    (&["zfp"], zfp::make_zfp),
    (&["numcodecs.zfpy"], zfp::make_zfpy),
];

/// The names of all of them.
pub(in crate::zarr) fn names() -> impl Iterator<Item = &'static str> {
    PACKINGS.iter().flat_map(|(names, _)| names.iter().copied())
}

/// Puts them into the registry, once.
pub(super) fn register() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        for (names, make) in PACKINGS {
            let create = move |metadata: &MetadataV3| {
                let settings =
                    metadata.configuration().map(|all| (**all).clone()).unwrap_or_default();
                let how = make(&settings).map_err(|error| {
                    PluginCreateError::from(format!("codec '{}': {error}", metadata.name()))
                })?;
                let name = metadata.name().to_string();
                Ok(Codec::BytesToBytes(Arc::new(Packed { name, settings, how })))
            };
            register_codec_v3(CodecRuntimePluginV3::new(move |name| names.contains(&name), create));
        }
    });
}

/// A packing, as zarrs knows codecs.
#[derive(Debug)]
struct Packed {
    name: String,
    settings: Map<String, Value>,
    how: Arc<dyn Packing>,
}

impl ExtensionName for Packed {
    fn name(&self, _version: ZarrVersion) -> Option<Cow<'static, str>> {
        Some(Cow::Owned(self.name.clone()))
    }
}

impl CodecTraits for Packed {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn configuration(
        &self,
        _version: ZarrVersion,
        _options: &CodecMetadataOptions,
    ) -> Option<Configuration> {
        Some(self.settings.clone().into())
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        PartialDecoderCapability { partial_read: false, partial_decode: false }
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        PartialEncoderCapability { partial_encode: false }
    }
}

impl BytesToBytesCodecTraits for Packed {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn BytesToBytesCodecTraits> {
        self
    }

    fn recommended_concurrency(
        &self,
        _decoded_representation: &BytesRepresentation,
    ) -> Result<RecommendedConcurrency, CodecError> {
        Ok(RecommendedConcurrency::new_maximum(1))
    }

    fn encoded_representation(&self, decoded: &BytesRepresentation) -> BytesRepresentation {
        match decoded {
            BytesRepresentation::FixedSize(size) if self.how.is_exact() => {
                BytesRepresentation::FixedSize(self.how.longest(*size))
            }
            BytesRepresentation::FixedSize(size) | BytesRepresentation::BoundedSize(size) => {
                BytesRepresentation::BoundedSize(self.how.longest(*size))
            }
            BytesRepresentation::UnboundedSize => BytesRepresentation::UnboundedSize,
        }
    }

    fn encode<'a>(
        &self,
        decoded_value: Cow<'a, [u8]>,
        _options: &CodecOptions,
    ) -> Result<Cow<'a, [u8]>, CodecError> {
        let packed = self.how.pack(&decoded_value);
        packed.map(Cow::Owned).map_err(|error| CodecError::Other(format!("{}: {error}", self.name)))
    }

    fn decode<'a>(
        &self,
        encoded_value: Cow<'a, [u8]>,
        decoded_representation: &BytesRepresentation,
        _options: &CodecOptions,
    ) -> Result<Cow<'a, [u8]>, CodecError> {
        let other = |error: String| CodecError::Other(format!("{}: {error}", self.name));
        let counted = |size: &u64| usize::try_from(*size).map_err(|error| other(error.to_string()));
        let size = match decoded_representation {
            BytesRepresentation::FixedSize(size) => Size::Exactly(counted(size)?),
            BytesRepresentation::BoundedSize(size) => Size::AtMost(counted(size)?),
            BytesRepresentation::UnboundedSize => {
                return Err(other("nothing says how much it holds".to_string()));
            }
        };
        let bytes = self.how.unpack(&encoded_value, size).map_err(other)?;
        // What was packed is needed no more: its buffer may hold what is unpacked next.
        if let Cow::Owned(packed) = encoded_value {
            buffers::give(packed);
        }
        Ok(Cow::Owned(bytes))
    }
}

/// What a reader gives, if it is as much as it should be.
pub(super) fn read(mut from: impl Read, size: Size) -> Result<Vec<u8>, String> {
    let bad = |error: std::io::Error| format!("the packed bytes are damaged: {error}");
    match size {
        Size::Exactly(size) => {
            let mut bytes = buffers::take(size);
            let mut filled = 0;
            while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match from.read(rest).map_err(bad)? {
                    0 => return Err(wrong_size(filled, size)),
                    got => filled += got,
                }
            }
            match from.read(&mut [0]).map_err(bad)? {
                0 => Ok(bytes),
                _ => Err(format!("more than the expected {size} bytes come out")),
            }
        }
        Size::AtMost(most) => {
            let mut bytes = Vec::new();
            from.take(most as u64 + 1).read_to_end(&mut bytes).map_err(bad)?;
            if bytes.len() > most {
                return Err(format!("more than {most} bytes come out"));
            }
            Ok(bytes)
        }
    }
}

/// Says that another number of bytes came out.
pub(super) fn wrong_size(got: usize, expected: usize) -> String {
    format!("{got} bytes come out, expected {expected}")
}

/// A whole number among settings.
pub(super) fn number(
    settings: &Map<String, Value>,
    name: &str,
    otherwise: i64,
) -> Result<i64, String> {
    match settings.get(name) {
        None | Some(Value::Null) => Ok(otherwise),
        Some(value) => {
            value.as_i64().ok_or_else(|| format!("'{name}' is no whole number: {value}"))
        }
    }
}
