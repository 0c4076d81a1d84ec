//! Lengths of time as people write them: `30s`, `5min`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A thousand years, in seconds.
const LONGEST: f64 = 31_557_600_000.0;

/// A length of time.
///
/// ```
/// use strata_engine::Span;
///
/// assert_eq!("1.5s".parse::<Span>().map(|span| span.0.as_millis()), Ok(1500));
/// assert_eq!(Span::seconds(300).to_string(), "5min");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// No time at all; where a limit is meant, none.
    pub const NONE: Self = Self(Duration::ZERO);

    /// So many seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    /// The limit; none where it is no time at all.
    pub fn limit(self) -> Option<Duration> {
        (!self.0.is_zero()).then_some(self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
            if millis >= length && millis.is_multiple_of(length) {
                return write!(f, "{}{unit}", millis / length);
            }
        }
        match millis {
            0 => f.write_str("0s"),
            millis => write!(f, "{millis}ms"),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no length of time; write 500ms, 30s, 5min, 2h or 1d");
        let trimmed = text.trim();
        let digits =
            trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit.trim() {
            "ms" => number / 1000.0,
            "s" | "" => number,
            "m" | "min" => number * 60.0,
            "h" => number * 3600.0,
            "d" => number * 86400.0,
            _ => return Err(wrong()),
        };
        // What is longer cannot be added to a time.
        let within = (0.0..=LONGEST).contains(&seconds);
        within.then(|| Self(Duration::from_secs_f64(seconds))).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_what_they_print() {
        for text in ["0s", "250ms", "90s", "5min", "2h", "1d"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("0.5s".parse::<Span>().unwrap().to_string(), "500ms");
        for bad in ["", "s", "-1s", "3 weeks", "1e400d", "99999999d"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
