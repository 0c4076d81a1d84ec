//! Many values become one: sums, means, extremes and the like over some dimensions of a box. A box is
//! taken in run by run, in any order; what came of two boxes is merged, here or in another process.
//!
//! Every result has a cell, and the state of the cells lies in columns of plain values: the running sums
//! of all cells, say, and how many values they are of. That is what is sent when partial results travel.
//!
//! ```text
//!   shape 3 x 4, second dimension reduced          first dimension reduced
//!
//!     v v v v  -> cell 0                             v v v v
//!     v v v v  -> cell 1      (runs go along         v v v v     (runs go across
//!     v v v v  -> cell 2       into one cell)        v v v v      neighbouring cells)
//!                                                    cells 0 1 2 3
//! ```

mod accumulator;
mod count;
mod extreme;
mod finish;
mod fold;
mod layout;
mod place;
mod product;
mod sum;
mod truth;
mod variance;

use serde::{Deserialize, Serialize};

pub(crate) use self::accumulator::Accumulator;
pub(super) use self::layout::Layout;
use crate::array::Kind;

/// What many values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// Integers wrap at 64 bits. Floats are added up with more digits than they have.
    Sum,
    /// Integers wrap at 64 bits.
    Prod,
    /// The sum divided by how many there are.
    Mean,
    /// The mean of the squared distances from the mean.
    Var {
        /// How many fewer than there are values the sum of squares is divided by.
        ddof: u32,
    },
    /// The root of the variance.
    Std {
        /// How many fewer than there are values the sum of squares is divided by.
        ddof: u32,
    },
    /// What is not a number is smaller and greater than all.
    Min,
    /// What is not a number is smaller and greater than all.
    Max,
    /// Where the smallest is; the first of several.
    ArgMin,
    /// Where the greatest is; the first of several.
    ArgMax,
    /// Whether one is true.
    Any,
    /// Whether none is false.
    All,
    /// How many are numbers.
    Count,
}

impl Reduce {
    /// The name, as in `argmin`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Prod => "prod",
            Self::Mean => "mean",
            Self::Var { .. } => "var",
            Self::Std { .. } => "std",
            Self::Min => "min",
            Self::Max => "max",
            Self::ArgMin => "argmin",
            Self::ArgMax => "argmax",
            Self::Any => "any",
            Self::All => "all",
            Self::Count => "count",
        }
    }

    /// What the result is for values of a kind, as NumPy has it.
    pub fn result(self, kind: Kind) -> Kind {
        match self {
            Self::Sum | Self::Prod => match kind {
                Kind::F32 | Kind::F64 => kind,
                _ if kind.is_unsigned() => Kind::U64,
                _ => Kind::I64,
            },
            Self::Mean | Self::Var { .. } | Self::Std { .. } => {
                if kind == Kind::F32 {
                    Kind::F32
                } else {
                    Kind::F64
                }
            }
            Self::Min | Self::Max => kind,
            Self::ArgMin | Self::ArgMax | Self::Count => Kind::I64,
            Self::Any | Self::All => Kind::Bool,
        }
    }

    /// Whether it matters where values lie.
    fn is_place(self) -> bool {
        matches!(self, Self::ArgMin | Self::ArgMax)
    }
}

#[cfg(test)]
mod tests;
