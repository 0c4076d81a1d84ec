//! Axes: from values to places between 0 and 1, and the marks along the way.

use super::{number, time};

/// What an axis measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A quantity.
    Number,
    /// A point in time, in seconds since 1970.
    Time,
    /// A time of day, in seconds since midnight.
    Clock,
}

impl Unit {
    /// A value in full.
    pub(super) fn value(self, value: f64) -> String {
        match self {
            Self::Number => number::value(value),
            Self::Time => time::value(value, false),
            Self::Clock => time::value(value, true),
        }
    }
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Values, and what stands beside them.
    pub(super) ticks: Vec<(f64, String)>,
    /// What all marks have in common, and so none says: the day or the year.
    pub(super) context: String,
}

impl Scale {
    /// An axis from the lowest to the highest value.
    pub(super) fn exact(unit: Unit, low: f64, high: f64, most: usize) -> Self {
        let (low, high) = match unit {
            Unit::Number => widen(low, high),
            // A tenth of a date would be centuries.
            Unit::Time if low == high => (low - 43_200.0, high + 43_200.0),
            Unit::Clock if low == high => (low - 1800.0, high + 1800.0),
            _ => (low, high),
        };
        let (ticks, context) = match unit {
            Unit::Number => (number_ticks(low, high, most), String::new()),
            Unit::Time => time::ticks(low, high, most, false),
            Unit::Clock => time::ticks(low, high, most, true),
        };
        Self { low, high, ticks, context }
    }

    /// An axis of numbers that begins and ends at a mark.
    pub(super) fn round(low: f64, high: f64, most: usize) -> Self {
        let (low, high) = widen(low, high);
        let step = nice_step(high - low, most);
        Self::exact(
            Unit::Number,
            (low / step + 1e-9).floor() * step,
            (high / step - 1e-9).ceil() * step,
            most + 2,
        )
    }

    /// Where a value is: 0 at the low end, 1 at the high end.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// A range that is not empty.
fn widen(low: f64, high: f64) -> (f64, f64) {
    match high - low > low.abs().max(high.abs()) * 1e-12 {
        true => (low, high),
        false if low == 0.0 => (-1.0, 1.0),
        false => (low - low.abs() * 0.1, high + high.abs() * 0.1),
    }
}

/// A distance of 1, 2 or 5 times a power of ten of which at most about `most` make up the span.
pub(super) fn nice_step(span: f64, most: usize) -> f64 {
    let least = span / most.max(1) as f64;
    let power = 10_f64.powi(number::magnitude(least));
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= least * 0.999_999);
    step.unwrap_or(10.0) * power
}

fn number_ticks(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let step = nice_step(high - low, most);
    let largest = low.abs().max(high.abs());
    let first = (low / step - 1e-6).ceil();
    (0..1000)
        .map(|number| (first + f64::from(number)) * step)
        .take_while(|value| *value <= high + step * 1e-6)
        .map(|value| (value, number::tick(value, step, largest)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn round_axes_begin_and_end_at_marks() {
        let scale = Scale::round(0.3, 97.0, 5);
        assert_eq!((scale.low, scale.high), (0.0, 100.0));
        assert_eq!(labels(&scale), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(
            labels(&Scale::round(-0.12, 0.31, 5)),
            ["-0.2", "-0.1", "0", "0.1", "0.2", "0.3", "0.4"]
        );
    }

    #[test]
    fn a_single_value_is_in_the_middle() {
        for value in [0.0, 5.0, -5.0, 1e12, 1e-12] {
            let scale = Scale::round(value, value, 5);
            assert!(scale.low < value && value < scale.high, "{value}: {scale:?}");
            assert!(!scale.ticks.is_empty() && scale.ticks.len() < 20, "{scale:?}");
            assert!((0.1..=0.9).contains(&scale.place(value)), "{scale:?}");
        }
    }

    #[test]
    fn steps_are_readable() {
        assert_eq!(nice_step(10.0, 5), 2.0);
        assert_eq!(nice_step(7.0, 7), 1.0);
        assert_eq!(nice_step(1e6, 4), 500_000.0);
        assert!((nice_step(0.3, 6) - 0.05).abs() < 1e-9);
    }
}
