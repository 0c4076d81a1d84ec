//! More places before and after what is there.

use super::shape::MOST_PLACES;
use super::{Array, Result, Scalar};
use crate::array::{ArrayError, Cuts, Grid};

/// What the new places have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pad {
    /// This number.
    Constant(Scalar),
    /// What is at the edge.
    Edge,
    /// What is there, seen in a mirror that stands on the edge: `3 2 [1 2 3]`.
    Reflect,
    /// What is there, seen in a mirror that stands beyond the edge: `2 1 [1 2 3]`.
    Symmetric,
    /// What is there, from the other end: `2 3 [1 2 3]`.
    Wrap,
}

impl Array {
    /// With so many places more before and after, along each dimension.
    pub fn pad(&self, widths: &[(u64, u64)], pad: Pad) -> Result<Self> {
        if widths.len() != self.ndim() {
            return Err(ArrayError::asked(format!(
                "{} widths for {} dimensions",
                widths.len(),
                self.ndim()
            )));
        }
        let mut padded = self.clone();
        for (axis, (before, after)) in widths.iter().enumerate().filter(|(_, w)| **w != (0, 0)) {
            padded = match pad {
                Pad::Constant(value) => padded.framed(axis, *before, *after, value)?,
                _ => padded.continued(axis, *before, *after, pad)?,
            };
        }
        Ok(padded)
    }

    /// With a number before and after.
    fn framed(&self, axis: usize, before: u64, after: u64, value: Scalar) -> Result<Self> {
        let beside = |width: u64| {
            let cuts = self.grid().0.iter().enumerate().map(|(at, cuts)| match at == axis {
                true => Cuts::even(width, width),
                false => cuts.clone(),
            });
            let grid = Grid(cuts.collect());
            let kind = self.kind();
            Self::filled_with(value.into_kind(kind), self.dtype(), grid)?
                .named(self.dims().to_vec())
        };
        let mut parts = Vec::with_capacity(3);
        if before > 0 {
            parts.push(beside(before)?);
        }
        parts.push(self.clone());
        if after > 0 {
            parts.push(beside(after)?);
        }
        Self::concatenate(&parts, axis)
    }

    /// With what is there before and after, in some order.
    fn continued(&self, axis: usize, before: u64, after: u64, pad: Pad) -> Result<Self> {
        let length = self.grid().0.get(axis).map_or(0, Cuts::length);
        let all = length.checked_add(before).and_then(|all| all.checked_add(after));
        let Some(all) = all.filter(|all| *all <= MOST_PLACES) else {
            return Err(ArrayError::asked(format!(
                "{before} and {after} places are too many to add to {length}"
            )));
        };
        if length == 0 {
            return Err(ArrayError::asked(format!(
                "an array of shape {:?} has nothing to go on with along axis {axis}",
                self.shape()
            )));
        }
        let length = length as i64;
        // A mirror on the edge shows the edge once.
        let period = match pad {
            Pad::Reflect => (2 * length - 2).max(1),
            Pad::Symmetric => 2 * length,
            _ => length,
        };
        let place = |at: u64| {
            let at = at as i64 - before as i64;
            let place = match pad {
                Pad::Edge | Pad::Constant(_) => at.clamp(0, length - 1),
                Pad::Wrap => at.rem_euclid(period),
                Pad::Reflect => {
                    let at = at.rem_euclid(period);
                    if at < length { at } else { period - at }
                }
                Pad::Symmetric => {
                    let at = at.rem_euclid(period);
                    if at < length { at } else { period - 1 - at }
                }
            };
            place.unsigned_abs()
        };
        self.take(axis, &(0..all).map(place).collect::<Vec<_>>())
    }
}
