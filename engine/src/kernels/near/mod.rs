//! What is made of each value and those around it. A box that is made of a wider one: how much wider is told with
//! it, before and after along each dimension. At the edges of an array that is not continued there may be less.

mod convolve;
mod deconvolve;
mod gradient;
mod median;
mod moving;
mod weigh;

use serde::{Deserialize, Serialize};

pub use moving::Moving;

use super::floats::Floats;
use super::{Block, Slice};
use crate::array::{Kind, cells};

/// What is made of neighbourhoods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Near {
    /// The sum of the values along a dimension, each times its weight.
    Weigh { axis: usize, weights: Floats },
    /// The sum of all values, each times its weight, which are the second input: in the order of a convolution.
    Convolve,
    /// The value in the middle of their order.
    Median,
    /// What comes of a window along a dimension, if it has at least so many numbers.
    Moving { of: Moving, axis: usize, least: u64 },
    /// How fast values change along a dimension whose places are so far apart.
    Gradient { axis: usize, spacing: Floats },
    /// What was there before it was blurred by the second input, after so many steps.
    Deconvolve { steps: u32 },
}

/// How much wider a box is before and after, along each dimension.
pub(crate) type Margins = [(usize, usize)];

/// Values, and how they lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lies<'a> {
    pub(crate) values: Slice<'a>,
    pub(crate) shape: &'a [usize],
}

impl Near {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Weigh { .. } => "weigh",
            Self::Convolve => "convolve",
            Self::Median => "median_filter",
            Self::Moving { of, .. } => of.name(),
            Self::Gradient { .. } => "gradient",
            Self::Deconvolve { .. } => "richardson_lucy",
        }
    }

    /// Whether it depends on which values are looked at together: then that is always a chunk.
    pub(crate) fn is_of_chunks(&self) -> bool {
        matches!(self, Self::Deconvolve { .. })
    }

    /// Whether there is a second input, which it takes whole.
    pub(crate) fn takes_another(&self) -> bool {
        matches!(self, Self::Convolve | Self::Deconvolve { .. })
    }

    /// What comes of values of a kind.
    pub(crate) fn result(&self, kind: Kind) -> Result<Kind, String> {
        match (self, kind) {
            (Self::Median, kind) if kind != Kind::Bool => Ok(kind),
            (_, Kind::F32 | Kind::F64) => Ok(kind),
            (_, other) => Err(format!("{} of {other}: cast them to f64", self.name())),
        }
    }

    /// Whether it can look so far around, at arrays of so many dimensions; `other` is the shape of the second input.
    pub(crate) fn fits(&self, depths: &[(u64, u64)], padded: bool, other: Option<&[u64]>) -> bool {
        let only_along = |axis: usize| {
            let others = depths.iter().enumerate().filter(|(at, _)| *at != axis);
            axis < depths.len() && others.map(|(_, depth)| depth).all(|depth| *depth == (0, 0))
        };
        let window = |axis: usize| {
            depths.get(axis).map(|(before, after)| before.saturating_add(*after).saturating_add(1))
        };
        let some = |other: &[u64]| {
            other.len() == depths.len() && cells(other).is_some_and(|cells| cells > 0)
        };
        // What is told of edges is told by them alone.
        if padded == matches!(self, Self::Gradient { .. }) {
            return false;
        }
        match (self, other) {
            (Self::Weigh { axis, weights }, None) => {
                only_along(*axis) && window(*axis) == Some(weights.0.len() as u64)
            }
            (Self::Moving { axis, least, .. }, None) => only_along(*axis) && *least > 0,
            (Self::Gradient { axis, spacing }, None) => {
                only_along(*axis)
                    && depths.get(*axis) == Some(&(1, 1))
                    && matches!(spacing.0[..], [spacing] if spacing != 0.0)
            }
            (Self::Median, None) => depths.iter().all(|depth| *depth <= (MOST, MOST)),
            (Self::Convolve, Some(other)) => {
                let around = |length: &u64| ((length.max(&1) - 1) / 2, length / 2);
                some(other) && other.iter().map(around).eq(depths.iter().copied())
            }
            (Self::Deconvolve { steps }, Some(other)) => some(other) && *steps > 0,
            _ => false,
        }
    }

    /// The bytes that it takes beside a wider box of this shape and what comes of it.
    pub(crate) fn beside(&self, shape: &[u64], kind: Kind, depths: &[(u64, u64)]) -> u64 {
        let width = kind.width() as u64;
        match self {
            Self::Convolve => convolve::beside(shape, depths).saturating_mul(width),
            Self::Deconvolve { .. } => deconvolve::beside(shape).saturating_mul(width),
            Self::Moving { axis, .. } => {
                let length = shape.get(*axis).copied().unwrap_or(0);
                length.saturating_mul(moving::A_VALUE)
            }
            _ => 0,
        }
    }

    /// What comes of a box.
    pub(crate) fn run(
        &self,
        of: Lies<'_>,
        margins: &Margins,
        other: Option<Lies<'_>>,
    ) -> Result<Block, String> {
        let kind = of.values.kind();
        let unfit = || format!("{} of {kind}", self.name());
        macro_rules! floats {
            (|$values:ident, $other:ident| $made:expr) => {
                match (of.values, other.map(|other| other.values)) {
                    (Slice::F32($values), Some(Slice::F32($other))) => $made.map(Block::F32),
                    (Slice::F64($values), Some(Slice::F64($other))) => $made.map(Block::F64),
                    _ => Err(unfit()),
                }
            };
            (|$values:ident| $made:expr) => {
                match of.values {
                    Slice::F32($values) => Ok(Block::F32($made)),
                    Slice::F64($values) => Ok(Block::F64($made)),
                    _ => Err(unfit()),
                }
            };
        }
        let beside = other.map_or(&[][..], |other| other.shape);
        match self {
            Self::Weigh { axis, weights } => {
                floats!(|values| weigh::weigh(values, of.shape, *axis, &weights.0))
            }
            Self::Convolve => {
                floats!(|values, other| convolve::convolve((values, of.shape), (other, beside)))
            }
            Self::Median => Ok(median::median(of.values, of.shape, margins)),
            Self::Moving { of: what, axis, least } => {
                let window = margins.get(*axis).map_or(1, |(before, after)| before + after + 1);
                floats!(|values| moving::moving(values, of.shape, *axis, *what, window, *least))
            }
            Self::Gradient { axis, spacing } => {
                let spacing = spacing.0.first().copied().unwrap_or(1.0);
                floats!(|values| gradient::gradient(values, of.shape, *axis, margins, spacing))
            }
            Self::Deconvolve { steps } => {
                floats!(|values, other| deconvolve::deconvolve(
                    (values, of.shape),
                    margins,
                    (other, beside),
                    *steps
                ))
            }
        }
    }
}

/// Nobody looks further along one dimension in several.
const MOST: u64 = 1 << 12;

/// The shape of what a wider box becomes.
fn core(shape: &[usize], margins: &Margins) -> Vec<usize> {
    let both = shape.iter().zip(margins);
    both.map(|(length, (before, after))| length.saturating_sub(before + after)).collect()
}

/// How far apart neighbours along each dimension are.
fn apart(shape: &[usize]) -> Vec<usize> {
    let mut apart = vec![1; shape.len()];
    let mut all = 1;
    for (apart, length) in apart.iter_mut().zip(shape).rev() {
        *apart = all;
        all *= length;
    }
    apart
}

/// Calls for each row of a box with the numbers of its first values here and, moved by `by`, in a wider box.
fn each_row(
    shape: &[usize],
    wider: &[usize],
    by: impl Fn(usize) -> usize,
    mut each: impl FnMut(usize, usize),
) {
    let Some((row, leading)) = shape.split_last() else { return each(0, 0) };
    let strides = apart(wider);
    let rows: usize = leading.iter().product();
    let mut first: usize =
        strides.iter().enumerate().map(|(at, stride)| by(at).saturating_mul(*stride)).sum();
    let mut place = vec![0; leading.len()];
    for number in 0..rows {
        each(number * row, first);
        for ((at, length), stride) in place.iter_mut().zip(leading).zip(&strides).rev() {
            *at += 1;
            first += stride;
            if *at < *length {
                break;
            }
            first -= *at * stride;
            *at = 0;
        }
    }
}
