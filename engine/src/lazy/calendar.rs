//! Parts of times: years, months, days of the civil calendar; and times cut off at them. Each is a few functions of whole
//! numbers, which are computed together with whatever they are used in.

use super::{Array, Result, Scalar};
use crate::array::{ArrayError, DType, Kind, Unit};
use crate::kernels::{Binary, Unary};

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatePart {
    /// The year.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// Of the month, from 1 on.
    Day,
    /// Of the year, from 1 on.
    DayOfYear,
    /// 0 is Monday.
    Weekday,
    /// December to February is 1, and so on to 4.
    Season,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
}

impl DatePart {
    /// All there are, by name.
    pub const NAMED: &'static [(&'static str, Self)] = &[
        ("year", Self::Year),
        ("quarter", Self::Quarter),
        ("month", Self::Month),
        ("day", Self::Day),
        ("dayofyear", Self::DayOfYear),
        ("weekday", Self::Weekday),
        ("season", Self::Season),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("second", Self::Second),
    ];

    /// The part of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::NAMED.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, part)| *part)
    }
}

/// What times are cut off at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// So many seconds, counted from 1970.
    Seconds(i64),
    /// So many months, counted from January 1970.
    Months(i64),
}

fn with(of: &Array, binary: Binary, number: i64) -> Result<Array> {
    of.binary_with(binary, Scalar::Signed(number), false)
}

fn div(of: &Array, by: i64) -> Result<Array> {
    with(of, Binary::FloorDiv, by)
}

/// The civil date of a number of days since 1970, of years that begin in March: so that a leap day comes last.
struct Civil {
    /// Counted from March of the year 0.
    year: Array,
    /// From 0 for the first of March on.
    day_of_year: Array,
    /// From 0 for March on.
    month: Array,
}

impl Civil {
    fn of(days: &Array) -> Result<Self> {
        let days = with(days, Binary::Add, 719_468)?;
        let era = div(&days, 146_097)?;
        let day = days.binary(Binary::Sub, &with(&era, Binary::Mul, 146_097)?)?;
        let mut years = day.binary(Binary::Sub, &div(&day, 1_460)?)?;
        years = years.binary(Binary::Add, &div(&day, 36_524)?)?;
        years = div(&years.binary(Binary::Sub, &div(&day, 146_096)?)?, 365)?;
        let mut before = with(&years, Binary::Mul, 365)?;
        before = before.binary(Binary::Add, &div(&years, 4)?)?;
        before = before.binary(Binary::Sub, &div(&years, 100)?)?;
        let day_of_year = day.binary(Binary::Sub, &before)?;
        let month = div(&with(&with(&day_of_year, Binary::Mul, 5)?, Binary::Add, 2)?, 153)?;
        let year = years.binary(Binary::Add, &with(&era, Binary::Mul, 400)?)?;
        Ok(Self { year, day_of_year, month })
    }

    /// 1 where January and February are, which belong to the next year; else 0.
    fn wraps(&self) -> Result<Array> {
        with(&self.month, Binary::Ge, 10)?.cast(Kind::I64.into())
    }

    fn year(&self) -> Result<Array> {
        self.year.binary(Binary::Add, &self.wraps()?)
    }

    /// 1 to 12.
    fn month(&self) -> Result<Array> {
        let wrapped = with(&self.wraps()?, Binary::Mul, 12)?;
        with(&self.month, Binary::Add, 3)?.binary(Binary::Sub, &wrapped)
    }

    fn day(&self) -> Result<Array> {
        let before = div(&with(&with(&self.month, Binary::Mul, 153)?, Binary::Add, 2)?, 5)?;
        with(&self.day_of_year.binary(Binary::Sub, &before)?, Binary::Add, 1)
    }
}

/// Days since 1970 of the first of a month, which is counted from January of the year 0.
fn days_before(months: &Array) -> Result<Array> {
    // Of years that begin in March.
    let shifted = with(months, Binary::Sub, 2)?;
    let year = div(&shifted, 12)?;
    let month = shifted.binary(Binary::Sub, &with(&year, Binary::Mul, 12)?)?;
    let before = div(&with(&with(&month, Binary::Mul, 153)?, Binary::Add, 2)?, 5)?;
    let mut days = with(&year, Binary::Mul, 365)?.binary(Binary::Add, &div(&year, 4)?)?;
    days = days.binary(Binary::Sub, &div(&year, 100)?)?;
    days = days.binary(Binary::Add, &div(&year, 400)?)?.binary(Binary::Add, &before)?;
    with(&days, Binary::Sub, 719_468)
}

impl Array {
    /// A part of each time, as `i64`; -1 of a time that is none.
    ///
    /// ```
    /// # use strata_engine::{Array, DType, DatePart, Scalar, Unit};
    /// # fn main() -> Result<(), strata_engine::ArrayError> {
    /// let day = Scalar::Signed(86_400);
    /// let days = Array::arange(Scalar::Signed(0), Scalar::Signed(366 * 86_400), day)?;
    /// let months = days.cast(DType::Time(Unit::Seconds))?.date_part(DatePart::Month)?;
    /// assert_eq!(months.shape(), vec![366]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn date_part(&self, part: DatePart) -> Result<Self> {
        let seconds = self.seconds("a date")?;
        let made = match part {
            DatePart::Hour | DatePart::Minute | DatePart::Second => {
                let (unit, count) = match part {
                    DatePart::Hour => (3_600, 24),
                    DatePart::Minute => (60, 60),
                    _ => (1, 60),
                };
                with(&div(&seconds, unit)?, Binary::Rem, count)?
            }
            _ => {
                let days = div(&seconds, 86_400)?;
                match part {
                    DatePart::Weekday => with(&with(&days, Binary::Add, 3)?, Binary::Rem, 7)?,
                    DatePart::Year => Civil::of(&days)?.year()?,
                    DatePart::Month => Civil::of(&days)?.month()?,
                    DatePart::Day => Civil::of(&days)?.day()?,
                    DatePart::Quarter => {
                        let month = Civil::of(&days)?.month()?;
                        div(&with(&month, Binary::Add, 2)?, 3)?
                    }
                    DatePart::Season => {
                        let month = with(&Civil::of(&days)?.month()?, Binary::Rem, 12)?;
                        with(&div(&month, 3)?, Binary::Add, 1)?
                    }
                    _ => {
                        let year = Civil::of(&days)?.year()?;
                        let first = days_before(&with(&year, Binary::Mul, 12)?)?;
                        with(&days.binary(Binary::Sub, &first)?, Binary::Add, 1)?
                    }
                }
            }
        };
        let none = Self::full(&[], Scalar::Signed(-1), Kind::I64.into())?;
        self.unary(Unary::IsNan)?.select(&none, &made)
    }

    /// Each time cut off at the beginning of its period.
    pub fn cut_off(&self, period: Period) -> Result<Self> {
        let DType::Time(unit) = self.dtype() else {
            return Err(ArrayError::asked(format!(
                "{} has no periods: only times have",
                self.dtype()
            )));
        };
        let seconds = self.seconds("a period")?;
        let begins = match period {
            Period::Seconds(count) => {
                let count = count.max(1);
                with(&div(&seconds, count)?, Binary::Mul, count)?
            }
            Period::Months(count) => {
                let count = count.max(1);
                let civil = Civil::of(&div(&seconds, 86_400)?)?;
                let year = with(&civil.year()?, Binary::Sub, 1970)?;
                let months = with(&year, Binary::Mul, 12)?.binary(Binary::Add, &civil.month()?)?;
                let months = div(&with(&months, Binary::Sub, 1)?, count)?;
                let months = with(&with(&months, Binary::Mul, count)?, Binary::Add, 1970 * 12)?;
                with(&days_before(&months)?, Binary::Mul, 86_400)?
            }
        };
        let cut = with(&begins, Binary::Mul, unit.in_a_second())?.cast(self.dtype())?;
        self.unary(Unary::IsNan)?.select(self, &cut)
    }

    /// Whole seconds since 1970, rounded down.
    fn seconds(&self, what: &str) -> Result<Self> {
        let DType::Time(unit) = self.dtype() else {
            return Err(ArrayError::asked(format!(
                "{} has no part of {what}: only times have",
                self.dtype()
            )));
        };
        let counts = self.cast(Kind::I64.into())?;
        match unit {
            Unit::Seconds => Ok(counts),
            _ => div(&counts, unit.in_a_second()),
        }
    }
}
