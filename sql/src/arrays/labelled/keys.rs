//! Labels as groups: those that are alike have a number, in their order.

use std::collections::BTreeMap;

use strata_engine::{Block, DType, Slice, Tensor};

use crate::arrays::asked;
use crate::error::Result;

/// Numbers whose order is that of the values; none of what is no number or no time.
pub(super) fn keys_of(values: &Tensor) -> Vec<Option<i128>> {
    macro_rules! whole {
        ($values:expr) => {
            $values.iter().map(|value| Some(i128::from(*value))).collect()
        };
    }
    let of_time = !matches!(values.dtype(), DType::Plain(_));
    match values.values() {
        Slice::F64(values) => values.iter().map(|value| of_float(*value)).collect(),
        Slice::F32(values) => values.iter().map(|value| of_float(f64::from(*value))).collect(),
        Slice::I64(values) => {
            let known =
                |value: &i64| (!of_time || *value != i64::MIN).then_some(i128::from(*value));
            values.iter().map(known).collect()
        }
        Slice::Bool(values) | Slice::U8(values) => whole!(values),
        Slice::I8(values) => whole!(values),
        Slice::I16(values) => whole!(values),
        Slice::I32(values) => whole!(values),
        Slice::U16(values) => whole!(values),
        Slice::U32(values) => whole!(values),
        Slice::U64(values) => whole!(values),
    }
}

/// Labels as numbers in their order, and what they are. What is no number or no time has none.
pub(super) fn numbered(labels: Tensor) -> Result<(Vec<Option<u32>>, Tensor)> {
    let keys = keys_of(&labels);
    let mut first: BTreeMap<i128, usize> = BTreeMap::new();
    for (at, key) in keys.iter().enumerate() {
        if let Some(key) = key {
            first.entry(*key).or_insert(at);
        }
    }
    let numbers: BTreeMap<i128, u32> = first.keys().copied().zip(0..).collect();
    let numbered = keys.iter().map(|key| key.and_then(|key| numbers.get(&key).copied()));
    let places: Vec<i64> = first.values().map(|at| *at as i64).collect();
    Ok((numbered.collect(), chosen(&labels, &places)?))
}

/// A float as a number in the same order.
fn of_float(value: f64) -> Option<i128> {
    let value = if value == 0.0 { 0.0 } else { value };
    let bits = value.to_bits() as i64;
    let ordered = if bits < 0 { !bits ^ i64::MIN } else { bits };
    (!value.is_nan()).then_some(i128::from(ordered))
}

/// The values at some places.
fn chosen(of: &Tensor, places: &[i64]) -> Result<Tensor> {
    macro_rules! pick {
        ($($kind:ident),*) => {
            match of.values() {
                $(Slice::$kind(values) => {
                    let picked = places.iter().filter_map(|at| values.get(*at as usize).copied());
                    Block::$kind(picked.collect())
                })*
            }
        };
    }
    let block = pick!(Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64);
    Tensor::from_block(of.dtype(), vec![places.len() as u64], block).map_err(asked)
}
