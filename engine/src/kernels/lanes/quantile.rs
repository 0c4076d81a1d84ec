//! What lies at fractions of the values of a lane in order: exactly, by selection.

use serde::{Deserialize, Serialize};

use super::{Shape, each_lane, ordered};
use crate::array::Kind;
use crate::kernels::element::{Element, F64, Value, by_kind};
use crate::kernels::floats::Floats;
use crate::kernels::{Block, Slice, cast};

/// What is taken where a fraction lies between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// What lies on the line between both.
    Linear,
    /// The lower.
    Lower,
    /// The higher.
    Higher,
    /// The nearer; the one at an even place where both are as near.
    Nearest,
    /// What lies in the middle of both.
    Midpoint,
    /// The mean of both, as a median has it.
    Mean,
}

impl Interpolation {
    /// All that can be asked for by name.
    pub const NAMED: [Self; 5] =
        [Self::Linear, Self::Lower, Self::Higher, Self::Nearest, Self::Midpoint];

    /// The name, as in `midpoint`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Nearest => "nearest",
            Self::Midpoint => "midpoint",
            Self::Mean => "mean",
        }
    }

    /// Whether one of the values is taken as it is.
    fn chooses(self) -> bool {
        matches!(self, Self::Lower | Self::Higher | Self::Nearest)
    }

    /// What the result is for values of a kind, or why there is none.
    pub(crate) fn result(self, kind: Kind) -> Result<Kind, String> {
        match (self.chooses(), kind) {
            (true, kind) => Ok(kind),
            (false, Kind::Bool) if self != Self::Mean => Err(format!(
                "truth values have no {} quantile: choose one with method => 'lower', or cast them",
                self.name()
            )),
            (false, Kind::F32) => Ok(Kind::F32),
            (false, _) => Ok(Kind::F64),
        }
    }
}

/// Fails unless all are fractions.
pub(crate) fn fractions(at: &Floats) -> Result<(), String> {
    match at.0.iter().find(|at| !(0.0..=1.0).contains(*at)) {
        None => Ok(()),
        Some(other) => Err(format!("a quantile lies at a fraction from 0 to 1, not at {other}")),
    }
}

/// What lies at these fractions of every lane.
pub(super) fn quantiles(
    at: &Floats,
    how: Interpolation,
    skip_nan: bool,
    values: Slice<'_>,
    shape: Shape,
) -> Block {
    let kind = values.kind();
    let made = by_kind!(kind, all, E => {
        let values = E::of(values).unwrap_or_default();
        if how.chooses() {
            let nothing = <<E as Element>::Value as Value>::NAN.unwrap_or_default();
            let chosen = each_lane(values, shape, at.0.len(), |lane, out| {
                let known = select(lane, skip_nan);
                for (out, at) in out.iter_mut().zip(at.0.iter()) {
                    *out = nothing;
                    if let Some(known) = known.and_then(|known| lane.get_mut(..known)) {
                        let at = place(*at, known.len(), how);
                        *out = *known.select_nth_unstable_by(at, |a, b| ordered(*a, *b)).1;
                    }
                }
            });
            return E::block(chosen);
        }
        each_lane(values, shape, at.0.len(), |lane, out| {
            let known = select(lane, skip_nan);
            for (out, at) in out.iter_mut().zip(at.0.iter()) {
                let known = known.and_then(|known| lane.get_mut(..known));
                *out = known.map_or(f64::NAN, |known| between(known, *at, how));
            }
        })
    });
    let mut out = Block::empty(how.result(kind).unwrap_or(Kind::F64));
    cast(F64::slice(&made), &mut out);
    out
}

/// Brings the numbers of a lane to its front, and says how many there are. None if there is no answer.
fn select<V: Value>(lane: &mut [V], skip_nan: bool) -> Option<usize> {
    let mut known = 0;
    for at in 0..lane.len() {
        if lane.get(at).is_some_and(|value| !value.is_nan()) {
            lane.swap(known, at);
            known += 1;
        } else if !skip_nan {
            return None;
        }
    }
    (known > 0).then_some(known)
}

/// The place that is chosen.
fn place(at: f64, known: usize, how: Interpolation) -> usize {
    let place = at * (known - 1) as f64;
    let place = match how {
        Interpolation::Lower => place.floor(),
        Interpolation::Higher => place.ceil(),
        _ => place.round_ties_even(),
    };
    (place as usize).min(known - 1)
}

/// What lies between two values, with the rounding that NumPy has.
fn between<V: Value>(values: &mut [V], at: f64, how: Interpolation) -> f64 {
    let last = values.len() - 1;
    let exact = at * last as f64;
    let low = (exact.floor() as usize).min(last);
    let (_, lower, above) = values.select_nth_unstable_by(low, |a, b| ordered(*a, *b));
    let lower = lower.wide();
    let next = above.iter().copied().min_by(|a, b| ordered(*a, *b)).map_or(lower, Value::wide);
    let part = exact - exact.floor();
    let part = match how {
        Interpolation::Midpoint if part > 0.0 => 0.5,
        Interpolation::Mean if part == 0.0 => return lower,
        Interpolation::Mean => return (lower + next) * 0.5,
        _ => part,
    };
    let apart = next - lower;
    match part >= 0.5 {
        true => next - apart * (1.0 - part),
        false => lower + apart * part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::element::F32;

    fn of(values: &[f32], at: &[f64], how: Interpolation, skip: bool) -> Vec<f32> {
        let shape = Shape { outer: 1, length: values.len(), inner: 1 };
        match quantiles(&at.into(), how, skip, F32::slice(values), shape) {
            Block::F32(values) => values,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_lies_between_is_what_was_asked_for() {
        let values = [4.0, 1.0, 3.0, 2.0];
        let at = |how| of(&values, &[0.5], how, false)[0];
        assert_eq!(at(Interpolation::Linear), 2.5);
        assert_eq!(at(Interpolation::Lower), 2.0);
        assert_eq!(at(Interpolation::Higher), 3.0);
        assert_eq!(at(Interpolation::Nearest), 3.0);
        assert_eq!(of(&values, &[0.1, 0.0, 1.0], Interpolation::Midpoint, false), [1.5, 1.0, 4.0]);
    }

    #[test]
    fn what_is_no_number_is_the_answer_or_left_out() {
        let values = [4.0, f32::NAN, 2.0];
        assert!(of(&values, &[0.0], Interpolation::Lower, false)[0].is_nan());
        assert_eq!(of(&values, &[0.0, 0.5], Interpolation::Linear, true), [2.0, 3.0]);
        assert!(of(&[f32::NAN], &[0.5], Interpolation::Linear, true)[0].is_nan());
    }
}
