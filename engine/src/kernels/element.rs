//! The kinds as types, so that a loop is written once and compiled for each of them.

use super::cast::{To, cast};
use super::{Block, Slice, each_kind};
use crate::array::Kind;

/// What values of blocks can be asked, whatever they are.
pub(crate) trait Value:
    Copy
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + To<u8>
    + To<i8>
    + To<i16>
    + To<i32>
    + To<i64>
    + To<u16>
    + To<u32>
    + To<u64>
    + To<f32>
    + To<f64>
{
    /// None is smaller.
    const LEAST: Self;
    /// None is greater.
    const MOST: Self;
    /// What is not a number, for those that have it.
    const NAN: Option<Self>;

    fn is_nan(self) -> bool;

    /// Whether it is anything but zero.
    #[inline]
    fn is_true(self) -> bool {
        self != Self::default()
    }

    /// The same number as `f64`, rounded where it has too many digits.
    #[inline]
    fn wide(self) -> f64 {
        self.to()
    }
}

macro_rules! integer_values {
    ($($type:ty),*) => {$(
        impl Value for $type {
            const LEAST: Self = <$type>::MIN;
            const MOST: Self = <$type>::MAX;
            const NAN: Option<Self> = None;

            #[inline]
            fn is_nan(self) -> bool {
                false
            }
        }
    )*};
}
integer_values!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! float_values {
    ($($type:ty),*) => {$(
        impl Value for $type {
            const LEAST: Self = <$type>::NEG_INFINITY;
            const MOST: Self = <$type>::INFINITY;
            const NAN: Option<Self> = Some(<$type>::NAN);

            #[inline]
            fn is_nan(self) -> bool {
                <$type>::is_nan(self)
            }
        }
    )*};
}
float_values!(f32, f64);

/// A kind as a type.
pub(crate) trait Element: 'static {
    type Value: Value;
    const KIND: Kind;

    /// The values, if they are of this kind.
    fn of(slice: Slice<'_>) -> Option<&[Self::Value]>;

    /// The values to write to, if they are of this kind.
    fn of_mut(block: &mut Block) -> Option<&mut Vec<Self::Value>>;

    fn slice(values: &[Self::Value]) -> Slice<'_>;

    fn block(values: Vec<Self::Value>) -> Block;

    /// The memory of a block, to be written anew.
    fn room(block: &mut Block) -> Vec<Self::Value>;

    /// The values, which are cast to `room` where they are of another kind.
    fn values<'a>(slice: Slice<'a>, room: &'a mut Block) -> &'a [Self::Value] {
        match Self::of(slice) {
            Some(values) => values,
            None => {
                *room = Block::empty(Self::KIND);
                cast(slice, room);
                Self::of(room.as_slice()).unwrap_or_default()
            }
        }
    }
}

macro_rules! elements {
    ($($kind:ident: $type:ty),*) => {$(
        pub(crate) enum $kind {}

        impl Element for $kind {
            type Value = $type;
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn of(slice: Slice<'_>) -> Option<&[$type]> {
                match slice {
                    Slice::$kind(values) => Some(values),
                    _ => None,
                }
            }

            #[inline]
            fn of_mut(block: &mut Block) -> Option<&mut Vec<$type>> {
                match block {
                    Block::$kind(values) => Some(values),
                    _ => None,
                }
            }

            #[inline]
            fn slice(values: &[$type]) -> Slice<'_> {
                Slice::$kind(values)
            }

            fn block(values: Vec<$type>) -> Block {
                Block::$kind(values)
            }

            fn room(block: &mut Block) -> Vec<$type> {
                match std::mem::replace(block, Block::Bool(Vec::new())) {
                    Block::$kind(mut values) => {
                        values.clear();
                        values
                    }
                    _ => Vec::new(),
                }
            }
        }
    )*};
}
each_kind!(elements);

/// Evaluates an expression in which a name stands for the kind as a type: one of those listed, or
/// `F64` for all others.
macro_rules! by_kind {
    ($kind:expr, all, $name:ident => $body:expr) => {
        by_kind!($kind, [Bool I8 I16 I32 I64 U8 U16 U32 U64 F32], $name => $body)
    };
    ($kind:expr, numbers, $name:ident => $body:expr) => {
        by_kind!($kind, [I8 I16 I32 I64 U8 U16 U32 U64 F32], $name => $body)
    };
    ($kind:expr, floats, $name:ident => $body:expr) => {
        by_kind!($kind, [F32], $name => $body)
    };
    ($kind:expr, integers, $name:ident => $body:expr) => {
        by_kind!($kind, [I8 I16 I32 U8 U16 U32 U64], I64, $name => $body)
    };
    ($kind:expr, [$($listed:ident)*], $name:ident => $body:expr) => {
        by_kind!($kind, [$($listed)*], F64, $name => $body)
    };
    ($kind:expr, [$($listed:ident)*], $other:ident, $name:ident => $body:expr) => {
        match $kind {
            $($crate::array::Kind::$listed => {
                type $name = $crate::kernels::element::$listed;
                $body
            })*
            _ => {
                type $name = $crate::kernels::element::$other;
                $body
            }
        }
    };
}
pub(crate) use by_kind;
