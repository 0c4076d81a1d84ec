//! Verbs that end a chain: to look at it, to explain it, to write it.

use std::collections::HashMap;

use datafusion::dataframe::DataFrame;
use datafusion::datasource::file_format::format_as_file_type;
use datafusion::logical_expr::LogicalPlanBuilder;

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::Result;
use crate::statements::file_format_of;

pub(super) static EXPLAIN: Verb = Verb {
    name: "explain",
    signature: "explain([analyze => true] [, verbose => true])",
    doc: "How the chain is run; with analyze it is run, and measured.",
    takes: Takes::Nothing,
    named: &[("analyze", Takes::Items), ("verbose", Takes::Items)],
    bind: Bind::Now(|stage, arguments| {
        let analyze = is_true(arguments, "analyze")?;
        let verbose = is_true(arguments, "verbose")?;
        Ok(stage.frame()?.explain(verbose, analyze)?.into())
    }),
};

fn is_true(arguments: &Arguments<'_>, name: &str) -> Result<bool> {
    Ok(matches!(
        arguments.named_literal(name)?,
        Some(datafusion::scalar::ScalarValue::Boolean(Some(true)))
    ))
}

pub(super) static SHOW: Verb = Verb {
    name: "show",
    signature: "show([rows])",
    doc: "The first rows: 20, or as many as asked for.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let rows = arguments.integer(0)?.unwrap_or(20);
        Ok(stage.frame()?.limit(0, Some(rows))?.into())
    }),
};

pub(super) static WRITE: Verb = Verb {
    name: "write",
    signature: "write('path' [, format => word] [, partition_by => (…)] [, compression => word] [, overwrite => true] [, append => true])",
    doc: "Writes the rows to a file or folder: all of them, or nothing appears.",
    takes: Takes::Items,
    named: &[
        ("format", Takes::Items),
        ("partition_by", Takes::SortList),
        ("compression", Takes::Items),
        ("overwrite", Takes::Items),
        ("append", Takes::Items),
    ],
    bind: Bind::Now(write),
};

fn write(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let frame = stage.frame()?;
    let target = match arguments.literal(0)? {
        Some(value) => match value.try_as_str() {
            Some(Some(path)) => path.to_string(),
            _ => return Err(arguments.missing("the path is a text in quotes")),
        },
        None => return Err(arguments.missing("write where?")),
    };
    let partition_by = arguments
        .named_expressions("partition_by", frame.schema())?
        .into_iter()
        .map(|expr| match expr {
            datafusion::logical_expr::Expr::Column(column) => Ok(column.name),
            other => Err(arguments.missing(&format!("'{other}' is not a column"))),
        })
        .collect::<Result<Vec<_>>>()?;
    let mut options = HashMap::new();
    if let Some(compression) = arguments.named_word("compression")? {
        options.insert("format.compression".to_string(), compression);
    }
    for switch in ["overwrite", "append"] {
        if is_true(arguments, switch)? {
            options.insert(switch.to_string(), "true".to_string());
        }
    }
    let format = match arguments.named_word("format")? {
        Some(format) => format,
        None => file_format_of(&target, !partition_by.is_empty())?,
    };
    let (state, plan) = frame.into_parts();
    let Some(factory) = state.get_file_format_factory(&format.to_lowercase()) else {
        return Err(arguments.missing(&format!("there is no file format '{format}'")));
    };
    let copy = LogicalPlanBuilder::copy_to(
        plan,
        target,
        format_as_file_type(factory),
        options,
        partition_by,
    )?
    .build()?;
    Ok(DataFrame::new(state, copy).into())
}
