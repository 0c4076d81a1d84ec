//! What stored numbers mean by the CF conventions (<https://cfconventions.org>), as Xarray takes them: packed
//! numbers, missing values, times.

use std::sync::Arc;

use serde_json::{Map, Value};
use strata_engine::{
    Array, ArrayError, ArraySource, Attributes, Binary, DType, Grid, Kind, Scalar, Unary,
};

use super::ZarrArray;
use super::since::{Ticks, ticks};

/// What the numbers of an array mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// What they are.
    Plain,
    /// Points in time, by how many ticks they are after one.
    Times(Ticks),
    /// Spans of time.
    Spans(Ticks),
    /// Numbers of this kind: `stored · scale + offset`.
    Numbers { wide: Kind, scale: Option<f64>, offset: Option<f64> },
}

/// How an array's numbers are read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    /// As which kind they are taken first: a sign may be none.
    pub(super) kind: Kind,
    /// The numbers that stand for no value.
    pub(super) missing: Vec<Scalar>,
}

/// What says how numbers are stored, and nothing of what they are once they are read.
const OF_STORING: &[&str] = &[
    "_ARRAY_DIMENSIONS",
    "_FillValue",
    "_Unsigned",
    "add_offset",
    "coordinates",
    "missing_value",
    "scale_factor",
];

/// What is said of an array beside how it is stored.
fn attributes(said: &Map<String, Value>, meaning: &Meaning) -> Attributes {
    let attributes = Attributes::from(said.clone()).without(OF_STORING);
    match meaning {
        Meaning::Plain | Meaning::Numbers { .. } => attributes,
        Meaning::Times(_) => attributes.without(&["units", "calendar"]),
        Meaning::Spans(_) => attributes.without(&["units", "dtype"]),
    }
}

/// Numbers as they are meant, with what else is said of them.
pub(super) fn decoded(source: &Arc<ZarrArray>) -> Result<Array, ArrayError> {
    let reading = reading(source)?;
    let attributes = attributes(source.attributes(), &reading.meaning);
    Ok(numbers_of(source, reading)?.with_attributes(attributes))
}

fn numbers_of(source: &Arc<ZarrArray>, reading: Reading) -> Result<Array, ArrayError> {
    let source: Arc<dyn ArraySource> = Arc::clone(source) as _;
    let raw = Array::read(source)?;
    if matches!(raw.dtype(), DType::Time(_) | DType::Span(_)) {
        return Ok(raw);
    }
    let raw = raw.cast(reading.kind.into())?;
    let mut missing = None;
    for value in &reading.missing {
        let is = raw.binary_with(Binary::Eq, *value, false)?;
        missing = Some(match missing {
            None => is,
            Some(others) => is.binary(Binary::Or, &others)?,
        });
    }
    match reading.meaning {
        Meaning::Plain => Ok(raw),
        Meaning::Times(ticks) => times(&raw, ticks, missing)?.cast(DType::Time(ticks.unit())),
        Meaning::Spans(ticks) => times(&raw, ticks, missing)?.cast(DType::Span(ticks.unit())),
        Meaning::Numbers { wide, scale, offset } => {
            let mut values = raw.cast(wide.into())?;
            if let Some(scale) = scale {
                values = values.binary_with(Binary::Mul, Scalar::Float(scale), false)?;
            }
            if let Some(offset) = offset {
                values = values.binary_with(Binary::Add, Scalar::Float(offset), false)?;
            }
            let Some(missing) = missing else { return Ok(values) };
            let nan = Array::filled_with(Scalar::Float(f64::NAN), wide.into(), Grid::whole(&[]))?;
            missing.select(&nan, &values)
        }
    }
}

/// Counts of ticks, as counts of a unit from 1970.
fn times(raw: &Array, ticks: Ticks, missing: Option<Array>) -> Result<Array, ArrayError> {
    let whole = |raw: &Array| raw.cast(Kind::I64.into());
    // What is no number, or the smallest there is, is no time.
    let (counts, none) = match raw.kind().is_float() {
        true => {
            let counts = raw.cast(Kind::F64.into())?;
            let each = Scalar::Float(ticks.each() as f64);
            let counts = counts.binary_with(Binary::Mul, each, false)?.unary(Unary::Round)?;
            (whole(&counts)?, raw.unary(Unary::IsNan)?)
        }
        false => {
            let raw = whole(raw)?;
            let far = far(&raw, ticks)?;
            let counts = raw.binary_with(Binary::Mul, Scalar::Signed(ticks.each()), false)?;
            let none = raw.binary_with(Binary::Eq, Scalar::Signed(i64::MIN), false)?;
            (
                counts,
                match far {
                    Some(far) => none.binary(Binary::Or, &far)?,
                    None => none,
                },
            )
        }
    };
    let none = match missing {
        Some(missing) => none.binary(Binary::Or, &missing)?,
        None => none,
    };
    let times = counts.binary_with(Binary::Add, Scalar::Signed(ticks.start()), false)?;
    let times = if ticks.is_leapless() { with_leap_days(&times, ticks)? } else { times };
    times.with_no_time_where(&none)
}

/// Which counts of ticks are of times that are too far away to be told, where there may be any.
fn far(raw: &Array, ticks: Ticks) -> Result<Option<Array>, ArrayError> {
    let (each, start) = (i128::from(ticks.each()).max(1), i128::from(ticks.start()));
    let within = |end: i64| i64::try_from((i128::from(end) - start) / each).ok();
    let least = within(i64::MIN + 1).filter(|least| *least > i64::MIN + 1);
    let most = within(i64::MAX).filter(|most| *most < i64::MAX);
    let is = |binary, end: Option<i64>| {
        end.map(|end| raw.binary_with(binary, Scalar::Signed(end), false)).transpose()
    };
    Ok(match (is(Binary::Lt, least)?, is(Binary::Gt, most)?) {
        (Some(before), Some(after)) => Some(before.binary(Binary::Or, &after)?),
        (one, other) => one.or(other),
    })
}

/// Counts from March 1970 where no year has a leap day, as counts from 1970 to the same date: those are put in
/// that years up to the date's have. A year begins in March here.
fn with_leap_days(times: &Array, ticks: Ticks) -> Result<Array, ArrayError> {
    let day = ticks.unit().in_a_second() * 86_400;
    let with =
        |array: &Array, binary, number| array.binary_with(binary, Scalar::Signed(number), false);
    let days = with(times, Binary::FloorDiv, day)?;
    let year = with(&with(&days, Binary::FloorDiv, 365)?, Binary::Add, 1970)?;
    let every = |years: i64| with(&year, Binary::FloorDiv, years);
    let leaps = every(4)?.binary(Binary::Sub, &every(100)?)?.binary(Binary::Add, &every(400)?)?;
    // 477 until March 1970, which is 59 days after its beginning.
    let moved = with(&with(&leaps, Binary::Sub, 477 - 59)?, Binary::Mul, day)?;
    times.binary(Binary::Add, &moved)
}

/// How the numbers of an array are read.
pub(super) fn reading(source: &ZarrArray) -> Result<Reading, ArrayError> {
    let attributes = source.attributes();
    let stored = source.layout().dtype.kind();
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    let kind = match (text("_Unsigned"), stored) {
        (Some("true"), stored) if stored.is_signed() => other_sign(stored),
        (Some("false"), stored) if stored.is_unsigned() => other_sign(stored),
        _ => stored,
    };
    let mut missing = Vec::new();
    for said in ["_FillValue", "missing_value"].into_iter().filter_map(|name| attributes.get(name))
    {
        let all = said.as_array().map_or(std::slice::from_ref(said), Vec::as_slice);
        missing.extend(all.iter().filter_map(|said| value(said, kind)));
    }
    if let Some(units) = text("units") {
        let refused = |reason: String| ArrayError::Source { array: source.title(), reason };
        if units.contains(" since ") {
            let ticks = ticks(units, text("calendar").unwrap_or("standard")).map_err(refused)?;
            return Ok(Reading { meaning: Meaning::Times(ticks), kind, missing });
        }
        if text("dtype").is_some_and(|dtype| dtype.starts_with("timedelta64"))
            && let Some(ticks) = Ticks::spans(units)
        {
            return Ok(Reading { meaning: Meaning::Spans(ticks), kind, missing });
        }
    }
    let meaning = numbers(attributes, kind, !missing.is_empty());
    Ok(Reading { meaning, kind, missing })
}

/// As Xarray has it: what is packed becomes `f64`, unless it is packed by whole numbers into few bits; what
/// has missing values becomes the float that holds it.
fn numbers(attributes: &Map<String, Value>, kind: Kind, missing: bool) -> Meaning {
    let number = |name: &str| attributes.get(name).filter(|value| value.is_number());
    let (scale, offset) = (number("scale_factor"), number("add_offset"));
    let packed = scale.is_some() || offset.is_some();
    if !packed && !missing || kind == Kind::Bool {
        return Meaning::Plain;
    }
    let whole = [scale, offset].into_iter().flatten().all(|value| !value.is_f64());
    let wide = match kind {
        Kind::F32 if whole => Kind::F32,
        kind if kind.is_integer() && kind.width() <= 2 && whole && offset.is_none() => Kind::F32,
        _ => Kind::F64,
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    Meaning::Numbers { wide, scale: number(scale), offset: number(offset) }
}

fn other_sign(kind: Kind) -> Kind {
    match kind {
        Kind::I8 => Kind::U8,
        Kind::I16 => Kind::U16,
        Kind::I32 => Kind::U32,
        Kind::I64 => Kind::U64,
        Kind::U8 => Kind::I8,
        Kind::U16 => Kind::I16,
        Kind::U32 => Kind::I32,
        Kind::U64 => Kind::I64,
        other => other,
    }
}

/// A number that stands for no value, if there is any such number of the kind. NaN needs none.
fn value(said: &Value, kind: Kind) -> Option<Scalar> {
    if kind.is_float() {
        let value = match said.as_str() {
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            Some(text) => f64::from_le_bytes(base64(text)?),
            None => said.as_f64()?,
        };
        return Some(Scalar::Float(value)).filter(|_| !value.is_nan());
    }
    let whole = said.as_i64().map(i128::from).or_else(|| said.as_u64().map(i128::from));
    let float = || said.as_f64().filter(|value| value.fract() == 0.0).map(|value| value as i128);
    let whole = whole.or_else(float)?;
    let bits = kind.width() as u32 * 8;
    let (low, high) = match kind.is_signed() {
        true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
        false => (0, (1_i128 << bits) - 1),
    };
    // What was told with the other sign is the number of the same bits.
    let whole = match whole {
        whole if (low..=high).contains(&whole) => whole,
        whole if kind.is_unsigned() && whole >= -(1_i128 << (bits - 1)) && whole < 0 => {
            whole + (1_i128 << bits)
        }
        _ => return None,
    };
    match kind {
        Kind::Bool => None,
        kind if kind.is_signed() => i64::try_from(whole).ok().map(Scalar::Signed),
        _ => u64::try_from(whole).ok().map(Scalar::Unsigned),
    }
}

/// Eight bytes in base64, as Xarray writes floats that are missing into Zarr v3.
fn base64(text: &str) -> Option<[u8; 8]> {
    let digits = text.strip_suffix('=').filter(|digits| digits.len() == 11)?;
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let bits =
        digits.bytes().try_fold(0_u128, |bits, c| Some(bits << 6 | u128::from(digit(c)?)))?;
    // Eleven digits are 66 bits, the last two of which are none.
    u64::try_from(bits >> 2).ok().map(u64::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_values_are_of_the_kind() {
        assert_eq!(value(&json!(-9999.0), Kind::I16), Some(Scalar::Signed(-9999)));
        assert_eq!(value(&json!(-9999.5), Kind::I16), None);
        assert_eq!(value(&json!(70000), Kind::I16), None);
        assert_eq!(value(&json!(-1), Kind::U8), Some(Scalar::Unsigned(255)));
        assert_eq!(value(&json!(u64::MAX), Kind::U64), Some(Scalar::Unsigned(u64::MAX)));
        assert_eq!(value(&json!("NaN"), Kind::F64), None);
        assert_eq!(value(&json!("AAAAAAAAIsA="), Kind::F32), Some(Scalar::Float(-9.0)));
        assert_eq!(value(&json!("AAAAAAAAIsA"), Kind::F32), None);
        assert_eq!(value(&json!(false), Kind::Bool), None);
    }
}
