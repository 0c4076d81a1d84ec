//! What comes of a window that moves along a dimension. Windows are put together from the end of one stretch of their
//! length and the beginning of the next, which are gone through once: nothing is ever taken away again, so that no
//! error stays, and a value takes a few steps however long the window is.

use serde::{Deserialize, Serialize};

use crate::kernels::Shape;
use crate::kernels::cast::To;
use crate::kernels::element::Value;
use crate::kernels::lanes::{each_lane, ordered};

/// What windows are brought to. What is not a number is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moving {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// Their variance.
    Var {
        /// What is taken from the number of values.
        ddof: u32,
    },
    /// The root of that.
    Std {
        /// What is taken from the number of values.
        ddof: u32,
    },
    /// How many there are.
    Count,
    /// The one in the middle of their order.
    Median,
}

impl Moving {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sum => "moving_sum",
            Self::Mean => "moving_mean",
            Self::Min => "moving_min",
            Self::Max => "moving_max",
            Self::Var { .. } => "moving_var",
            Self::Std { .. } => "moving_std",
            Self::Count => "moving_count",
            Self::Median => "moving_median",
        }
    }
}

/// The bytes that a value along a lane takes while it is gone through.
pub(super) const A_VALUE: u64 = 512;

pub(super) fn moving<T: Value>(
    values: &[T],
    shape: &[usize],
    axis: usize,
    of: Moving,
    window: usize,
    least: u64,
) -> Vec<T>
where
    f64: To<T>,
{
    let lengths: Vec<u64> = shape.iter().map(|length| *length as u64).collect();
    let shape = Shape::along(&lengths, axis, 1);
    let made = shape.length.saturating_sub(window.saturating_sub(1));
    let number = |value: Option<f64>| To::<T>::to(value.unwrap_or(f64::NAN));
    if of == Moving::Median {
        let mut sorted = Vec::with_capacity(window);
        return each_lane(values, shape, made, |lane: &mut [T], results: &mut [T]| {
            medians(lane, window, least, &mut sorted, results, number);
        });
    }
    macro_rules! windows {
        ($part:ty, |$found:ident| $end:expr) => {{
            let mut ends = Vec::new();
            each_lane(values, shape, made, |lane: &mut [T], results: &mut [T]| {
                let end = |$found: $part| {
                    ($found.count() >= least).then(|| $end).and_then(|value: Option<f64>| value)
                };
                windows(lane, window, &mut ends, results, |part| number(end(part)));
            })
        }};
    }
    match of {
        Moving::Sum => windows!(Sum, |found| Some(found.sum)),
        Moving::Mean => windows!(Sum, |found| Some(found.sum / found.count as f64)),
        Moving::Count => windows!(Sum, |found| Some(found.count as f64)),
        Moving::Min => windows!(Ends, |found| Some(found.least)),
        Moving::Max => windows!(Ends, |found| Some(found.most)),
        Moving::Var { ddof } => windows!(Spread, |found| found.var(ddof)),
        Moving::Std { ddof } => windows!(Spread, |found| found.var(ddof).map(f64::sqrt)),
        Moving::Median => Vec::new(),
    }
}

/// What some values in a row come to.
trait Part: Copy + Default {
    fn of(value: f64) -> Self;
    fn with(self, other: Self) -> Self;
    fn count(&self) -> u64;
}

/// The parts of all windows of a lane, one after the other.
fn windows<T: Value, P: Part>(
    lane: &[T],
    window: usize,
    ends: &mut Vec<P>,
    results: &mut [T],
    mut end: impl FnMut(P) -> T,
) {
    let part = |value: &T| if value.is_nan() { P::default() } else { P::of(value.wide()) };
    let window = window.max(1);
    // What each place, and all after it in its stretch, come to.
    ends.clear();
    ends.extend(lane.iter().map(part));
    for stretch in ends.chunks_mut(window) {
        let mut after = P::default();
        for own in stretch.iter_mut().rev() {
            after = own.with(after);
            *own = after;
        }
    }
    // The beginning of the stretch in which a window ends.
    let mut begun = P::default();
    let last = lane.iter().skip(window - 1);
    for (at, ((result, from), value)) in results.iter_mut().zip(ends.iter()).zip(last).enumerate() {
        *result = match at % window {
            0 => {
                begun = P::default();
                end(*from)
            }
            _ => {
                begun = begun.with(part(value));
                end(from.with(begun))
            }
        };
    }
}

fn medians<T: Value>(
    lane: &[T],
    window: usize,
    least: u64,
    sorted: &mut Vec<T>,
    results: &mut [T],
    number: impl Fn(Option<f64>) -> T,
) {
    sorted.clear();
    let place = |sorted: &[T], value: T| sorted.partition_point(|own| ordered(*own, value).is_lt());
    let mut leaves = lane.iter();
    let mut results = results.iter_mut();
    for (at, value) in lane.iter().enumerate() {
        if !value.is_nan() {
            let at = place(sorted, *value);
            sorted.insert(at, *value);
        }
        if at + 1 < window {
            continue;
        }
        let middle = sorted.len() / 2;
        let high = sorted.get(middle).map(|value| value.wide());
        let low = middle.checked_sub(1).and_then(|at| sorted.get(at)).map(|value| value.wide());
        let median = match (low, high) {
            (Some(low), Some(high)) if sorted.len().is_multiple_of(2) => {
                Some(low / 2.0 + high / 2.0)
            }
            (_, high) => high,
        };
        if let Some(result) = results.next() {
            *result = number(median.filter(|_| sorted.len() as u64 >= least));
        }
        if let Some(gone) = leaves.next().filter(|gone| !gone.is_nan()) {
            let at = place(sorted, *gone);
            if at < sorted.len() {
                sorted.remove(at);
            }
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Sum {
    count: u64,
    sum: f64,
}

impl Part for Sum {
    fn of(value: f64) -> Self {
        Self { count: 1, sum: value }
    }

    fn with(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum }
    }

    fn count(&self) -> u64 {
        self.count
    }
}

#[derive(Clone, Copy)]
struct Ends {
    count: u64,
    least: f64,
    most: f64,
}

impl Default for Ends {
    fn default() -> Self {
        Self { count: 0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Part for Ends {
    fn of(value: f64) -> Self {
        Self { count: 1, least: value, most: value }
    }

    fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    fn count(&self) -> u64 {
        self.count
    }
}

/// How far values are from their mean: put together as Chan, Golub and LeVeque do.
#[derive(Clone, Copy, Default)]
struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn var(&self, ddof: u32) -> Option<f64> {
        let left = self.count.checked_sub(u64::from(ddof)).filter(|left| *left > 0)?;
        Some(self.squares / left as f64)
    }
}

impl Part for Spread {
    fn of(value: f64) -> Self {
        Self { count: 1, mean: value, squares: 0.0 }
    }

    fn with(self, other: Self) -> Self {
        if self.count == 0 {
            return other;
        }
        if other.count == 0 {
            return self;
        }
        let count = self.count + other.count;
        let (own, all) = (other.count as f64, count as f64);
        let apart = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * (own / all),
            squares: self.squares + other.squares + apart * apart * (self.count as f64 * own / all),
        }
    }

    fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_those_of_all_their_values() {
        let values: Vec<f64> = (0..50)
            .map(|at| if at % 11 == 4 { f64::NAN } else { f64::from(at * 37 % 23) })
            .collect();
        for window in [1, 2, 3, 7, 49, 50] {
            let there = |at: usize| {
                let own = values[at..at + window].iter().copied().filter(|v| !v.is_nan());
                own.collect::<Vec<f64>>()
            };
            let sum = moving(&values, &[50], 0, Moving::Sum, window, 1);
            let most = moving(&values, &[50], 0, Moving::Max, window, 1);
            let middle = moving(&values, &[50], 0, Moving::Median, window, 1);
            assert_eq!(sum.len(), 51 - window);
            for at in 0..sum.len() {
                let mut own = there(at);
                if own.is_empty() {
                    assert!(sum[at].is_nan() && most[at].is_nan() && middle[at].is_nan());
                    continue;
                }
                own.sort_by(f64::total_cmp);
                let half = (own[(own.len() - 1) / 2] + own[own.len() / 2]) / 2.0;
                assert_eq!(sum[at], own.iter().sum::<f64>());
                assert_eq!((most[at], middle[at]), (own[own.len() - 1], half));
            }
        }
        assert!(moving(&values, &[50], 0, Moving::Mean, 51, 1).is_empty());
    }

    #[test]
    fn what_has_left_a_window_leaves_no_error_behind() {
        let mut values = vec![0.1_f64; 20];
        values[3] = 1e300;
        let sums = moving(&values, &[20], 0, Moving::Sum, 4, 4);
        assert!(sums[4..].iter().all(|sum| (sum - 0.4).abs() < 1e-15), "{sums:?}");
    }
}
