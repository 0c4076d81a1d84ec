//! What is made of lanes: the values along one dimension, from its first to its last. A box of values is
//! seen as `outer × length × inner`; a lane runs through the middle.

mod order;
mod quantile;
mod scan;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

pub use quantile::Interpolation;
pub(crate) use quantile::fractions;
pub use scan::Scan;
pub(crate) use scan::{scan, totals};

use super::element::Value;
use super::floats::Floats;
use super::{Block, Slice};
use crate::array::Kind;

/// What whole lanes become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lanes {
    /// What comes before each value.
    Before(Scan),
    /// What lies at these fractions of the values in order.
    Quantiles {
        /// The fractions.
        at: Floats,
        /// What is taken between two values.
        how: Interpolation,
        /// Whether what is not a number is left out.
        skip_nan: bool,
    },
    /// The values in order.
    Sort,
    /// Where the values are, in order.
    ArgSort,
}

impl Lanes {
    /// How long what comes of a lane of this length is.
    pub(crate) fn length(&self, length: u64) -> u64 {
        match self {
            Self::Before(_) | Self::Sort | Self::ArgSort => length,
            Self::Quantiles { at, .. } => at.0.len() as u64,
        }
    }

    /// What comes of values of a kind, or why nothing does.
    pub(crate) fn result(&self, kind: Kind) -> Result<Kind, String> {
        match self {
            Self::Before(scan) if scan.carried(kind) == kind => Ok(kind),
            Self::Before(_) => Err(format!("{kind} are not carried")),
            Self::Quantiles { at, how, .. } => fractions(at).and_then(|()| how.result(kind)),
            Self::Sort => Ok(kind),
            Self::ArgSort => Ok(Kind::I64),
        }
    }
}

/// What comes of the lanes of a box.
pub(crate) fn along(lanes: &Lanes, values: Slice<'_>, shape: Shape) -> Block {
    match lanes {
        Lanes::Before(scan) => scan::before(*scan, values, shape),
        Lanes::Quantiles { at, how, skip_nan } => {
            quantile::quantiles(at, *how, *skip_nan, values, shape)
        }
        Lanes::Sort => order::sort(values, shape),
        Lanes::ArgSort => order::argsort(values, shape),
    }
}

/// The smaller first; what is not a number after all that are.
#[inline]
pub(crate) fn ordered<V: Value>(a: V, b: V) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// So many lanes that do not lie side by side are collected at once.
const TOGETHER: usize = 16;

/// Makes `made` values of every lane, of a copy of it.
pub(super) fn each_lane<V: Copy + Default, W: Copy + Default>(
    values: &[V],
    shape: Shape,
    made: usize,
    mut make: impl FnMut(&mut [V], &mut [W]),
) -> Vec<W> {
    let Shape { outer, length, inner } = shape;
    let mut all = vec![W::default(); outer * made * inner];
    let together = inner.clamp(1, TOGETHER);
    let mut lanes = vec![V::default(); length * together];
    let mut results = vec![W::default(); made * together];
    for box_of in 0..outer {
        let own = values.get(box_of * length * inner..).unwrap_or_default();
        let into = all.get_mut(box_of * made * inner..).unwrap_or_default();
        for first in (0..inner).step_by(together) {
            let count = together.min(inner - first);
            for (at, row) in own.chunks_exact(inner).take(length).enumerate() {
                for (lane, value) in row.iter().skip(first).take(count).enumerate() {
                    if let Some(to) = lanes.get_mut(lane * length + at) {
                        *to = *value;
                    }
                }
            }
            for lane in 0..count {
                let from = lanes.get_mut(lane * length..(lane + 1) * length);
                let to = results.get_mut(lane * made..(lane + 1) * made);
                if let (Some(from), Some(to)) = (from, to) {
                    make(from, to);
                }
            }
            for (at, row) in into.chunks_exact_mut(inner).take(made).enumerate() {
                for (lane, to) in row.iter_mut().skip(first).take(count).enumerate() {
                    *to = results.get(lane * made + at).copied().unwrap_or_default();
                }
            }
        }
    }
    all
}

/// How the values of a box lie around some neighbouring dimensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Boxes before them.
    pub(crate) outer: usize,
    /// How long they are together.
    pub(crate) length: usize,
    /// From one value of a lane to the next.
    pub(crate) inner: usize,
}

impl Shape {
    /// A box of this shape, along so many dimensions from `axis` on.
    pub(crate) fn along(shape: &[u64], axis: usize, many: usize) -> Self {
        let cells =
            |part: Option<&[u64]>| part.unwrap_or_default().iter().product::<u64>() as usize;
        Self {
            outer: cells(shape.get(..axis)),
            length: cells(shape.get(axis..axis + many)),
            inner: cells(shape.get(axis + many..)),
        }
    }
}
