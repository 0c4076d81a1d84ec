//! Values of one kind as values of another.

use super::element::Value;
use super::{Block, Slice, each_kind};

/// Turns into another type as `as` does: integers wrap, fractions are cut off, and what a float has
/// too much for an integer ends at the integer's bounds.
pub(crate) trait To<T> {
    fn to(self) -> T;
}

macro_rules! casts {
    ($($from:ty),*; $to:tt) => {
        $(casts!(@ $from, $to);)*
    };
    (@ $from:ty, [$($to:ty),*]) => {$(
        impl To<$to> for $from {
            #[inline]
            fn to(self) -> $to {
                self as $to
            }
        }
    )*};
}
casts!(
    i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    [i8, i16, i32, i64, u8, u16, u32, u64, f32, f64]
);

/// Writes the values to `to` as the kind that `to` has, and makes it as long. Truth values come of all
/// that is not zero; what is not a number is true.
pub(crate) fn cast(from: Slice<'_>, to: &mut Block) {
    macro_rules! from_each {
        ($($kind:ident: $type:ty),*) => {
            match from {
                $(Slice::$kind(values) => into(values, to),)*
            }
        };
    }
    each_kind!(from_each);
}

fn into<V: Value>(from: &[V], to: &mut Block) {
    match to {
        Block::Bool(to) => fill(to, from.iter().map(|value| u8::from(value.is_true()))),
        Block::I8(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::I16(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::I32(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::I64(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::U8(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::U16(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::U32(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::U64(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::F32(to) => fill(to, from.iter().map(|&value| value.to())),
        Block::F64(to) => fill(to, from.iter().map(|&value| value.to())),
    }
}

/// Of bytes, vectors of the processor make three times as many floats as those that all processors have.
fn fill<T>(to: &mut Vec<T>, values: impl Iterator<Item = T>) {
    to.clear();
    by_vectors!(to.extend(values));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Kind;

    fn cast_to(from: Slice<'_>, kind: Kind) -> Block {
        let mut to = Block::empty(kind);
        cast(from, &mut to);
        to
    }

    #[test]
    fn integers_wrap_and_fractions_are_cut_off() {
        assert_eq!(cast_to(Slice::I32(&[300, -1, 7]), Kind::U8), Block::U8(vec![44, 255, 7]));
        assert_eq!(cast_to(Slice::I64(&[-1]), Kind::U64), Block::U64(vec![u64::MAX]));
        assert_eq!(cast_to(Slice::F64(&[-1.9, 2.9]), Kind::I16), Block::I16(vec![-1, 2]));
        assert_eq!(cast_to(Slice::U8(&[200]), Kind::F32), Block::F32(vec![200.0]));
    }

    #[test]
    fn all_but_zero_is_true() {
        let values = [0.0, -0.0, 0.5, f64::NAN];
        assert_eq!(cast_to(Slice::F64(&values), Kind::Bool), Block::Bool(vec![0, 0, 1, 1]));
        assert_eq!(cast_to(Slice::U8(&[0, 2]), Kind::Bool), Block::Bool(vec![0, 1]));
        assert_eq!(cast_to(Slice::Bool(&[0, 1]), Kind::F32), Block::F32(vec![0.0, 1.0]));
    }

    #[test]
    fn the_block_is_written_anew() {
        let mut to = Block::I8(vec![9; 5]);
        cast(Slice::F32(&[1.0, 2.0]), &mut to);
        assert_eq!(to, Block::I8(vec![1, 2]));
    }
}
