//! The verbs of the method-chain language: what arguments each takes, and how it is bound to the
//! engine's [`Frame`](strata_engine::Frame) verbs. A verb is one constant in its family's file and
//! one line in [`VERBS`].

mod arguments;
mod bind;
mod columns;
mod group;
mod join;
mod output;
mod reshape;
mod rows;
mod sets;
mod subqueries;
mod windows;

use datafusion::dataframe::DataFrame;
use futures::future::BoxFuture;
use strata_engine::Grouped;

pub(crate) use arguments::Arguments;
pub(crate) use arguments::normalized;
pub(crate) use bind::{bind, bind_source, is_missing, unknown_table};
pub(crate) use join::asof_spec;
pub(crate) use reshape::{distinct_values, finish_pivot};

use crate::error::{Error, Result};

/// How a verb's arguments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Expressions, each with `AS name` if wanted, and `*`.
    Items,
    /// Expressions with `ASC`, `DESC`, `NULLS FIRST`, `NULLS LAST`.
    Sorts,
    /// One of those, or several in parentheses.
    SortList,
    /// Other chains.
    Frames,
    /// Another chain, then expressions.
    FrameThenItems,
    /// Nothing.
    Nothing,
}

/// A verb: how it is written, what it does, and how it is bound.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) takes: Takes,
    /// Arguments given with `=>`. The name `*` stands for any, as for a column.
    pub(crate) named: &'static [(&'static str, Takes)],
    pub(crate) bind: Bind,
}

/// How a verb is bound: at once, or after asking the data (which values a pivoted column has).
pub(crate) enum Bind {
    Now(fn(Stage, &Arguments<'_>) -> Result<Stage>),
    Asking(for<'a> fn(Stage, &'a Arguments<'a>) -> BoxFuture<'a, Result<Stage>>),
}

impl std::fmt::Debug for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.signature)
    }
}

/// What a verb works on and leaves behind.
pub(crate) enum Stage {
    /// Rows.
    Frame(DataFrame),
    /// Groups, which wait for `agg` or `pivot`.
    Groups(Grouped),
}

impl Stage {
    /// The rows of a stage; groups are none yet.
    pub(crate) fn frame(self) -> Result<DataFrame> {
        match self {
            Self::Frame(frame) => Ok(frame),
            Self::Groups(_) => Err(Error::text("group_by(…) waits for what to compute")
                .hint("go on with .agg(…), as in .agg(count(*) AS n)")),
        }
    }
}

impl From<DataFrame> for Stage {
    fn from(frame: DataFrame) -> Self {
        Self::Frame(frame)
    }
}

/// Every verb.
static ALL: &[&Verb] = &[
    &columns::SELECT,
    &columns::WITH,
    &columns::DROP,
    &columns::RENAME,
    &columns::ALIAS,
    &rows::FILTER,
    &rows::SORT,
    &rows::HEAD,
    &rows::TAIL,
    &rows::LIMIT,
    &rows::SAMPLE,
    &rows::DISTINCT,
    &rows::FILL_NULL,
    &rows::DROP_NULL,
    &group::GROUP_BY,
    &group::AGG,
    &group::VALUE_COUNTS,
    &group::NUNIQUE,
    &group::COUNT,
    &group::DESCRIBE,
    &reshape::PIVOT,
    &reshape::UNPIVOT,
    &reshape::EXPLODE,
    &reshape::REPARTITION,
    &join::JOIN,
    &sets::UNION,
    &sets::INTERSECT,
    &sets::EXCEPT,
    &windows::WINDOW,
    &windows::ROLLING,
    &windows::RESAMPLE,
    &output::EXPLAIN,
    &output::SHOW,
    &output::WRITE,
];

/// Every verb's name, signature and description: for help, completion and documentation.
pub fn verbs() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ALL.iter().map(|verb| (verb.name, verb.signature, verb.doc))
}

pub(crate) fn find_verb(name: &str) -> Option<&'static Verb> {
    ALL.iter().copied().find(|verb| verb.name.eq_ignore_ascii_case(name))
}

pub(crate) fn verb_names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|verb| verb.name)
}
