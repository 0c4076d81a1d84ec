//! What the values of an array are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How values lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// Floating, 32 bits.
    F32,
    /// Floating, 64 bits.
    F64,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::Bool,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes a value takes.
    pub fn width(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether it is a floating number.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether it is a whole number with a sign.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// Whether it is a whole number without a sign.
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32 | Self::U64)
    }

    /// Whether it is a whole number.
    pub fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    /// The name, as in `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// What both can be turned into, as NumPy has it: integers that differ in sign meet in the next
    /// wider signed one, and `u64` with a signed one in `f64`; an integer of more than 16 bits makes of
    /// `f32` an `f64`.
    pub fn with(self, other: Self) -> Self {
        let (low, high) = if self <= other { (self, other) } else { (other, self) };
        match (low, high) {
            (a, b) if a == b => a,
            (Self::Bool, b) => b,
            (a, Self::F64) if a != Self::F64 => Self::F64,
            (a, Self::F32) => {
                if a.width() <= 2 {
                    Self::F32
                } else {
                    Self::F64
                }
            }
            (a, b) if a.is_signed() == b.is_signed() => {
                if a.width() >= b.width() {
                    a
                } else {
                    b
                }
            }
            // The first is signed: signed ones stand before unsigned ones.
            (signed, unsigned) if signed.width() > unsigned.width() => signed,
            (_, Self::U8) => Self::I16,
            (_, Self::U16) => Self::I32,
            (_, Self::U32) => Self::I64,
            _ => Self::F64,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
}

impl Unit {
    /// The short name, as in `ms`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }

    /// How many there are in a second.
    pub fn in_a_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1_000,
            Self::Microseconds => 1_000_000,
            Self::Nanoseconds => 1_000_000_000,
        }
    }
}

/// What the values of an array mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DType {
    /// Numbers and truth values.
    Plain(Kind),
    /// Points in time, counted from 1970 in `i64`. The smallest number is none ("not a time").
    Time(Unit),
    /// Spans of time, as `i64`; the smallest number is none.
    Span(Unit),
}

impl DType {
    /// How its values lie in memory.
    pub fn kind(self) -> Kind {
        match self {
            Self::Plain(kind) => kind,
            Self::Time(_) | Self::Span(_) => Kind::I64,
        }
    }

    /// Bytes a value takes.
    pub fn width(self) -> usize {
        self.kind().width()
    }
}

impl From<Kind> for DType {
    fn from(kind: Kind) -> Self {
        Self::Plain(kind)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(kind) => kind.fmt(f),
            Self::Time(unit) => write!(f, "time[{}]", unit.name()),
            Self::Span(unit) => write!(f, "span[{}]", unit.name()),
        }
    }
}

impl FromStr for DType {
    type Err = String;

    /// Reads `f32`, NumPy's `float32`, `time[ns]`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        let plain = match text.as_str() {
            "int8" => "i8",
            "int16" => "i16",
            "int32" | "int" | "integer" => "i32",
            "int64" | "bigint" => "i64",
            "uint8" => "u8",
            "uint16" => "u16",
            "uint32" => "u32",
            "uint64" => "u64",
            "float32" | "real" => "f32",
            "float64" | "double" => "f64",
            "boolean" => "bool",
            other => other,
        };
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == plain) {
            return Ok(Self::Plain(kind));
        }
        let unit = |name: &str| {
            let inside = plain.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            let all = [Unit::Seconds, Unit::Milliseconds, Unit::Microseconds, Unit::Nanoseconds];
            all.into_iter().find(|unit| unit.name() == inside)
        };
        match (unit("time"), unit("span")) {
            (Some(unit), _) => Ok(Self::Time(unit)),
            (_, Some(unit)) => Ok(Self::Span(unit)),
            _ => Err(format!(
                "no array has values of type '{text}'; there are bool, i8 to i64, u8 to u64, f32, f64, \
                 time[s|ms|us|ns] and span[s|ms|us|ns]"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::*;
    use super::*;

    #[test]
    fn kinds_meet_as_in_numpy() {
        for (a, b, both) in [
            (Bool, I8, I8),
            (I8, U8, I16),
            (I16, U8, I16),
            (I64, U64, F64),
            (I8, U32, I64),
            (I16, F32, F32),
            (U16, F32, F32),
            (I32, F32, F64),
            (U64, F32, F64),
            (F32, F64, F64),
            (Bool, F32, F32),
            (U8, U64, U64),
            (I8, I32, I32),
            (I64, U32, I64),
            (I8, U64, F64),
        ] {
            assert_eq!((a.with(b), b.with(a)), (both, both), "{a} {b}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(DType::Plain(kind)));
        }
        assert_eq!("time[ms]".parse(), Ok(DType::Time(Unit::Milliseconds)));
        assert_eq!("float32".parse(), Ok(DType::Plain(F32)));
        assert!("complex64".parse::<DType>().unwrap_err().contains("f64"));
    }
}
