//! What a column can be in a plot, and its values as numbers.

use arrow::array::timezone::Tz;
use arrow::array::types::{Float64Type, Int64Type};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, Offset, TimeZone};

use super::refuse;
use crate::error::Result;

/// What a column can be in a plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A quantity.
    Number,
    /// A whole number, which can be a category as well.
    Whole,
    /// A point in time, as seconds since 1970 by the clock of its zone.
    Time,
    /// A time of day, as seconds since midnight.
    Clock,
    /// A name.
    Text,
}

impl Role {
    /// The role of a type, if it can be drawn.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Dictionary(_, values) => Self::of(values)?,
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type())?,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => {
                Self::Text
            }
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => Self::Time,
            DataType::Time32(_) | DataType::Time64(_) => Self::Clock,
            DataType::Duration(_) => Self::Number,
            other if other.is_integer() => Self::Whole,
            other if other.is_numeric() => Self::Number,
            _ => return None,
        })
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Whole)
    }

    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Clock)
    }

    pub(super) fn is_category(self) -> bool {
        matches!(self, Self::Text | Self::Whole)
    }
}

/// Beyond this, sums and differences of values could overflow.
const LARGEST: f64 = 1e300;
/// Below this, there is no room for steps between values: it is drawn as zero.
const SMALLEST: f64 = 1e-290;

/// The values of a column as numbers; NaN where there is none that can be drawn.
pub(super) fn numbers(array: &ArrayRef) -> Result<Vec<f64>> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => cast_to(array, values)?,
        DataType::RunEndEncoded(_, values) => cast_to(array, values.data_type())?,
        _ => array.clone(),
    };
    let scale = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 1.0,
        TimeUnit::Millisecond => 1e3,
        TimeUnit::Microsecond => 1e6,
        TimeUnit::Nanosecond => 1e9,
    };
    let (array, per_second, zone) = match array.data_type() {
        DataType::Date32 => (cast_to(&array, &DataType::Int32)?, 1.0 / 86_400.0, None),
        DataType::Date64 => (cast_to(&array, &DataType::Int64)?, 1e3, None),
        DataType::Timestamp(unit, zone) => {
            let zone = zone.as_ref().and_then(|zone| zone.parse::<Tz>().ok());
            (cast_to(&array, &DataType::Int64)?, scale(unit), zone)
        }
        DataType::Time32(unit) => (cast_to(&array, &DataType::Int32)?, scale(unit), None),
        DataType::Time64(unit) | DataType::Duration(unit) => {
            (cast_to(&array, &DataType::Int64)?, scale(unit), None)
        }
        _ => (array, 1.0, None),
    };
    let values = cast_to(&array, &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    // An instant is drawn where the clocks of its zone show it.
    let offset = |row: usize| match (&zone, array.data_type()) {
        (Some(zone), DataType::Int64) if array.is_valid(row) => {
            let exact = array.as_primitive::<Int64Type>().value(row);
            let seconds = (exact as f64 / per_second).floor() as i64;
            DateTime::from_timestamp(seconds, 0).map_or(0.0, |time| {
                zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc().into()
            })
        }
        _ => 0.0,
    };
    Ok((0..values.len())
        .map(|row| {
            let value = match values.is_valid(row) {
                true => values.value(row) / per_second,
                false => f64::NAN,
            };
            match value.abs() {
                size if size < SMALLEST => offset(row),
                size if size <= LARGEST => value + offset(row),
                _ => f64::NAN,
            }
        })
        .collect())
}

fn cast_to(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    cast(array, to).map_err(|error| {
        refuse(format!("a column cannot be drawn: {error}"), "cast it to DOUBLE in the query")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    fn read(array: impl Array + 'static) -> Vec<f64> {
        numbers(&(Arc::new(array) as ArrayRef)).unwrap_or_default()
    }

    #[test]
    fn numbers_and_times_become_numbers() {
        assert_eq!(read(Int32Array::from(vec![1, -2])), [1.0, -2.0]);
        assert_eq!(read(Date32Array::from(vec![1])), [86_400.0]);
        assert_eq!(read(TimestampMillisecondArray::from(vec![1500])), [1.5]);
        assert_eq!(read(DurationMicrosecondArray::from(vec![2_000_000])), [2.0]);
        let berlin = TimestampSecondArray::from(vec![0]).with_timezone("Europe/Berlin");
        assert_eq!(read(berlin), [3600.0], "as clocks in Berlin showed it");
    }

    #[test]
    fn what_cannot_be_drawn_is_nan() {
        let values = vec![Some(f64::INFINITY), None, Some(f64::NAN), Some(f64::MAX), Some(1.0)];
        let drawn = read(Float64Array::from(values));
        assert_eq!(drawn.iter().filter(|value| value.is_nan()).count(), 4);
    }

    #[test]
    fn types_have_roles() {
        assert_eq!(Role::of(&DataType::Decimal128(9, 2)), Some(Role::Number));
        let words = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        assert_eq!(Role::of(&words), Some(Role::Text));
        assert_eq!(Role::of(&DataType::Binary), None);
    }
}
