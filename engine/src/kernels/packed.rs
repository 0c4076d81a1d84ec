//! Small whole numbers, several to a byte: those of a row after one another, the first of them in the lowest
//! bits. A row begins with a byte of its own, and zeros fill its last one.
//!
//! ```text
//! values, 2 bits each    3 1 0 2    1 3
//! bytes                10000111   00001101
//! ```
//!
//! Eight values go at once, as one number of 64 bits that is folded together, or apart, in three steps.

use serde::{Deserialize, Serialize};

use super::Slice;
use super::cast::To;
use super::element::{Element, Value, by_kind};

/// How many bits a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bits {
    /// 0 or 1.
    One,
    /// 0 to 3.
    Two,
    /// 0 to 15.
    Four,
}

impl Bits {
    /// So many bits, if values have that.
    pub fn of(bits: i64) -> Option<Self> {
        match bits {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            _ => None,
        }
    }

    /// How many.
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// How many values a byte has.
    pub fn in_a_byte(self) -> u64 {
        8 / self.count() as u64
    }

    /// The largest value.
    fn most(self) -> u8 {
        (1 << self.count()) - 1
    }
}

/// Values are looked at twice, and copied where they are no bytes: so many at a time stay in cache.
const AT_ONCE: usize = 4096;

/// Packs rows of so many values into rows of as many bytes as they take. What does not fit is named.
pub(crate) fn pack(
    bits: Bits,
    values: Slice<'_>,
    row: usize,
    into: &mut [u8],
) -> Result<(), String> {
    if row == 0 {
        return Ok(());
    }
    let packed = row.div_ceil(bits.in_a_byte() as usize);
    by_kind!(values.kind(), [Bool I8 I16 I32 I64 U8 U16 U32], U64, E => {
        let values = E::of(values).unwrap_or_default();
        for (row, into) in values.chunks(row).zip(into.chunks_mut(packed)) {
            let some = into.chunks_mut(AT_ONCE / bits.in_a_byte() as usize);
            for (values, into) in row.chunks(AT_ONCE).zip(some) {
                pack_some::<E>(bits, values, into)?;
            }
        }
        Ok(())
    })
}

fn pack_some<E: Element>(bits: Bits, values: &[E::Value], into: &mut [u8]) -> Result<(), String> {
    let refused = |value: f64| {
        let (bits, most) = (bits.count(), bits.most());
        format!("{value} does not fit into {bits} bits, which have 0 to {most}")
    };
    if let Slice::U8(bytes) | Slice::Bool(bytes) = E::slice(values) {
        // One look at all of them together, and at each only where one is too large.
        if bytes.iter().fold(0, |all, value| all | value) > bits.most() {
            let large = bytes.iter().find(|value| **value > bits.most());
            return Err(refused(large.copied().unwrap_or_default().into()));
        }
        pack_bytes(bits, bytes, into);
        return Ok(());
    }
    let mut bytes = [0_u8; AT_ONCE];
    for (byte, value) in bytes.iter_mut().zip(values) {
        let wide = value.wide();
        if !(0.0..=f64::from(bits.most())).contains(&wide) {
            return Err(refused(wide));
        }
        *byte = To::<u8>::to(*value);
    }
    pack_bytes(bits, bytes.get(..values.len()).unwrap_or_default(), into);
    Ok(())
}

fn pack_bytes(bits: Bits, values: &[u8], into: &mut [u8]) {
    match bits {
        Bits::One => fold_together::<1>(values, into),
        Bits::Two => fold_together::<2>(values, into),
        Bits::Four => fold_together::<4>(values, into),
    }
}

/// Unpacks rows of so many bytes: from each, so many values, without some at its beginning.
pub(crate) fn unpack(
    bits: Bits,
    packed: &[u8],
    row: usize,
    skipped: usize,
    wanted: usize,
    into: &mut [u8],
) {
    if row == 0 || wanted == 0 {
        return;
    }
    for (packed, into) in packed.chunks(row).zip(into.chunks_mut(wanted)) {
        match bits {
            Bits::One => unpack_row::<1>(packed, skipped, into),
            Bits::Two => unpack_row::<2>(packed, skipped, into),
            Bits::Four => unpack_row::<4>(packed, skipped, into),
        }
    }
}

fn unpack_row<const BITS: usize>(packed: &[u8], skipped: usize, into: &mut [u8]) {
    // Where it begins within a byte, the rest of that byte comes by itself.
    let in_a_byte = 8 / BITS;
    let (packed, into) = match (skipped % in_a_byte, packed.split_first()) {
        (0, _) | (_, None) => (packed, into),
        (skipped, Some((first, rest))) => {
            let values = apart::<BITS>(u64::from(*first)).to_le_bytes();
            let own = values.get(skipped..in_a_byte).unwrap_or_default();
            let (begins, others) = into.split_at_mut(own.len().min(into.len()));
            begins.iter_mut().zip(own).for_each(|(to, value)| *to = *value);
            (rest, others)
        }
    };
    let (eights, rest) = into.as_chunks_mut::<8>();
    let (groups, _) = packed.as_chunks::<BITS>();
    for (eight, group) in eights.iter_mut().zip(groups) {
        *eight = apart::<BITS>(number(group)).to_le_bytes();
    }
    let left = packed.get(eights.len() * BITS..).unwrap_or_default();
    let values = apart::<BITS>(number(left)).to_le_bytes();
    rest.iter_mut().zip(values).for_each(|(to, value)| *to = value);
}

fn fold_together<const BITS: usize>(values: &[u8], into: &mut [u8]) {
    let (eights, rest) = values.as_chunks::<8>();
    let (groups, _) = into.as_chunks_mut::<BITS>();
    for (eight, group) in eights.iter().zip(groups) {
        let bytes = together::<BITS>(u64::from_le_bytes(*eight)).to_le_bytes();
        if let Some(bytes) = bytes.first_chunk::<BITS>() {
            *group = *bytes;
        }
    }
    let left = into.get_mut(eights.len() * BITS..).unwrap_or_default();
    let bytes = together::<BITS>(number(rest)).to_le_bytes();
    left.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
}

/// Up to eight bytes, as one number.
#[inline]
fn number(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    u64::from_le_bytes(eight)
}

/// The low bits of each lane of so many.
const fn low(bits: usize, lane: usize) -> u64 {
    let (mut mask, mut at) = (0, 0);
    while at < 64 {
        mask |= ((1 << bits) - 1) << at;
        at += lane;
    }
    mask
}

/// Eight values, a byte each, in as many bytes as a value has bits.
#[inline]
fn together<const BITS: usize>(values: u64) -> u64 {
    let pairs = (values | values >> (8 - BITS)) & const { low(2 * BITS, 16) };
    let fours = (pairs | pairs >> (16 - 2 * BITS)) & const { low(4 * BITS, 32) };
    (fours | fours >> (32 - 4 * BITS)) & const { low(8 * BITS, 64) }
}

/// The other way round.
#[inline]
fn apart<const BITS: usize>(packed: u64) -> u64 {
    let packed = packed & const { low(8 * BITS, 64) };
    let fours = (packed | packed << (32 - 4 * BITS)) & const { low(4 * BITS, 32) };
    let pairs = (fours | fours << (16 - 2 * BITS)) & const { low(2 * BITS, 16) };
    (pairs | pairs << (8 - BITS)) & const { low(BITS, 8) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packed and unpacked again, one value at a time.
    fn plainly(bits: Bits, values: &[u8]) -> Vec<u8> {
        let each = bits.in_a_byte() as usize;
        let one = |some: &[u8]| {
            some.iter().rev().fold(0, |byte, value| (byte << bits.count()) | u32::from(*value))
        };
        values.chunks(each).map(|some| one(some) as u8).collect()
    }

    #[test]
    fn rows_are_packed_and_come_back_from_any_place() {
        for (bits, most) in [(Bits::One, 2), (Bits::Two, 4), (Bits::Four, 16)] {
            for length in (0_usize..40).chain([4095, 4096, 4097, 9001]) {
                let values: Vec<u8> =
                    (0..2 * length).map(|at| (at * 37 % 11 % most) as u8).collect();
                let packed_row = length.div_ceil(bits.in_a_byte() as usize);
                let mut packed = vec![0; 2 * packed_row];
                pack(bits, Slice::U8(&values), length, &mut packed).unwrap();
                let rows = values.chunks(length.max(1));
                let expected: Vec<u8> = rows.flat_map(|row| plainly(bits, row)).collect();
                assert_eq!(packed, expected, "{bits:?} {length}");
                let wide: Vec<i64> = values.iter().map(|value| i64::from(*value)).collect();
                packed.fill(0);
                pack(bits, Slice::I64(&wide), length, &mut packed).unwrap();
                assert_eq!(packed, expected);
                for skipped in 0..length.min(bits.in_a_byte() as usize) {
                    for wanted in [1, length / 2, length - skipped] {
                        let wanted = wanted.clamp(1, length - skipped);
                        let mut into = vec![0; 2 * wanted];
                        unpack(bits, &packed, packed_row, skipped, wanted, &mut into);
                        let rows = values.chunks(length);
                        let part = rows.flat_map(|row| &row[skipped..skipped + wanted]);
                        assert!(part.eq(&into), "{bits:?} {length} from {skipped}: {wanted}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refused = |values| pack(Bits::Two, values, 3, &mut [0]).unwrap_err();
        assert!(refused(Slice::U8(&[1, 4, 0])).starts_with("4 does not fit into 2 bits"));
        assert!(refused(Slice::U16(&[1, 2, 258])).starts_with("258 does"));
        assert!(refused(Slice::I8(&[1, -1, 0])).starts_with("-1 does"));
        let vast = u64::MAX;
        assert!(refused(Slice::U64(&[1, vast, 0])).starts_with("18446744073709552000 does"));
        assert_eq!(pack(Bits::One, Slice::Bool(&[1, 0, 1]), 3, &mut [0]), Ok(()));
    }
}
