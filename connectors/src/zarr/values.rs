//! What the values of an array are, by the names that Zarr has for them, and the value where nothing
//! was written.

use serde_json::{Map, Value};
use strata_engine::{DType, Kind, Unit};

/// The smallest number: no time.
const NOT_A_TIME: i64 = i64::MIN;

/// What is stored, and what it means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) dtype: DType,
    /// By what stored times are multiplied to be in the unit of the type.
    pub(crate) times: i64,
}

impl Stored {
    fn plain(kind: Kind) -> Self {
        Self { dtype: DType::Plain(kind), times: 1 }
    }

    /// The type `data_type` of Zarr v3.
    pub(super) fn of_v3(name: &str, settings: &Map<String, Value>) -> Result<Self, String> {
        let kind = match name {
            "bool" => Kind::Bool,
            "int8" => Kind::I8,
            "int16" => Kind::I16,
            "int32" => Kind::I32,
            "int64" => Kind::I64,
            "uint8" => Kind::U8,
            "uint16" => Kind::U16,
            "uint32" => Kind::U32,
            "uint64" => Kind::U64,
            "float32" => Kind::F32,
            "float64" => Kind::F64,
            "numpy.datetime64" | "numpy.timedelta64" => {
                let unit = settings.get("unit").and_then(Value::as_str).unwrap_or("generic");
                let factor = settings.get("scale_factor").map_or(Some(1), Value::as_i64);
                let (unit, times) = unit_of(unit, factor.unwrap_or(0))?;
                let points = name == "numpy.datetime64";
                let dtype = if points { DType::Time(unit) } else { DType::Span(unit) };
                return Ok(Self { dtype, times });
            }
            other => return Err(unknown(other)),
        };
        Ok(Self::plain(kind))
    }

    /// The `dtype` of Zarr v2, and whether the big end of a value comes first.
    pub(crate) fn of_v2(dtype: &Value) -> Result<(Self, bool), String> {
        let name = dtype.as_str().ok_or_else(|| unknown(&dtype.to_string()))?;
        let (order, rest) = name.split_at_checked(1).ok_or_else(|| unknown(name))?;
        let (big, rest) = match order {
            ">" => (true, rest),
            "<" | "|" | "=" => (false, rest),
            _ => (false, name),
        };
        let kind = match rest {
            "b1" => Kind::Bool,
            "i1" => Kind::I8,
            "i2" => Kind::I16,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u1" => Kind::U8,
            "u2" => Kind::U16,
            "u4" => Kind::U32,
            "u8" => Kind::U64,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => {
                let inside = |prefix: &str| rest.strip_prefix(prefix)?.strip_suffix(']');
                let (points, unit) = match (inside("M8["), inside("m8[")) {
                    (Some(unit), _) => (true, unit),
                    (_, Some(unit)) => (false, unit),
                    _ => return Err(unknown(name)),
                };
                let digits = unit.find(|c: char| !c.is_ascii_digit()).unwrap_or(unit.len());
                let (factor, unit) = unit.split_at(digits);
                let factor = if factor.is_empty() { 1 } else { factor.parse().unwrap_or(0) };
                let (unit, times) = unit_of(unit, factor)?;
                let dtype = if points { DType::Time(unit) } else { DType::Span(unit) };
                return Ok((Self { dtype, times }, big));
            }
        };
        Ok((Self::plain(kind), big))
    }

    /// The value where nothing was written, as the bytes of one; none where that is left open.
    pub(super) fn fill(self, value: &Value) -> Result<Option<Vec<u8>>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let unfit = || format!("its fill_value {value} is no value of type {}", self.dtype);
        if self.dtype.kind() == Kind::I64 && self.dtype != DType::Plain(Kind::I64) {
            if value.as_str() == Some("NaT") {
                return Ok(Some(NOT_A_TIME.to_ne_bytes().to_vec()));
            }
            let stored = whole(value).and_then(|value| i64::try_from(value).ok());
            let stored = stored.ok_or_else(unfit)?;
            let value = self.time(stored).ok_or_else(unfit)?;
            return Ok(Some(value.to_ne_bytes().to_vec()));
        }
        macro_rules! integer {
            ($type:ty) => {
                whole(value)
                    .and_then(|value| <$type>::try_from(value).ok())
                    .map(|v| v.to_ne_bytes().to_vec())
            };
        }
        let bytes = match self.dtype.kind() {
            Kind::Bool => match value {
                Value::Bool(value) => Some(vec![u8::from(*value)]),
                other => whole(other)
                    .filter(|value| (0..=1).contains(value))
                    .map(|value| vec![value as u8]),
            },
            Kind::I8 => integer!(i8),
            Kind::I16 => integer!(i16),
            Kind::I32 => integer!(i32),
            Kind::I64 => integer!(i64),
            Kind::U8 => integer!(u8),
            Kind::U16 => integer!(u16),
            Kind::U32 => integer!(u32),
            Kind::U64 => integer!(u64),
            Kind::F32 => match bits(value, 8) {
                Some(bits) => Some((bits as u32).to_ne_bytes().to_vec()),
                None => float(value).map(|value| (value as f32).to_ne_bytes().to_vec()),
            },
            Kind::F64 => match bits(value, 16) {
                Some(bits) => Some(bits.to_ne_bytes().to_vec()),
                None => float(value).map(|value| value.to_ne_bytes().to_vec()),
            },
        };
        bytes.map(Some).ok_or_else(unfit)
    }

    /// A stored time in the unit of the type; none where that is beyond what can be counted.
    pub(crate) fn time(self, stored: i64) -> Option<i64> {
        if stored == NOT_A_TIME { Some(stored) } else { stored.checked_mul(self.times) }
    }
}

/// A unit of ours, and how many of it one of NumPy's is.
fn unit_of(name: &str, factor: i64) -> Result<(Unit, i64), String> {
    let (unit, each) = match name {
        "s" => (Unit::Seconds, 1),
        "ms" => (Unit::Milliseconds, 1),
        "us" | "μs" | "µs" => (Unit::Microseconds, 1),
        "ns" => (Unit::Nanoseconds, 1),
        "m" => (Unit::Seconds, 60),
        "h" => (Unit::Seconds, 3_600),
        "D" => (Unit::Seconds, 86_400),
        "W" => (Unit::Seconds, 604_800),
        other => {
            return Err(format!(
                "its times are counted in '{other}', which cannot be read; W, D, h, m, s, ms, us and ns can"
            ));
        }
    };
    let times =
        Some(factor).filter(|factor| *factor > 0).and_then(|factor| factor.checked_mul(each));
    Ok((unit, times.ok_or_else(|| format!("its times are counted in steps of {factor}"))?))
}

fn unknown(name: &str) -> String {
    format!(
        "its values are of type {name}, which cannot be read; bool, int8 to int64, uint8 to uint64, \
         float32, float64 and times can"
    )
}

/// A whole number, written as such or as `-9999.0`.
fn whole(value: &Value) -> Option<i128> {
    let exact = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    let float = || value.as_f64().filter(|value| value.fract() == 0.0).map(|value| value as i128);
    exact.or_else(float)
}

fn float(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

/// The bits of a number, as in `0x7fc00000`.
fn bits(value: &Value, digits: usize) -> Option<u64> {
    let hex = value.as_str()?.strip_prefix("0x")?;
    if hex.len() == digits { u64::from_str_radix(hex, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_have_names() {
        let (stored, big) = Stored::of_v2(&json!(">f4")).unwrap();
        assert_eq!((stored.dtype, big), (DType::Plain(Kind::F32), true));
        let (stored, _) = Stored::of_v2(&json!("<M8[D]")).unwrap();
        assert_eq!((stored.dtype, stored.times), (DType::Time(Unit::Seconds), 86_400));
        let (stored, _) = Stored::of_v2(&json!("<m8[25us]")).unwrap();
        assert_eq!((stored.dtype, stored.times), (DType::Span(Unit::Microseconds), 25));
        for bad in [
            json!("|O"),
            json!("<U4"),
            json!("<c8"),
            json!("<f2"),
            json!("<M8[Y]"),
            json!(""),
            json!("é"),
            json!([["a", "<f4"]]),
        ] {
            assert!(Stored::of_v2(&bad).unwrap_err().contains("cannot be read"), "{bad}");
        }
        assert!(Stored::of_v3("string", &Map::new()).is_err());
    }

    #[test]
    fn fill_values() {
        let fill = |name: &str, value: Value| Stored::of_v2(&json!(name)).unwrap().0.fill(&value);
        assert_eq!(fill("<f4", json!("NaN")), Ok(Some(f32::NAN.to_ne_bytes().to_vec())));
        assert_eq!(
            fill("<f4", json!("0x7fc00001")),
            Ok(Some(0x7fc0_0001_u32.to_ne_bytes().to_vec()))
        );
        assert_eq!(fill("<i2", json!(-9999.0)), Ok(Some((-9999_i16).to_ne_bytes().to_vec())));
        assert_eq!(fill("<u8", json!(u64::MAX)), Ok(Some(vec![0xff; 8])));
        assert_eq!(fill("<f8", json!(null)), Ok(None));
        assert_eq!(fill("<M8[h]", json!("NaT")), Ok(Some(i64::MIN.to_ne_bytes().to_vec())));
        assert_eq!(fill("<M8[h]", json!(2)), Ok(Some(7_200_i64.to_ne_bytes().to_vec())));
        assert!(fill("<u1", json!(256)).is_err());
        assert!(fill("|b1", json!("yes")).is_err());
        assert!(fill("<M8[W]", json!(i64::MAX)).is_err());
    }
}
