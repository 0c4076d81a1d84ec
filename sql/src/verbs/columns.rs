//! Verbs that choose, add, rename and leave out columns.

use strata_engine::Frame;

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::Result;

pub(super) static SELECT: Verb = Verb {
    name: "select",
    signature: "select(expression [AS name], …)",
    doc: "Chooses and computes columns; * and * EXCLUDE (…) stand for all there are.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let list = arguments.select_list(frame.schema())?;
        if list.is_empty() {
            return Err(arguments.missing("no columns are named"));
        }
        Ok(frame.select(list)?.into())
    }),
};

pub(super) static WITH: Verb = Verb {
    name: "with",
    signature: "with(expression AS name, …)",
    doc: "Adds columns, or replaces those of the same name where they stand.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let columns = arguments.expressions(frame.schema())?;
        Ok(frame.with(columns)?.into())
    }),
};

pub(super) static DROP: Verb = Verb {
    name: "drop",
    signature: "drop(column, …)",
    doc: "Leaves columns out.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| Ok(stage.frame()?.without(&arguments.names()?)?.into())),
};

pub(super) static RENAME: Verb = Verb {
    name: "rename",
    signature: "rename(old AS new, …)",
    doc: "Gives columns new names.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let names = arguments
            .renamed()?
            .into_iter()
            .map(|(old, new)| match new {
                Some(new) => Ok((old, new)),
                None => Err(arguments.missing(&format!("'{old}' has no new name"))),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(stage.frame()?.rename(&names)?.into())
    }),
};

pub(super) static ALIAS: Verb = Verb {
    name: "alias",
    signature: "alias(name)",
    doc: "Names the rows as a table, so that a join can tell its sides apart: name.column.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(alias),
};

fn alias(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    match arguments.names()?.as_slice() {
        [name] => Ok(stage.frame()?.alias(name)?.into()),
        _ => Err(arguments.missing("one name is wanted")),
    }
}
