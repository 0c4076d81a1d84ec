//! What chunks are brought to: one value for each cell, or several.

use serde::{Deserialize, Serialize};

use super::{Gathered, Summary};
use crate::array::Kind;
use crate::kernels::{Accumulator, Block, Reduce, Slice};

/// What is to become of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Becomes {
    /// One value.
    One {
        /// Which.
        reduce: Reduce,
        /// Whether what is not a number is left out.
        skip_nan: bool,
    },
    /// Several.
    Several(Summary),
}

impl Becomes {
    /// The name, as in `mean`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::One { reduce, .. } => reduce.name(),
            Self::Several(summary) => summary.name(),
        }
    }

    /// Fails if nothing can become of values of a kind.
    pub(crate) fn check(&self, kind: Kind) -> Result<(), String> {
        match self {
            Self::One { .. } => Ok(()),
            Self::Several(summary) => summary.result(kind).map(|_| ()),
        }
    }

    /// Nothing yet of a box of that shape; the rest is as for [`Accumulator`].
    pub(crate) fn begin(
        &self,
        kind: Kind,
        shape: &[usize],
        reduced: &[bool],
        origin: &[i64],
        strides: &[i64],
    ) -> Folded {
        match self {
            Self::One { reduce, skip_nan } => Folded::One(Accumulator::new(
                *reduce, *skip_nan, kind, shape, reduced, origin, strides,
            )),
            Self::Several(summary) => {
                Folded::Several(Gathered::new(summary, kind, shape, reduced, origin, strides))
            }
        }
    }

    /// What the parts of a state are.
    pub(crate) fn parts(&self, kind: Kind) -> Vec<Kind> {
        match self {
            Self::One { .. } => {
                let state = match self.begin(kind, &[], &[], &[], &[]) {
                    Folded::One(state) => state.to_state(),
                    Folded::Several(_) => Vec::new(),
                };
                state.iter().map(Block::kind).collect()
            }
            Self::Several(summary) => summary.parts(kind),
        }
    }

    /// What was sent, to be merged and finished.
    pub(crate) fn read(&self, kind: Kind, parts: Vec<Block>) -> Result<Folded, String> {
        match self {
            Self::One { reduce, skip_nan } => {
                Accumulator::from_state(*reduce, *skip_nan, kind, parts).map(Folded::One)
            }
            Self::Several(summary) => {
                Gathered::from_state(summary, kind, parts).map(Folded::Several)
            }
        }
    }

    /// The bytes that so many values take where each of them may be kept.
    pub(crate) fn keeps(&self, kind: Kind, values: usize) -> usize {
        match self {
            Self::Several(Summary::Distinct) => values.saturating_mul(2 * (kind.width() + 8)),
            _ => 0,
        }
    }

    /// The bytes that the state of so many cells takes.
    pub(crate) fn bytes(&self, kind: Kind, cells: usize) -> usize {
        match self {
            Self::One { reduce, .. } => Accumulator::bytes(*reduce, kind, cells),
            Self::Several(summary) => summary.bytes(kind, cells),
        }
    }
}

/// What the values of a box have become so far.
#[derive(Debug)]
pub(crate) enum Folded {
    /// One value for each cell.
    One(Accumulator),
    /// Several.
    Several(Gathered),
}

impl Folded {
    /// Takes in the values that lie at a flattened position of the box and behind it.
    pub(crate) fn update(&mut self, values: Slice<'_>, at: usize) {
        match self {
            Self::One(state) => state.update(values, at),
            Self::Several(state) => state.update(values, at),
        }
    }

    /// Takes in what another one, of the same kept dimensions, took in.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        match (self, other) {
            (Self::One(state), Self::One(other)) => state.merge(other),
            (Self::Several(state), Self::Several(other)) => state.merge(other),
            _ => Err("states of different things are merged".to_string()),
        }
    }

    /// The results, cell by cell.
    pub(crate) fn finish(self) -> Result<Block, String> {
        match self {
            Self::One(state) => state.finish(),
            Self::Several(state) => state.finish(),
        }
    }

    /// All there is to know, to be sent elsewhere.
    pub(crate) fn to_state(&self) -> Vec<Block> {
        match self {
            Self::One(state) => state.to_state(),
            Self::Several(state) => state.to_state(),
        }
    }

    /// The bytes it takes beyond what was known before.
    pub(crate) fn grown(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Several(state) => state.grown(),
        }
    }
}
