//! Types of numbers as NumPy writes them, as in `<f4`, and walking over values of them.

use serde_json::Value;
use strata_engine::Kind;

/// A type of numbers, and which end of one comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) kind: Kind,
    big: bool,
}

impl Plain {
    pub(super) fn of(name: Option<&Value>) -> Result<Self, String> {
        let name =
            name.and_then(Value::as_str).ok_or("it does not say of what type its values are")?;
        let (big, rest) = match name.split_at_checked(1) {
            Some((">", rest)) => (true, rest),
            Some(("<" | "|" | "=", rest)) => (false, rest),
            _ => (false, name),
        };
        let kind = match rest {
            "i1" | "int8" => Kind::I8,
            "i2" | "int16" => Kind::I16,
            "i4" | "int32" => Kind::I32,
            "i8" | "int64" => Kind::I64,
            "u1" | "uint8" => Kind::U8,
            "u2" | "uint16" => Kind::U16,
            "u4" | "uint32" => Kind::U32,
            "u8" | "uint64" => Kind::U64,
            "f4" | "float32" => Kind::F32,
            "f8" | "float64" => Kind::F64,
            _ => return Err(format!("values of type '{name}' cannot be read by it")),
        };
        Ok(Self { kind, big })
    }

    /// Puts something in the place of each value.
    pub(super) fn walk<const N: usize, T: Number<N>>(
        self,
        bytes: &mut [u8],
        mut with: impl FnMut(T) -> T,
    ) {
        for place in bytes.as_chunks_mut::<N>().0 {
            if self.big {
                place.reverse();
            }
            *place = with(T::from_bytes(*place)).to_bytes();
            if self.big {
                place.reverse();
            }
        }
    }

    /// The values of `bytes`.
    pub(super) fn read(self, bytes: &[u8], mut to: impl FnMut(f64)) {
        macro_rules! read {
            ($type:ty, $sub:expr, $add:expr) => {
                for place in bytes.as_chunks().0 {
                    let mut place = *place;
                    if self.big {
                        place.reverse();
                    }
                    to(<$type>::from_le_bytes(place) as f64);
                }
            };
        }
        each_plain!(self, read);
    }

    /// Adds a value's bytes. What is no value of the type becomes the nearest.
    pub(super) fn write(self, value: f64, to: &mut Vec<u8>) {
        macro_rules! write {
            ($type:ty, $sub:expr, $add:expr) => {{
                let mut place = (value as $type).to_le_bytes();
                if self.big {
                    place.reverse();
                }
                to.extend(place);
            }};
        }
        each_plain!(self, write);
    }
}

/// A number of so many bytes.
pub(super) trait Number<const N: usize> {
    fn from_bytes(bytes: [u8; N]) -> Self;
    fn to_bytes(self) -> [u8; N];
}

macro_rules! numbers {
    ($($type:ty: $width:literal),*) => {
        $(impl Number<$width> for $type {
            fn from_bytes(bytes: [u8; $width]) -> Self {
                <$type>::from_le_bytes(bytes)
            }

            fn to_bytes(self) -> [u8; $width] {
                self.to_le_bytes()
            }
        })*
    };
}
numbers!(i8: 1, i16: 2, i32: 4, i64: 8, u8: 1, u16: 2, u32: 4, u64: 8, f32: 4, f64: 8);

/// Calls a macro with a type, and how its values are subtracted and added.
macro_rules! each_plain {
    ($plain:expr, $call:ident) => {
        match $plain.kind {
            strata_engine::Kind::I8 => $call!(i8, i8::wrapping_sub, i8::wrapping_add),
            strata_engine::Kind::I16 => $call!(i16, i16::wrapping_sub, i16::wrapping_add),
            strata_engine::Kind::I32 => $call!(i32, i32::wrapping_sub, i32::wrapping_add),
            strata_engine::Kind::I64 => $call!(i64, i64::wrapping_sub, i64::wrapping_add),
            strata_engine::Kind::U8 | strata_engine::Kind::Bool => {
                $call!(u8, u8::wrapping_sub, u8::wrapping_add)
            }
            strata_engine::Kind::U16 => $call!(u16, u16::wrapping_sub, u16::wrapping_add),
            strata_engine::Kind::U32 => $call!(u32, u32::wrapping_sub, u32::wrapping_add),
            strata_engine::Kind::U64 => $call!(u64, u64::wrapping_sub, u64::wrapping_add),
            strata_engine::Kind::F32 => $call!(f32, std::ops::Sub::sub, std::ops::Add::add),
            strata_engine::Kind::F64 => $call!(f64, std::ops::Sub::sub, std::ops::Add::add),
        }
    };
}
pub(super) use each_plain;
