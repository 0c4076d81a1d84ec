//! What blocks are of: whole numbers as they are, and floats as whole numbers that have one exponent in
//! common.

use super::bits::{Reader, Writer};
use super::transform::Whole;
use super::wholes::Block;

/// A number that a stream can be of.
pub(super) trait Number: Copy + Default {
    type Whole: Whole;

    /// How a header names it.
    const CODE: u64;
    /// How many bits come before the planes of a block, in all modes but the exact one.
    const BEFORE: u32;

    /// Whether it is a number that has an exponent.
    fn is_finite(self) -> bool {
        true
    }

    fn encode(values: &[Self], block: &mut Block<Self::Whole>, to: &mut Writer);
    fn decode(values: &mut [Self], block: &mut Block<Self::Whole>, from: &mut Reader<'_>);
}

macro_rules! wholes {
    ($($type:ty, $code:literal);*) => {
        $(impl Number for $type {
            type Whole = Self;

            const CODE: u64 = $code;
            const BEFORE: u32 = 0;

            fn encode(values: &[Self], block: &mut Block<Self>, to: &mut Writer) {
                block.wholes.copy_from_slice(values);
                match block.limits.is_exact() {
                    true => block.encode_exactly(0, to),
                    false => block.encode(0, block.limits.planes, to),
                }
            }

            fn decode(values: &mut [Self], block: &mut Block<Self>, from: &mut Reader<'_>) {
                match block.limits.is_exact() {
                    true => block.decode_exactly(0, from),
                    false => block.decode(0, block.limits.planes, from),
                }
                values.copy_from_slice(&block.wholes);
            }
        })*
    };
}
wholes!(i32, 0; i64, 1);

macro_rules! floats {
    ($($type:ty, $whole:ty, $code:literal, $bits:literal);*) => {
        $(impl Number for $type {
            type Whole = $whole;

            const CODE: u64 = $code;
            const BEFORE: u32 = 1 + Self::EXPONENT;

            fn is_finite(self) -> bool {
                self.is_finite()
            }

            fn encode(values: &[Self], block: &mut Block<$whole>, to: &mut Writer) {
                if block.limits.is_exact() {
                    encode_exactly(values, block, to);
                } else {
                    encode(values, block, to);
                }
            }

            fn decode(values: &mut [Self], block: &mut Block<$whole>, from: &mut Reader<'_>) {
                if block.limits.is_exact() {
                    decode_exactly(values, block, from);
                } else {
                    decode(values, block, from);
                }
            }
        }

        impl Float for $type {
            const EXPONENT: u32 = $bits;

            fn largest(values: &[Self]) -> Self {
                let larger = |most: Self, value: &Self| if most < value.abs() { value.abs() } else { most };
                values.iter().fold(0.0, larger)
            }

            fn exponent(self) -> i32 {
                if self == 0.0 || self.is_infinite() {
                    return if self == 0.0 { -Self::BIAS } else { 0 };
                }
                // Those below the smallest normal number are counted as if they were of its size.
                let exponent = (self.to_bits() >> (Self::MANTISSA_DIGITS - 1)) as i32;
                (exponent - Self::BIAS + 1).max(1 - Self::BIAS)
            }

            fn power(of: i32) -> Self {
                power(of) as Self
            }

            fn scaled(self, by: Self) -> $whole {
                // What does not fit is the smallest number, as processors have it.
                let scaled = self * by;
                let end = -(<$whole>::MIN as Self);
                if (-end..end).contains(&scaled) { scaled as $whole } else { <$whole>::MIN }
            }

            fn unscaled(whole: $whole, by: Self) -> Self {
                by * whole as Self
            }

            fn is_same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits()
            }

            fn to_whole(self) -> $whole {
                let bits = self.to_bits() as $whole;
                if bits < 0 { bits ^ <$whole>::MAX } else { bits }
            }

            fn of_whole(whole: $whole) -> Self {
                let bits = if whole < 0 { whole ^ <$whole>::MAX } else { whole };
                Self::from_bits(bits as _)
            }
        })*
    };
}
floats!(f32, i32, 2, 8; f64, i64, 3, 11);

/// A float.
trait Float: Number {
    /// How many bits its exponent has.
    const EXPONENT: u32;
    const BIAS: i32 = (1 << (Self::EXPONENT - 1)) - 1;

    /// The largest number but for the sign.
    fn largest(values: &[Self]) -> Self;
    /// The smallest power of two that is larger, within limits.
    fn exponent(self) -> i32;
    fn power(of: i32) -> Self;
    fn scaled(self, by: Self) -> Self::Whole;
    fn unscaled(whole: Self::Whole, by: Self) -> Self;
    fn is_same(self, other: Self) -> bool;
    /// Its bits, so that larger numbers are larger ones.
    fn to_whole(self) -> Self::Whole;
    fn of_whole(whole: Self::Whole) -> Self;

    /// How large the whole numbers of a block are. There is room for what the transform adds.
    fn room() -> i32 {
        Self::Whole::DIGITS as i32 - 2
    }
}

/// Two to a power, where that is a number, or as near as can be.
fn power(of: i32) -> f64 {
    match of {
        1024.. => f64::INFINITY,
        -1022.. => f64::from_bits(((of + 1023) as u64) << 52),
        -1074.. => f64::from_bits(1 << (of + 1074)),
        _ => 0.0,
    }
}

/// How many planes of a block are kept whose numbers are below this power of two.
fn planes<W: Whole>(exponent: i32, block: &Block<W>) -> u32 {
    let above =
        i64::from(exponent) - i64::from(block.limits.lowest) + i64::from(2 * block.dims + 2);
    u32::try_from(above.max(0)).unwrap_or(u32::MAX).min(block.limits.planes)
}

fn scale<F: Float>(values: &[F], exponent: i32, wholes: &mut [F::Whole]) {
    let by = F::power(F::room() - exponent);
    for (whole, value) in wholes.iter_mut().zip(values) {
        *whole = value.scaled(by);
    }
}

fn unscale<F: Float>(wholes: &[F::Whole], exponent: i32, values: &mut [F]) {
    let by = F::power(exponent - F::room());
    for (value, whole) in values.iter_mut().zip(wholes) {
        *value = F::unscaled(*whole, by);
    }
}

/// A block of zeros is one bit.
fn encode_zeros<W: Whole>(block: &Block<W>, to: &mut Writer) {
    to.write_bit(false);
    to.pad(block.missing(1, 0));
}

fn decode_zeros<F: Float>(values: &mut [F], block: &Block<F::Whole>, from: &mut Reader<'_>) {
    values.fill(F::default());
    from.skip(block.missing(1, 0));
}

fn encode<F: Float>(values: &[F], block: &mut Block<F::Whole>, to: &mut Writer) {
    let exponent = F::largest(values).exponent();
    let planes = planes(exponent, block);
    if planes == 0 || exponent == -F::BIAS {
        return encode_zeros(block, to);
    }
    to.write_bit(true);
    to.write(u64::from((exponent + F::BIAS).unsigned_abs()), F::EXPONENT);
    scale(values, exponent, &mut block.wholes);
    block.encode(F::BEFORE, planes, to);
}

fn decode<F: Float>(values: &mut [F], block: &mut Block<F::Whole>, from: &mut Reader<'_>) {
    if !from.read_bit() {
        return decode_zeros(values, block, from);
    }
    let exponent = from.read(F::EXPONENT) as i32 - F::BIAS;
    block.decode(F::BEFORE, planes(exponent, block), from);
    unscale(&block.wholes, exponent, values);
}

/// With an exponent in common where all numbers come back from it, and otherwise as their bits.
fn encode_exactly<F: Float>(values: &[F], block: &mut Block<F::Whole>, to: &mut Writer) {
    let exponent = F::largest(values).exponent();
    if exponent == -F::BIAS && values.iter().all(|value| value.is_same(F::default())) {
        // The library of the format fills no such block up, but skips what it would have been filled up with.
        return encode_zeros(block, to);
    }
    scale(values, exponent, &mut block.wholes);
    let by = F::power(exponent - F::room());
    let mut pairs = block.wholes.iter().zip(values);
    to.write_bit(true);
    if exponent != -F::BIAS && pairs.all(|(whole, value)| F::unscaled(*whole, by).is_same(*value)) {
        to.write_bit(false);
        to.write(u64::from((exponent + F::BIAS).unsigned_abs()), F::EXPONENT);
        block.encode_exactly(2 + F::EXPONENT, to);
        return;
    }
    to.write_bit(true);
    for (whole, value) in block.wholes.iter_mut().zip(values) {
        *whole = value.to_whole();
    }
    block.encode_exactly(2, to);
}

fn decode_exactly<F: Float>(values: &mut [F], block: &mut Block<F::Whole>, from: &mut Reader<'_>) {
    if !from.read_bit() {
        return decode_zeros(values, block, from);
    }
    if from.read_bit() {
        block.decode_exactly(2, from);
        for (value, whole) in values.iter_mut().zip(&block.wholes) {
            *value = F::of_whole(*whole);
        }
        return;
    }
    let exponent = from.read(F::EXPONENT) as i32 - F::BIAS;
    block.decode_exactly(2 + F::EXPONENT, from);
    match exponent == -F::BIAS {
        true => values.fill(F::default()),
        false => unscale(&block.wholes, exponent, values),
    }
}
