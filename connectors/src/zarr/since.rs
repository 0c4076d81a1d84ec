//! `hours since 2000-01-01 00:00 +02:00`: in what times are counted, and from when.

use strata_engine::Unit;

const NANOSECONDS: i64 = 1_000_000_000;

/// What is counted, and from when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticks {
    unit: Unit,
    each: i64,
    start: i64,
    leapless: bool,
}

impl Ticks {
    /// The unit in which ticks are whole. Nanoseconds reach 292 years from 1970, microseconds as far as
    /// anybody counts.
    pub(super) fn unit(self) -> Unit {
        self.unit
    }

    /// How many of the unit a tick is.
    pub(super) fn each(self) -> i64 {
        self.each
    }

    /// How many of the unit after 1970 the count begins; after its March, where no year has a leap day.
    pub(super) fn start(self) -> i64 {
        self.start
    }

    /// Whether days are counted as if no year had a leap day.
    pub(super) fn is_leapless(self) -> bool {
        self.leapless
    }

    /// Spans of time, in a unit as in `days`.
    pub(super) fn spans(unit: &str) -> Option<Self> {
        let each = nanoseconds(unit)?;
        let (unit, each) = match each % 1_000 {
            0 => (Unit::Microseconds, each / 1_000),
            _ => (Unit::Nanoseconds, each),
        };
        Some(Self { unit, each, start: 0, leapless: false })
    }
}

/// What `units` says in a calendar.
pub(super) fn ticks(units: &str, calendar: &str) -> Result<Ticks, String> {
    let calendar = calendar.to_ascii_lowercase();
    let days: Days = match calendar.as_str() {
        "standard" | "gregorian" => standard,
        "proleptic_gregorian" => gregorian,
        "noleap" | "365_day" => leapless,
        _ => {
            return Err(format!(
                "its times are '{units}' in the calendar '{calendar}', whose days are not those of the \
                 standard one; ds.convert_calendar('standard') of Xarray makes times of them that can be read"
            ));
        }
    };
    let is_leapless = calendar == "noleap" || calendar == "365_day";
    let unread = || format!("its times are '{units}', which cannot be read");
    let (unit, since) = units.split_once(" since ").ok_or_else(unread)?;
    let spans = Ticks::spans(unit).ok_or_else(|| {
        format!(
            "{}: they are counted in days, hours, minutes or seconds, or parts of these",
            unread()
        )
    })?;
    let start = begin(since.trim(), days).ok_or_else(unread)?;
    let each = i128::from(NANOSECONDS / spans.unit.in_a_second());
    let start = i64::try_from(start.div_euclid(each)).map_err(|_| unread())?;
    Ok(Ticks { start, leapless: is_leapless, ..spans })
}

fn nanoseconds(unit: &str) -> Option<i64> {
    Some(match unit.trim().to_ascii_lowercase().as_str() {
        "days" | "day" | "d" => 86_400 * NANOSECONDS,
        "hours" | "hour" | "hrs" | "hr" | "h" => 3_600 * NANOSECONDS,
        "minutes" | "minute" | "mins" | "min" => 60 * NANOSECONDS,
        "seconds" | "second" | "secs" | "sec" | "s" => NANOSECONDS,
        "milliseconds" | "millisecond" | "millisecs" | "millisec" | "msecs" | "msec" | "ms" => {
            1_000_000
        }
        "microseconds" | "microsecond" | "microsecs" | "microsec" => 1_000,
        "nanoseconds" | "nanosecond" | "nanosecs" | "nanosec" => 1,
        _ => return None,
    })
}

/// How many days a year, a month and a day are after 1970, in a calendar.
type Days = fn(i64, i64, i64) -> i64;

/// A date, a time of day, and how far its clock is from that of UTC: in nanoseconds from 1970.
fn begin(text: &str, days: Days) -> Option<i128> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let number = |part: &str| part.parse::<i64>().ok().filter(|_| part.len() <= 6);
    let mut parts = date.splitn(3, '-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (clock, offset) = zone(time.trim())?;
    let mut seconds = 0;
    let mut fraction = 0;
    let clock = clock.trim();
    if !clock.is_empty() {
        let mut parts = clock.splitn(3, ':');
        let (hour, minute) = (number(parts.next()?)?, parts.next().map_or(Some(0), number)?);
        let (whole, part) =
            parts.next().map_or(("0", ""), |second| second.split_once('.').unwrap_or((second, "")));
        seconds = hour * 3_600 + minute * 60 + number(whole)?;
        if part.len() > 9 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        fraction = format!("{part:0<9}").parse::<i64>().ok()?;
    }
    let seconds = i128::from(days(year, month, day)) * 86_400 + i128::from(seconds - offset);
    Some(seconds * i128::from(NANOSECONDS) + i128::from(fraction))
}

/// A time of day without its zone, and the seconds that the zone is ahead.
fn zone(time: &str) -> Option<(&str, i64)> {
    for name in ["Z", "UTC", "GMT"] {
        if let Some(clock) = time.strip_suffix(name) {
            return Some((clock, 0));
        }
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, zone) = time.split_at(at);
    let (sign, digits) =
        if let Some(digits) = zone.strip_prefix('-') { (-1, digits) } else { (1, zone.get(1..)?) };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    (hours < 24 && minutes < 60)
        .then(|| (clock, sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60)))
}

/// Days from 1970, in the calendar that changed in 1582.
fn standard(year: i64, month: i64, day: i64) -> i64 {
    match (year, month, day) < (1582, 10, 15) {
        true => julian(year, month, day),
        false => gregorian(year, month, day),
    }
}

/// Days from March 1970, where no year has a leap day.
fn leapless(year: i64, month: i64, day: i64) -> i64 {
    let (year, of_year) = from_march(year, month, day);
    (year - 1970) * 365 + of_year
}

/// Days from 1970, in the civil calendar; years begin in March, so that leap days end them.
fn gregorian(year: i64, month: i64, day: i64) -> i64 {
    let (year, of_year) = from_march(year, month, day);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The same in the calendar before 1582, in which every fourth year has a leap day.
fn julian(year: i64, month: i64, day: i64) -> i64 {
    let (year, of_year) = from_march(year, month, day);
    year * 365 + year.div_euclid(4) + of_year - 719_470
}

fn from_march(year: i64, month: i64, day: i64) -> (i64, i64) {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    (year, (153 * month + 2) / 5 + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        let seconds =
            |text: &str| begin(text, gregorian).map(|found| found / i128::from(NANOSECONDS));
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2000-03-01 06:30:00"), Some(951_892_200));
        assert_eq!(seconds("1900-01-01T00:00:00Z"), Some(-2_208_988_800));
        assert_eq!(seconds("0001-01-01 00:00:0.0"), Some(-62_135_596_800));
        assert_eq!(seconds("2000-01-01 00:00 +02:00"), Some(946_677_600));
        assert_eq!(seconds("2000-01-01T00:00:00-0530"), Some(946_704_600));
        assert_eq!(seconds("2000-01-01 00:00 UTC"), Some(946_684_800));
        assert_eq!(begin("1970-01-01 00:00:00.5", gregorian), Some(500_000_000));
        for bad in [
            "yesterday",
            "2000-13-01",
            "2000-01-01 00:00:00 2",
            "2000-01-01 00:00 +99",
            "2000-01-01 x",
        ] {
            assert_eq!(begin(bad, gregorian), None, "{bad}");
        }
    }

    #[test]
    fn the_standard_calendar_has_two_halves() {
        // The day after 4 October 1582 was the 15th.
        assert_eq!(julian(1582, 10, 5), gregorian(1582, 10, 15));
        assert_eq!(gregorian(1582, 10, 15) - julian(1, 1, 1), 577_737);
        let first = i128::from(julian(1, 1, 1)) * 86_400 * i128::from(NANOSECONDS);
        assert_eq!(begin("0001-01-01", standard), Some(first));
    }

    #[test]
    fn what_is_counted_otherwise_is_refused() {
        let ticks = |units| ticks(units, "standard");
        assert_eq!(ticks("hours since 1970-01-01 01:00").unwrap().start(), 3_600_000_000);
        assert_eq!(ticks("nanoseconds since 1970-01-01").unwrap().unit(), Unit::Nanoseconds);
        assert!(ticks("months since 1970-01-01").is_err());
        assert!(ticks("days since launch").is_err());
        for calendar in ["360_day", "all_leap", "julian"] {
            let refused = super::ticks("days since 1970-01-01", calendar).unwrap_err();
            assert!(refused.contains("convert_calendar"), "{refused}");
        }
    }
}
