//! Points in time on an axis: marks where a calendar or a clock has them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
const MONTH: f64 = 30.44 * DAY;
const YEAR: f64 = 365.25 * DAY;

/// The distances below a month at which marks may stand.
const STEPS: [f64; 20] = [
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    7.0 * DAY,
    14.0 * DAY,
];

/// The distance at which marks stand.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Seconds(f64),
    Months(i32),
}

fn step(span: f64, most: usize) -> Step {
    let least = span / most.max(1) as f64;
    if least < 1.0 {
        return Step::Seconds(super::scale::nice_step(span, most));
    }
    if let Some(step) = STEPS.into_iter().find(|step| *step >= least) {
        return Step::Seconds(step);
    }
    if let Some(months) = [1, 3, 6].into_iter().find(|months| f64::from(*months) * MONTH >= least) {
        return Step::Months(months);
    }
    Step::Months((super::scale::nice_step(span / YEAR, most).max(1.0) * 12.0) as i32)
}

/// The marks between two times, at most about `most`, and what all of them have in common: the day
/// for hours, the year for days.
pub(super) fn ticks(low: f64, high: f64, most: usize, clock: bool) -> (Vec<(f64, String)>, String) {
    let step = step(high - low, most);
    let times: Vec<f64> = match step {
        Step::Seconds(seconds) => {
            // 1970 began on a Thursday; weeks begin on Mondays.
            let origin = if seconds >= 7.0 * DAY { 4.0 * DAY } else { 0.0 };
            let first = ((low - origin) / seconds).ceil();
            (0..1000)
                .map(|number| origin + (first + f64::from(number)) * seconds)
                .take_while(|time| *time <= high)
                .collect()
        }
        Step::Months(months) => months_between(low, high, months),
    };
    let ticks = times
        .into_iter()
        .filter_map(|time| Some((time, tick(date_time(time)?, time, step, clock))))
        .collect();
    let context = match (date_time(low), date_time(high), step) {
        (Some(low), Some(high), Step::Seconds(step)) if step < DAY && !clock => {
            range(low.format("%Y-%m-%d").to_string(), high.format("%Y-%m-%d").to_string())
        }
        (Some(low), Some(high), Step::Seconds(_) | Step::Months(1..12)) if !clock => {
            range(low.year().to_string(), high.year().to_string())
        }
        _ => String::new(),
    };
    (ticks, context)
}

fn range(low: String, high: String) -> String {
    if low == high { low } else { format!("{low} – {high}") }
}

fn months_between(low: f64, high: f64, months: i32) -> Vec<f64> {
    let Some(start) = date_time(low) else { return Vec::new() };
    let mut month = (start.year() * 12 + start.month0() as i32).div_euclid(months) * months;
    let mut times = Vec::new();
    while times.len() < 1000 {
        let date =
            NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1);
        let Some(time) = date.and_then(|date| date.and_hms_opt(0, 0, 0)) else { break };
        let time = time.and_utc().timestamp() as f64;
        if time > high {
            break;
        }
        if time >= low {
            times.push(time);
        }
        month += months;
    }
    times
}

fn date_time(seconds: f64) -> Option<NaiveDateTime> {
    let whole = seconds.floor();
    let nanos = ((seconds - whole) * 1e9) as u32;
    DateTime::from_timestamp(whole as i64, nanos).map(|time| time.naive_utc())
}

/// A mark tells the largest unit that begins at it: the year in January, the month on the 1st.
fn tick(time: NaiveDateTime, seconds: f64, step: Step, clock: bool) -> String {
    let midnight = time.num_seconds_from_midnight() == 0;
    let format = match step {
        Step::Seconds(step) if step < 1.0 => {
            let decimals = (-super::number::magnitude(step * 1.000_001)).clamp(1, 9) as usize;
            let second = seconds.rem_euclid(60.0);
            let width = decimals + 3;
            return format!("{}:{second:0width$.decimals$}", time.format("%H:%M"));
        }
        Step::Months(12..) => "%Y",
        Step::Months(_) if time.month() == 1 => "%Y",
        Step::Months(_) => "%b",
        Step::Seconds(_) if midnight && !clock && time.ordinal() == 1 => "%Y",
        Step::Seconds(_) if midnight && !clock => "%b %-d",
        Step::Seconds(step) if step < MINUTE => "%H:%M:%S",
        Step::Seconds(_) => "%H:%M",
    };
    time.format(format).to_string()
}

/// A time in full.
pub(super) fn value(seconds: f64, clock: bool) -> String {
    let Some(time) = date_time(seconds) else { return super::number::value(seconds) };
    let format = match (clock, time.num_seconds_from_midnight(), time.nanosecond()) {
        (true, _, 0) => "%H:%M:%S",
        (true, _, _) => "%H:%M:%S%.3f",
        (false, 0, 0) => "%Y-%m-%d",
        (false, _, 0) => "%Y-%m-%d %H:%M:%S",
        (false, _, _) => "%Y-%m-%d %H:%M:%S%.3f",
    };
    time.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: &str, high: &str, most: usize) -> (String, String) {
        let time = |text: &str| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
                .map_or(f64::NAN, |time| time.and_utc().timestamp_micros() as f64 / 1e6)
        };
        let (ticks, context) = ticks(time(low), time(high), most, false);
        (ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" | "), context)
    }

    #[test]
    fn marks_stand_where_the_calendar_has_them() {
        let cases = [
            ("2001-06-01 00:00:00", "2024-06-01 00:00:00", "2005 | 2010 | 2015 | 2020", ""),
            ("2023-10-15 00:00:00", "2024-05-15 00:00:00", "2024 | Apr", "2023 – 2024"),
            (
                "2024-03-01 00:00:00",
                "2024-03-31 00:00:00",
                "Mar 4 | Mar 11 | Mar 18 | Mar 25",
                "2024",
            ),
            (
                "2024-03-05 08:10:00",
                "2024-03-05 13:00:00",
                "09:00 | 10:00 | 11:00 | 12:00 | 13:00",
                "2024-03-05",
            ),
            (
                "2024-03-05 18:00:00",
                "2024-03-06 06:00:00",
                "18:00 | 21:00 | Mar 6 | 03:00 | 06:00",
                "2024-03-05 – 2024-03-06",
            ),
            (
                "2024-03-05 08:10:00",
                "2024-03-05 08:10:01",
                "08:10:00.0 | 08:10:00.2 | 08:10:00.4 | 08:10:00.6 | 08:10:00.8 | 08:10:01.0",
                "2024-03-05",
            ),
        ];
        for (low, high, expected, context) in cases {
            assert_eq!(labels(low, high, 5), (expected.into(), context.into()), "{low}");
        }
    }

    #[test]
    fn times_read_well() {
        assert_eq!(value(0.0, false), "1970-01-01");
        assert_eq!(value(1.5, false), "1970-01-01 00:00:01.500");
        assert_eq!(value(3661.0, true), "01:01:01");
        assert_eq!(value(1e18, false), "1.000e18");
    }

    #[test]
    fn times_beyond_any_calendar_have_no_marks() {
        assert!(ticks(-1e17, 1e17, 5, false).0.is_empty());
    }
}
