//! Rules of arrays. Those that rewrite make of an expression another one that means the same and takes less,
//! before it becomes a plan; each is a file. The others are settled where an expression is lowered or run, and
//! say here what they are called. `array.without` leaves some out.

mod common_steps;
mod fold_numbers;
mod push_views;
mod rewrite;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::array::ArrayError;
use crate::lazy::{Array, Op, Step};

type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// What makes of an expression another one.
type Rewrite = fn(&Array) -> Result<Array>;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $rule:ident = $name:literal $(, $rewrite:path)?;)*) => {
        /// A rule of arrays, in the order in which they are applied.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ArrayRule {
            $($(#[doc = $doc])* $rule,)*
        }

        impl ArrayRule {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The name, as in `push_views`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// What it does.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$rule => concat!($($doc),*).trim_ascii(),)*
                }
            }

            /// How it rewrites an expression, if it does.
            fn rewrite(self) -> Option<Rewrite> {
                match self {
                    $(Self::$rule => rules!(@rewrite $($rewrite)?),)*
                }
            }
        }
    };
    (@rewrite $rewrite:path) => { Some($rewrite) };
    (@rewrite) => { None };
}

rules! {
    /// A part of a function of values is the function of parts; a part of a reduction reduces a part. So only what is shown is computed, and read.
    PushViews = "push_views", push_views::rewrite;
    /// What is computed of numbers alone is a number.
    FoldNumbers = "fold_numbers", fold_numbers::rewrite;
    /// What an expression says twice is computed once.
    CommonSteps = "common_steps", common_steps::rewrite;
    /// Several reductions of the same values along the same dimensions are made in one go.
    ReduceTogether = "reduce_together";
    /// What reductions come to is computed once, however many parts of an expression use it.
    ShareResults = "share_results";
    /// Functions of values at the same place are computed together, tile by tile, with nothing in between.
    FuseSteps = "fuse_steps";
    /// What many chunks want a little of is read once, cut and sent, in place of being read again for each.
    ExchangeReads = "exchange_reads";
    /// Tiny chunks that are brought to one are taken together.
    TakeNeighbours = "take_neighbours";
    /// Of what several passes read, some stays in memory from the first to the last.
    KeepChunks = "keep_chunks";
    /// A chunk that is brought to one is decoded and taken in piece by piece.
    ReadPieces = "read_pieces";
    /// Chunks whose values are known to settle a comparison, and to make no other difference, are not read.
    SettleChunks = "settle_chunks";
    /// What SQL says of the places along a dimension becomes a part of the arrays.
    SlicePlaces = "slice_places";
    /// Of cells that SQL asks for by their values, only those become rows.
    ChooseCells = "choose_cells";
    /// What SQL groups by places becomes a reduction of the arrays.
    AskArrays = "ask_arrays";
    /// What SQL joins few rows with, on what places have, is looked up: chunks without such places are not read.
    LookUpPlaces = "look_up_places";
}

/// Rules that are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Without(Vec<ArrayRule>);

impl Without {
    /// Whether a rule is in force.
    pub fn has(&self, rule: ArrayRule) -> bool {
        !self.0.contains(&rule)
    }

    /// The same without one more.
    pub(crate) fn and(&self, rule: ArrayRule) -> Self {
        Self(self.0.iter().copied().chain([rule]).collect())
    }
}

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|rule| rule.name()).collect();
        f.write_str(&names.join(", "))
    }
}

impl FromStr for Without {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let rule = |name: &str| {
            let mut all = ArrayRule::ALL.iter().copied();
            all.find(|rule| rule.name() == name).ok_or_else(|| {
                let all: Vec<&str> = ArrayRule::ALL.iter().map(|rule| rule.name()).collect();
                format!("there is no rule '{name}'; there are {}", all.join(", "))
            })
        };
        names.map(rule).collect::<std::result::Result<_, _>>().map(Self)
    }
}

/// An expression after the rules that rewrite.
pub(crate) fn rewritten(array: &Array, without: &Without) -> Result<Array> {
    let rules = ArrayRule::ALL.iter().filter(|rule| without.has(**rule));
    let rewrites = rules.filter_map(|rule| rule.rewrite());
    let made = rewrites.map(Ok).try_fold(array.clone(), |array, rewrite| rewrite?(&array))?;
    // Whoever asked counts on its chunks and names.
    match made.form() == array.form() {
        true => Ok(made),
        false => Array::new(Op::Step(Step::Rechunk), vec![made], array.form().clone()),
    }
}
