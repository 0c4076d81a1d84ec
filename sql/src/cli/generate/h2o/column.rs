//! A column whose value in any row is known without the rows before it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringBuilder};
use arrow::datatypes::{DataType, Field};

use super::super::random::{Shuffle, Stream};
use super::keys::{Keys, Side};

/// Which number a row has.
pub(super) enum Values {
    /// 1 to `count`, all equally likely.
    Any { stream: Stream, count: u64 },
    /// Each key of a side once, in rows spread over the table, and any of them in the other rows.
    Keys { keys: Keys, side: Side, places: Shuffle, again: Stream },
}

impl Values {
    /// Keys for a table of `rows` rows, which must not be fewer than the keys.
    pub(super) fn keys(keys: Keys, side: Side, rows: u64, order: Stream, again: Stream) -> Self {
        Self::Keys { keys, side, places: Shuffle::new(order, rows), again }
    }

    fn at(&self, row: u64) -> u64 {
        match self {
            Self::Any { stream, count } => stream.below(row, *count) + 1,
            Self::Keys { keys, side, places, again } => {
                let place = places.at(row);
                let first = place < keys.size();
                keys.at(*side, if first { place } else { again.below(row, keys.size()) })
            }
        }
    }
}

/// What the number is written as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Itself.
    Number,
    /// `id` and at least so many digits.
    Text { digits: usize },
    /// 0 to 100 in steps of a millionth.
    Price,
}

impl Shape {
    /// How many different prices there are.
    pub(super) const PRICES: u64 = 100_000_001;
}

/// A column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) values: Values,
    pub(super) shape: Shape,
    pub(super) nulls: Stream,
    pub(super) percent: u8,
    /// Whether NULL befalls values, in all their rows, or rows.
    pub(super) null_by_value: bool,
}

impl Column {
    /// Its name and type.
    pub(super) fn field(&self) -> Field {
        let data_type = match self.shape {
            Shape::Number => DataType::Int64,
            Shape::Text { .. } => DataType::Utf8,
            Shape::Price => DataType::Float64,
        };
        Field::new(self.name, data_type, self.percent > 0)
    }

    /// Its values in some rows.
    pub(super) fn array(&self, rows: Range<u64>) -> ArrayRef {
        let values = rows.map(|row| {
            let value = self.values.at(row);
            let place = if self.null_by_value { value } else { row };
            (!self.nulls.chosen(place, self.percent)).then_some(value)
        });
        match self.shape {
            Shape::Number => Arc::new(values.map(|v| v.map(|v| v as i64)).collect::<Int64Array>()),
            Shape::Text { digits } => Arc::new(ids(values, digits).finish()),
            Shape::Price => {
                // Division rounds to the nearest double, which is what reading the six digits gives.
                let price = |value: u64| (value - 1) as f64 / 1e6;
                Arc::new(values.map(|v| v.map(price)).collect::<Float64Array>())
            }
        }
    }
}

/// Writes `id` and the number with leading zeros. By hand: most of the time of making these tables
/// went into formatting.
fn ids(values: impl Iterator<Item = Option<u64>>, digits: usize) -> StringBuilder {
    let rows = values.size_hint().0;
    let mut builder = StringBuilder::with_capacity(rows, rows * (digits + 8));
    for value in values {
        let Some(mut rest) = value else {
            builder.append_null();
            continue;
        };
        let mut text = [b'0'; 22];
        let mut length = 0;
        for place in text.iter_mut().rev() {
            if rest == 0 && length >= digits {
                break;
            }
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            length += 1;
        }
        let digits = text.get(text.len() - length..).unwrap_or_default();
        let parts = ["id", std::str::from_utf8(digits).unwrap_or_default()];
        for part in parts {
            // Cannot fail: the builder's memory is the only thing written to.
            let _ = std::fmt::Write::write_str(&mut builder, part);
        }
        builder.append_value("");
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_leading_zeros() {
        let numbers = [Some(7), None, Some(100), Some(12_345)];
        let texts = |digits| {
            let array = ids(numbers.into_iter(), digits).finish();
            array.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(texts(3), [some("id007"), None, some("id100"), some("id12345")]);
        assert_eq!(texts(1), [some("id7"), None, some("id100"), some("id12345")]);
        assert_eq!(texts(10).first(), Some(&some("id0000000007")));
    }
}
