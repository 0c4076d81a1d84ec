//! Verbs that put chains of the same columns together.

use datafusion::dataframe::DataFrame;

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::Result;

/// Applies a verb of two frames to each argument in turn.
fn with_each(
    stage: Stage,
    arguments: &Arguments<'_>,
    apply: fn(DataFrame, DataFrame) -> datafusion::error::Result<DataFrame>,
) -> Result<Stage> {
    if arguments.frames().is_empty() {
        return Err(arguments.missing("with what?"));
    }
    let mut frame = stage.frame()?;
    for other in arguments.frames() {
        frame = apply(frame, other.clone())?;
    }
    Ok(frame.into())
}

fn by_name(arguments: &Arguments<'_>) -> Result<bool> {
    Ok(matches!(
        arguments.named_literal("by_name")?,
        Some(datafusion::scalar::ScalarValue::Boolean(Some(true)))
    ))
}

pub(super) static UNION: Verb = Verb {
    name: "union",
    signature: "union(other, … [, by_name => true])",
    doc: "The rows of all, duplicates kept; .distinct() leaves them out.",
    takes: Takes::Frames,
    named: &[("by_name", Takes::Items)],
    bind: Bind::Now(|stage, arguments| {
        let apply = if by_name(arguments)? { DataFrame::union_by_name } else { DataFrame::union };
        with_each(stage, arguments, apply)
    }),
};

pub(super) static INTERSECT: Verb = Verb {
    name: "intersect",
    signature: "intersect(other, …)",
    doc: "The rows that are in all, each once.",
    takes: Takes::Frames,
    named: &[],
    bind: Bind::Now(|stage, arguments| with_each(stage, arguments, DataFrame::intersect_distinct)),
};

pub(super) static EXCEPT: Verb = Verb {
    name: "except",
    signature: "except(other, …)",
    doc: "The rows that are in none of the others, each once.",
    takes: Takes::Frames,
    named: &[],
    bind: Bind::Now(|stage, arguments| with_each(stage, arguments, DataFrame::except_distinct)),
};
