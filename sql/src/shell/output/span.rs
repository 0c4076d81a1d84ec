//! Lengths of time, as PostgreSQL prints them: `1 year 2 mons 3 days 04:05:06.5`.

use std::fmt::{self, Write};

use arrow::array::types::{
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalYearMonthType,
};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{
    ArrayFormatter, ArrayFormatterFactory, DisplayIndex, FormatOptions, FormatResult,
};

/// A length of time. The three parts do not convert into one another: a month has no fixed length,
/// and neither has a day when clocks change.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    months: i64,
    days: i64,
    nanos: i128,
}

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

impl Span {
    fn duration(count: i64, unit: TimeUnit) -> Self {
        let nanos = i128::from(count)
            * match unit {
                TimeUnit::Second => SECOND,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
        Self { months: 0, days: (nanos / DAY) as i64, nanos: nanos % DAY }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut empty = true;
        for (count, noun) in
            [(self.months / 12, "year"), (self.months % 12, "mon"), (self.days, "day")]
        {
            if count != 0 {
                let plural = if count.abs() == 1 { "" } else { "s" };
                write!(f, "{}{count} {noun}{plural}", if empty { "" } else { " " })?;
                empty = false;
            }
        }
        if self.nanos == 0 && !empty {
            return Ok(());
        }
        let (sign, nanos) = (if self.nanos < 0 { "-" } else { "" }, self.nanos.abs());
        let seconds = nanos / SECOND;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let space = if empty { "" } else { " " };
        write!(f, "{space}{sign}{hours:02}:{minutes:02}:{seconds:02}")?;
        match nanos % SECOND {
            0 => Ok(()),
            part => write!(f, ".{}", format!("{part:09}").trim_end_matches('0')),
        }
    }
}

/// Makes the formatters of columns that hold lengths of time.
#[derive(Debug)]
pub(super) struct Spans;

impl ArrayFormatterFactory for Spans {
    fn create_array_formatter<'f>(
        &self,
        array: &'f dyn Array,
        options: &FormatOptions<'f>,
        _field: Option<&'f Field>,
    ) -> Result<Option<ArrayFormatter<'f>>, ArrowError> {
        Ok(reader(array).map(|read| {
            let display = SpanColumn { array, read, null: options.null() };
            ArrayFormatter::new(Box::new(display), options.safe())
        }))
    }
}

type Read = Box<dyn Fn(&dyn Array, usize) -> Span>;

fn reader(array: &dyn Array) -> Option<Read> {
    Some(match array.data_type() {
        DataType::Duration(unit) => {
            let unit = *unit;
            Box::new(move |array, row| {
                let count = match unit {
                    TimeUnit::Second => array.as_primitive::<DurationSecondType>().value(row),
                    TimeUnit::Millisecond => {
                        array.as_primitive::<DurationMillisecondType>().value(row)
                    }
                    TimeUnit::Microsecond => {
                        array.as_primitive::<DurationMicrosecondType>().value(row)
                    }
                    TimeUnit::Nanosecond => {
                        array.as_primitive::<DurationNanosecondType>().value(row)
                    }
                };
                Span::duration(count, unit)
            })
        }
        DataType::Interval(IntervalUnit::YearMonth) => Box::new(|array, row| Span {
            months: array.as_primitive::<IntervalYearMonthType>().value(row).into(),
            ..Span::default()
        }),
        DataType::Interval(IntervalUnit::DayTime) => Box::new(|array, row| {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            Span {
                months: 0,
                days: value.days.into(),
                nanos: i128::from(value.milliseconds) * 1_000_000,
            }
        }),
        DataType::Interval(IntervalUnit::MonthDayNano) => Box::new(|array, row| {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            Span {
                months: value.months.into(),
                days: value.days.into(),
                nanos: value.nanoseconds.into(),
            }
        }),
        _ => return None,
    })
}

struct SpanColumn<'a> {
    array: &'a dyn Array,
    read: Read,
    null: &'a str,
}

impl DisplayIndex for SpanColumn<'_> {
    fn write(&self, row: usize, f: &mut dyn Write) -> FormatResult {
        match self.array.is_null(row) {
            true => f.write_str(self.null)?,
            false => write!(f, "{}", (self.read)(self.array, row))?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let span = |months, days, nanos| Span { months, days, nanos }.to_string();
        assert_eq!(span(0, 0, 0), "00:00:00");
        assert_eq!(span(14, 3, 4 * 3600 * SECOND), "1 year 2 mons 3 days 04:00:00");
        assert_eq!(span(0, 1, 0), "1 day");
        assert_eq!(span(-1, 0, -1_500_000_000), "-1 mon -00:00:01.5");
        assert_eq!(Span::duration(90_061, TimeUnit::Second).to_string(), "1 day 01:01:01");
        assert_eq!(Span::duration(-1, TimeUnit::Nanosecond).to_string(), "-00:00:00.000000001");
    }
}
