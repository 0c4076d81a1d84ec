//! The codecs `zfp` (<https://codec.zarrs.dev/array_to_bytes/zfp>) and `zfpy` of numcodecs: blocks of values,
//! of which as much is kept as is asked for (<https://zfp.io>). Streams are those of its library, bit for bit.
//!
//! ```text
//! values    -> whole numbers with one exponent   numbers
//!           -> coefficients                      transform, order
//!           -> planes of bits                    planes, bits
//! ```

mod arrays;
mod bits;
mod cells;
mod header;
mod modes;
mod numbers;
mod order;
mod planes;
mod transform;
mod wholes;

use std::sync::Arc;

use serde_json::{Map, Value};
use strata_engine::Kind;

use super::packing::{DTYPE, Packing, SHAPE, Size, wrong_size};
use super::plain::Plain;
use arrays::Shape;
use bits::{Reader, Writer};
use cells::{Cell, each_cell};
use header::Header;
use modes::{Limits, Mode};
use numbers::Number;
use strata_engine::buffers;

#[derive(Debug)]
struct Zfp {
    kind: Kind,
    shape: Shape,
    mode: Mode,
    /// Whether streams say themselves what they are of.
    header: bool,
}

/// Without headers: what there is to say is in the metadata.
pub(super) fn make_zfp(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let made = Zfp::new(settings, Mode::of_names(settings)?, false)?;
    if matches!(made.mode, Mode::Accuracy(_)) && !made.kind.is_float() {
        return Err(format!("a tolerance is for floats, and its values are {}", made.kind));
    }
    Ok(Arc::new(made))
}

/// With headers.
pub(super) fn make_zfpy(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    Ok(Arc::new(Zfp::new(settings, Mode::of_numbers(settings)?, true)?))
}

impl Zfp {
    fn new(settings: &Map<String, Value>, mode: Mode, header: bool) -> Result<Self, String> {
        let kind = Plain::of(settings.get(DTYPE))?.kind;
        let lengths =
            settings.get(SHAPE).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let counted =
            |length: &Value| length.as_u64().and_then(|length| usize::try_from(length).ok());
        let shape = lengths.iter().map(counted).collect::<Option<Vec<_>>>();
        let shape = shape.and_then(|lengths| Shape::new(&lengths)).ok_or_else(|| {
            format!(
                "chunks of {} dimensions cannot be packed by it; those of 1 to 4 can, and 'reshape' before it \
                 makes them so",
                lengths.len()
            )
        })?;
        let made = Self { kind, shape, mode, header };
        made.limits()?;
        Ok(made)
    }

    /// What blocks are written by.
    fn limits(&self) -> Result<Limits, String> {
        // zarrs counts the bits of a block as if there were three dimensions, and nothing else in its streams
        // says how many there are.
        self.limits_in(if self.header { self.shape.dims } else { 3 })
    }

    fn limits_in(&self, dims: u32) -> Result<Limits, String> {
        macro_rules! limits {
            ($type:ty, $width:literal) => {
                self.mode.limits(dims, <<$type as Cell<$width>>::Coded as Number>::BEFORE)
            };
        }
        each_cell!(self.kind, limits)
    }

    /// What blocks of so many bytes were written by, where they do not say so themselves.
    fn limits_of(&self, packed: &[u8]) -> Result<Limits, String> {
        let limits = self.limits()?;
        let own = self.limits_in(self.shape.dims)?;
        // Blocks of one size tell by how many bytes there are how many dimensions were counted.
        let takes = |limits: Limits| {
            let bits = self.shape.blocks().saturating_mul(u64::from(limits.most));
            bits.div_ceil(64).saturating_mul(8)
        };
        let is_own = matches!(self.mode, Mode::Rate(_))
            && packed.len() as u64 != takes(limits)
            && packed.len() as u64 == takes(own);
        Ok(if is_own { own } else { limits })
    }

    fn code(&self) -> Result<u64, String> {
        macro_rules! code {
            ($type:ty, $width:literal) => {
                Ok(<<$type as Cell<$width>>::Coded as Number>::CODE)
            };
        }
        each_cell!(self.kind, code)
    }

    /// Reads a header, and looks at whether it is of such an array.
    fn header(&self, from: &mut Reader<'_>) -> Result<Header, String> {
        let header = Header::read(from)?;
        let (cells, expected) = (header.shape.cells(), self.shape.cells());
        if header.code != self.code()? || cells != expected {
            return Err(format!(
                "by its header it is of {:?} values of type {}, expected {:?} of {}",
                header.shape.lengths,
                ["int32", "int64", "float32", "float64"].get(header.code as usize).unwrap_or(&"?"),
                self.shape.lengths,
                self.kind
            ));
        }
        Ok(header)
    }
}

impl Packing for Zfp {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let limits = self.limits()?;
        let size = self.shape.cells().and_then(|cells| cells.checked_mul(self.kind.width()));
        if size != Some(bytes.len()) {
            return Err(wrong_size(bytes.len(), size.unwrap_or(usize::MAX)));
        }
        let mut to = Writer::with_capacity(bytes.len() / 4);
        if self.header {
            Header { code: self.code()?, shape: self.shape, limits }.write(&mut to)?;
        }
        macro_rules! encode {
            ($type:ty, $width:literal) => {
                arrays::encode::<$type, $width>(bytes, self.shape, limits, &mut to)
            };
        }
        each_cell!(self.kind, encode)?;
        Ok(to.finish())
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        let Size::Exactly(size) = size else {
            return Err("it must stand next to the values".to_string());
        };
        let own = self.shape.cells().and_then(|cells| cells.checked_mul(self.kind.width()));
        if own != Some(size) {
            return Err(wrong_size(own.unwrap_or(usize::MAX), size));
        }
        let mut from = Reader::new(packed);
        let (shape, limits) = match self.header {
            true => {
                let header = self.header(&mut from)?;
                (header.shape, header.limits)
            }
            false => (self.shape, self.limits_of(packed)?),
        };
        let mut bytes = buffers::take(size);
        macro_rules! decode {
            ($type:ty, $width:literal) => {
                arrays::decode::<$type, $width>(&mut from, shape, limits, &mut bytes)
            };
        }
        each_cell!(self.kind, decode)?;
        Ok(bytes)
    }

    fn longest(&self, _size: u64) -> u64 {
        const HEADER: u64 = 32;
        macro_rules! longest {
            ($type:ty, $width:literal) => {
                self.limits()
                    .map(|limits| self.shape.longest::<<$type as Cell<$width>>::Coded>(&limits))
            };
        }
        each_cell!(self.kind, longest).map_or(0, |longest| longest.saturating_add(HEADER))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(
        header: bool,
        dtype: &str,
        shape: &[u64],
        mode: &Value,
    ) -> Result<Arc<dyn Packing>, String> {
        let mut settings = mode.as_object().unwrap().clone();
        settings.insert(DTYPE.to_string(), json!(dtype));
        settings.insert(SHAPE.to_string(), json!(shape));
        if header { make_zfpy(&settings) } else { make_zfp(&settings) }
    }

    fn hex(digits: &str) -> Vec<u8> {
        digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Squares in quarters, as many as there are in the streams of the library below.
    fn quarters() -> impl Iterator<Item = f64> {
        (0..15).map(|at| f64::from(at * at) / 4.0)
    }

    #[test]
    fn streams_are_those_of_the_library() {
        let floats: Vec<u8> = quarters().flat_map(|value| (value as f32).to_ne_bytes()).collect();
        let doubles: Vec<u8> = quarters().flat_map(f64::to_ne_bytes).collect();
        let counts: Vec<u8> = (0..15_i32).flat_map(|at| (at * at).to_ne_bytes()).collect();
        for (header, dtype, mode, bytes, stream, exact) in [
            (
                false,
                "f4",
                json!({"mode": "fixed_rate", "rate": 4.0}),
                &floats,
                "0b71288c42600a12d28dc00bb8420812030000000000000000000000000000000b09a010012040250811004a4480\
                 120088000000000000000000000000000000",
                true,
            ),
            (
                true,
                "f4",
                json!({"mode": 2, "rate": 4.0}),
                &floats,
                "7a667005460000200000f0030b71288c42600a120b09a0100120402500000000",
                false,
            ),
            (
                true,
                "f8",
                json!({"mode": 4, "tolerance": 0.5, "rate": -1, "precision": -1}),
                &doubles,
                "7a66700547000020000020cb0b88436114025390906e045ec0154290188005248042048000952044002811014a00\
                 2000",
                false,
            ),
            (
                true,
                "i4",
                json!({"mode": 5}),
                &counts,
                "7a6670054400002000000088\
                 1f00000820000180442426148001c081702403e1030000010420009108442102100840442000000000000000",
                true,
            ),
        ] {
            let codec = made(header, dtype, &[3, 5], &mode).unwrap();
            let stream = hex(stream);
            assert_eq!(codec.pack(bytes).unwrap(), stream, "{dtype} {mode}");
            let got = codec.unpack(&stream, Size::Exactly(bytes.len())).unwrap();
            assert_eq!(&got == bytes, exact, "{dtype} {mode}");
            assert!(stream.len() as u64 <= codec.longest(0));
        }
    }

    #[test]
    fn a_rate_is_counted_in_three_dimensions_or_in_its_own() {
        let codec =
            made(false, "f4", &[3, 5], &json!({"mode": "fixed_rate", "rate": 4.0})).unwrap();
        // The same stream as above, without its header.
        let own = hex("0b71288c42600a120b09a01001204025");
        let got = codec.unpack(&own, Size::Exactly(60)).unwrap();
        let values = got.as_chunks().0.iter().map(|value| f32::from_ne_bytes(*value));
        let expected: [f32; 15] =
            [1.5, 1.5, 1.5, 1.5, 4.0, 6.5, 10.5, 14.5, 18.5, 16.0, 27.5, 31.5, 35.5, 39.5, 48.0];
        assert!(values.eq(expected));
    }

    /// Streams of all kinds of values and numbers of dimensions.
    fn examples() -> Vec<(Arc<dyn Packing>, Vec<u8>)> {
        let mut all = Vec::new();
        for dtype in ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"] {
            for shape in [&[9][..], &[5, 3], &[3, 1, 6], &[1, 2, 5, 4]] {
                let cells: u64 = shape.iter().product();
                let width = dtype[1..].parse::<usize>().unwrap();
                let one = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_ne_bytes();
                let mut bytes: Vec<u8> =
                    (0..cells).flat_map(|at| one(at)[8 - width..].to_vec()).collect();
                if ["u4", "u8"].contains(&dtype) {
                    bytes.chunks_mut(width).for_each(|value| value[width - 1] &= 0x7f);
                }
                for (header, mode) in
                    [(false, json!({"mode": "reversible"})), (true, json!({"mode": 5}))]
                {
                    all.push((made(header, dtype, shape, &mode).unwrap(), bytes.clone()));
                }
            }
        }
        all
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn all_is_as_it_was_where_that_is_asked_for() {
        for (codec, bytes) in examples() {
            let packed = codec.pack(&bytes).unwrap();
            assert_eq!(
                codec.unpack(&packed, Size::Exactly(bytes.len())).unwrap(),
                bytes,
                "{codec:?}"
            );
            assert!(packed.len() as u64 <= codec.longest(0), "{codec:?}");
        }
    }

    #[test]
    fn what_is_damaged_is_refused_or_read() {
        let mut refused = 0;
        for (codec, bytes) in examples() {
            let packed = codec.pack(&bytes).unwrap();
            let mut seed = 3_usize;
            for round in 0..60 {
                let mut hurt = packed.clone();
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let at =
                    (seed >> 33) % if round % 3 == 0 { hurt.len().min(24) } else { hurt.len() };
                match round % 4 {
                    0 => hurt.truncate(at),
                    1 => hurt[at] ^= 1 << (seed >> 20 & 7),
                    2 => hurt[at..].iter_mut().take(9).for_each(|byte| *byte = 0xff),
                    _ => hurt.iter_mut().skip(12).for_each(|byte| *byte = byte.wrapping_mul(37)),
                }
                match codec.unpack(&hurt, Size::Exactly(bytes.len())) {
                    Ok(got) => assert_eq!(got.len(), bytes.len()),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 500, "{refused}");
    }

    #[test]
    fn headers_of_other_arrays_are_refused() {
        let floats = made(true, "f4", &[3, 5], &json!({"mode": 5})).unwrap();
        let packed = floats.pack(&[0; 60]).unwrap();
        let (other, more) = (("i4", [3, 5]), ("f4", [3, 6]));
        for ((dtype, shape), size, says) in
            [(other, 60, "type float32, expected"), (more, 72, "[1, 1, 3, 5]")]
        {
            let codec = made(true, dtype, &shape, &json!({"mode": 5})).unwrap();
            let error = codec.unpack(&packed, Size::Exactly(size)).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        // As many values in another shape are these.
        let line = made(true, "f4", &[15], &json!({"mode": 5})).unwrap();
        assert_eq!(line.unpack(&packed, Size::Exactly(60)).unwrap(), [0; 60]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (header, dtype, shape, mode, says) in [
            (false, "f4", &[2; 5][..], json!({"mode": "reversible"}), "5 dimensions"),
            (true, "f4", &[], json!({"mode": 5}), "0 dimensions"),
            (false, "f4", &[2], json!({"mode": "best"}), "no mode 'best'"),
            (false, "f4", &[2], json!({}), "'mode'"),
            (false, "f4", &[2], json!({"mode": "fixed_rate"}), "'rate'"),
            (false, "f4", &[2], json!({"mode": "fixed_rate", "rate": 1e9}), "1 to 32768"),
            (false, "i4", &[2], json!({"mode": "fixed_accuracy", "tolerance": 1}), "for floats"),
            (true, "f4", &[2], json!({"mode": 7}), "no such mode"),
            (
                false,
                "f4",
                &[2],
                json!({"mode": "expert", "minbits": 9, "maxbits": 8, "maxprec": 1, "minexp": 0}),
                "at least 9 bits",
            ),
        ] {
            let said = made(header, dtype, shape, &mode).err().unwrap_or_default();
            assert!(said.contains(says), "{mode}: {said}");
        }
        let floats = made(true, "f4", &[1], &json!({"mode": 3, "precision": 9})).unwrap();
        assert!(floats.pack(&f32::NAN.to_ne_bytes()).unwrap_err().contains("NaN"));
        let unsigned = made(true, "u4", &[1], &json!({"mode": 5})).unwrap();
        assert!(unsigned.pack(&u32::MAX.to_ne_bytes()).unwrap_err().contains("larger ones"));
    }
}
