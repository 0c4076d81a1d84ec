//! What arrays are of, and what their streams are of: numbers of one or two bytes are the high bits of larger
//! ones, and numbers without a sign are ones with.

use super::numbers::Number;

/// A value of an array, of so many bytes.
pub(super) trait Cell<const WIDTH: usize>: Copy {
    type Coded: Number;

    fn coded(bytes: [u8; WIDTH]) -> Self::Coded;
    fn bytes(coded: Self::Coded) -> [u8; WIDTH];

    /// Whether it can be one.
    fn fits(_bytes: [u8; WIDTH]) -> bool {
        true
    }
}

macro_rules! cells {
    ($($type:ty, $width:literal, $coded:ty, $to:expr, $of:expr $(, $fits:expr)?);* $(;)?) => {
        $(impl Cell<$width> for $type {
            type Coded = $coded;

            fn coded(bytes: [u8; $width]) -> $coded {
                let to: fn($type) -> $coded = $to;
                to(<$type>::from_ne_bytes(bytes))
            }

            fn bytes(coded: $coded) -> [u8; $width] {
                let of: fn($coded) -> $type = $of;
                of(coded).to_ne_bytes()
            }

            $(fn fits(bytes: [u8; $width]) -> bool {
                let fits: fn($type) -> bool = $fits;
                fits(<$type>::from_ne_bytes(bytes))
            })?
        })*
    };
}
cells! {
    i8, 1, i32, |value| i32::from(value) << 23, |coded| (coded >> 23).clamp(-0x80, 0x7f) as i8;
    u8, 1, i32, |value| (i32::from(value) - 0x80) << 23, |coded| ((coded >> 23) + 0x80).clamp(0, 0xff) as u8;
    i16, 2, i32, |value| i32::from(value) << 15, |coded| (coded >> 15).clamp(-0x8000, 0x7fff) as i16;
    u16, 2, i32, |value| (i32::from(value) - 0x8000) << 15,
        |coded| ((coded >> 15) + 0x8000).clamp(0, 0xffff) as u16;
    i32, 4, i32, |value| value, |coded| coded;
    u32, 4, i32, |value| value as i32, |coded| coded.max(0) as u32, |value| i32::try_from(value).is_ok();
    i64, 8, i64, |value| value, |coded| coded;
    u64, 8, i64, |value| value as i64, |coded| coded.max(0) as u64, |value| i64::try_from(value).is_ok();
    f32, 4, f32, |value| value, |coded| coded;
    f64, 8, f64, |value| value, |coded| coded;
}

/// Calls a macro with the type and the width of a kind of values.
macro_rules! each_cell {
    ($kind:expr, $call:ident) => {
        match $kind {
            strata_engine::Kind::I8 => $call!(i8, 1),
            strata_engine::Kind::U8 => $call!(u8, 1),
            strata_engine::Kind::I16 => $call!(i16, 2),
            strata_engine::Kind::U16 => $call!(u16, 2),
            strata_engine::Kind::I32 => $call!(i32, 4),
            strata_engine::Kind::U32 => $call!(u32, 4),
            strata_engine::Kind::I64 => $call!(i64, 8),
            strata_engine::Kind::U64 => $call!(u64, 8),
            strata_engine::Kind::F32 => $call!(f32, 4),
            strata_engine::Kind::F64 => $call!(f64, 8),
            strata_engine::Kind::Bool => {
                Err("values of type bool cannot be packed by it".to_string())
            }
        }
    };
}
pub(super) use each_cell;
