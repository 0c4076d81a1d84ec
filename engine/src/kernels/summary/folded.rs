//! What chunks are brought to: one value for each cell, or several; or several such things at once.

use serde::{Deserialize, Serialize};

use super::grouped::{Grouped, Groups};
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
    /// One value of each group.
    Grouped(Grouped),
    /// All of these, of the same values.
    Together(Vec<Becomes>),
}

impl Becomes {
    /// The name, as in `mean`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::One { reduce, .. } => reduce.name().to_string(),
            Self::Several(summary) => summary.name().to_string(),
            Self::Grouped(grouped) => {
                format!("{} of {} groups", grouped.reduce.name(), grouped.groups)
            }
            Self::Together(all) => all.iter().map(Self::name).collect::<Vec<_>>().join(" and "),
        }
    }

    /// How many results there are.
    pub(crate) fn results(&self) -> usize {
        match self {
            Self::One { .. } | Self::Several(_) | Self::Grouped(_) => 1,
            Self::Together(all) => all.iter().map(Self::results).sum(),
        }
    }

    /// Fails if nothing can become of values of a kind.
    pub(crate) fn check(&self, kind: Kind) -> Result<(), String> {
        match self {
            Self::One { .. } => Ok(()),
            Self::Several(summary) => summary.result(kind).map(|_| ()),
            Self::Grouped(grouped) => grouped.result(kind).map(|_| ()),
            Self::Together(all) => all.iter().try_for_each(|one| match one {
                Self::Together(_) => Err("several things at once, within several".to_string()),
                one => one.check(kind),
            }),
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
            Self::Grouped(grouped) => {
                Folded::Grouped(Groups::new(grouped, kind, shape, reduced, origin, strides))
            }
            Self::Together(all) => Folded::Together(
                all.iter().map(|one| one.begin(kind, shape, reduced, origin, strides)).collect(),
            ),
        }
    }

    /// What the parts of a state are.
    pub(crate) fn parts(&self, kind: Kind) -> Vec<Kind> {
        match self {
            Self::One { .. } => {
                let state = self.begin(kind, &[], &[], &[], &[]).to_state();
                state.iter().map(Block::kind).collect()
            }
            Self::Several(summary) => summary.parts(kind),
            Self::Grouped(grouped) => grouped.parts(kind),
            Self::Together(all) => all.iter().flat_map(|one| one.parts(kind)).collect(),
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
            Self::Grouped(grouped) => Groups::from_state(grouped, kind, parts).map(Folded::Grouped),
            Self::Together(all) => {
                let mut parts = parts.into_iter();
                let read = all.iter().map(|one| {
                    let own = parts.by_ref().take(one.parts(kind).len());
                    one.read(kind, own.collect())
                });
                read.collect::<Result<_, _>>().map(Folded::Together)
            }
        }
    }

    /// The bytes that so many values take where each of them may be kept.
    pub(crate) fn keeps(&self, kind: Kind, values: usize) -> usize {
        match self {
            Self::Several(Summary::Distinct) => values.saturating_mul(2 * (kind.width() + 8)),
            Self::Together(all) => all.iter().map(|one| one.keeps(kind, values)).sum(),
            _ => 0,
        }
    }

    /// The bytes that the state of so many cells takes.
    pub(crate) fn bytes(&self, kind: Kind, cells: usize) -> usize {
        match self {
            Self::One { reduce, skip_nan } => Accumulator::bytes(*reduce, *skip_nan, kind, cells),
            Self::Several(summary) => summary.bytes(kind, cells),
            Self::Grouped(grouped) => grouped.bytes(kind, cells),
            Self::Together(all) => {
                all.iter().fold(0, |bytes, one| bytes.saturating_add(one.bytes(kind, cells)))
            }
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
    /// One value of each group.
    Grouped(Groups),
    /// Several such things.
    Together(Vec<Folded>),
}

impl Folded {
    /// Takes in the values that lie at a flattened position of the box and behind it.
    pub(crate) fn update(&mut self, values: Slice<'_>, at: usize) {
        match self {
            Self::One(state) => state.update(values, at),
            Self::Several(state) => state.update(values, at),
            Self::Grouped(state) => state.update(values, at),
            Self::Together(all) => all.iter_mut().for_each(|one| one.update(values, at)),
        }
    }

    /// Takes in what another one, of the same kept dimensions, took in.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        match (self, other) {
            (Self::One(state), Self::One(other)) => state.merge(other),
            (Self::Several(state), Self::Several(other)) => state.merge(other),
            (Self::Grouped(state), Self::Grouped(other)) => state.merge(other),
            (Self::Together(all), Self::Together(others)) if all.len() == others.len() => {
                all.iter_mut().zip(others).try_for_each(|(one, other)| one.merge(other))
            }
            _ => Err("states of different things are merged".to_string()),
        }
    }

    /// The results, each cell by cell.
    pub(crate) fn finish(self) -> Result<Vec<Block>, String> {
        match self {
            Self::One(state) => state.finish().map(|block| vec![block]),
            Self::Several(state) => state.finish().map(|block| vec![block]),
            Self::Grouped(state) => state.finish().map(|block| vec![block]),
            Self::Together(all) => {
                let finished = all.into_iter().map(Self::finish).collect::<Result<Vec<_>, _>>()?;
                Ok(finished.into_iter().flatten().collect())
            }
        }
    }

    /// All there is to know, to be sent elsewhere.
    pub(crate) fn to_state(&self) -> Vec<Block> {
        match self {
            Self::One(state) => state.to_state(),
            Self::Several(state) => state.to_state(),
            Self::Grouped(state) => state.to_state(),
            Self::Together(all) => all.iter().flat_map(Self::to_state).collect(),
        }
    }

    /// The bytes it takes beyond what was known before.
    pub(crate) fn grown(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Grouped(state) => state.grown(),
            Self::Several(state) => state.grown(),
            Self::Together(all) => all.iter().map(Self::grown).sum(),
        }
    }
}
