//! Verbs that compute over groups of rows.

use datafusion::functions_aggregate::count::count_all;
use strata_engine::Frame;

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::{Error, Result};

pub(super) static GROUP_BY: Verb = Verb {
    name: "group_by",
    signature: "group_by(expression [AS name], …)",
    doc: "Groups the rows; agg or pivot says what to compute.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let keys = arguments.expressions(frame.schema())?;
        Ok(Stage::Groups(frame.group_by(keys)))
    }),
};

pub(super) static AGG: Verb = Verb {
    name: "agg",
    signature: "agg(aggregate [AS name], …)",
    doc: "Computes aggregates for each group, or over all rows where nothing is grouped.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(agg),
};

fn agg(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let groups = match stage {
        Stage::Groups(groups) => groups,
        Stage::Frame(frame) => frame.group_by(Vec::new()),
    };
    let aggregates = arguments.expressions(groups.frame().schema())?;
    if aggregates.is_empty() {
        return Err(arguments.missing("no aggregate is given"));
    }
    groups.agg(aggregates).map(Stage::from).map_err(Error::from)
}

pub(super) static VALUE_COUNTS: Verb = Verb {
    name: "value_counts",
    signature: "value_counts([expression, …])",
    doc: "How often each combination of values occurs, the most frequent first.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let keys = arguments.expressions(frame.schema())?;
        Ok(frame.value_counts(keys)?.into())
    }),
};

pub(super) static NUNIQUE: Verb = Verb {
    name: "nunique",
    signature: "nunique([expression, …])",
    doc: "The number of distinct values in each column.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let columns = arguments.expressions(frame.schema())?;
        Ok(frame.nunique(columns)?.into())
    }),
};

pub(super) static COUNT: Verb = Verb {
    name: "count",
    signature: "count()",
    doc: "The number of rows, as one row.",
    takes: Takes::Nothing,
    named: &[],
    bind: Bind::Now(|stage, _| {
        let groups = match stage {
            Stage::Groups(groups) => groups,
            Stage::Frame(frame) => frame.group_by(Vec::new()),
        };
        Ok(groups.agg(vec![count_all().alias("count")])?.into())
    }),
};

pub(super) static DESCRIBE: Verb = Verb {
    name: "describe",
    signature: "describe()",
    doc: "One row for each column: its type, range, distinct values, mean, quartiles and NULLs.",
    takes: Takes::Nothing,
    named: &[],
    bind: Bind::Now(|stage, _| Ok(stage.frame()?.summarize()?.into())),
};
