//! Verbs that turn rows into columns, columns into rows, and lists into rows.

use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Partitioning};
use datafusion::scalar::ScalarValue;
use futures::FutureExt;
use futures::future::BoxFuture;
use strata_engine::{Frame, Grouped, PivotColumn, Unpivot};

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::{Error, Result};

/// More columns than this come from pivoting something that is no category.
const MOST_VALUES: usize = 1_000;

pub(super) static PIVOT: Verb = Verb {
    name: "pivot",
    signature: "pivot(column, aggregate [AS name], … [, values => (v, …)])",
    doc: "One column for each value of a column. Grouped by what group_by said, or by all columns left over.",
    takes: Takes::Items,
    named: &[("values", Takes::SortList)],
    bind: Bind::Asking(|stage, arguments| pivot(stage, arguments).boxed()),
};

async fn pivot<'a>(stage: Stage, arguments: &'a Arguments<'a>) -> Result<Stage> {
    let frame = match &stage {
        Stage::Frame(frame) => frame.clone(),
        Stage::Groups(groups) => groups.frame().clone(),
    };
    let mut expressions = arguments.expressions(frame.schema())?;
    if expressions.len() < 2 {
        return Err(arguments.missing("a column and an aggregate are wanted"));
    }
    let column = expressions.remove(0);
    let values = match arguments.named_values("values")? {
        Some(values) => values.into_iter().map(PivotColumn::of).collect(),
        None => distinct_values(frame.clone(), column.clone()).await?,
    };
    finish_pivot(stage, column, &values, &expressions)
}

/// Pivots a frame or its groups.
pub(crate) fn finish_pivot(
    stage: Stage,
    column: Expr,
    values: &[PivotColumn],
    aggregates: &[Expr],
) -> Result<Stage> {
    match stage {
        Stage::Groups(groups) => Ok(Grouped::pivot(groups, column, values, aggregates)?.into()),
        Stage::Frame(frame) => {
            let (state, plan) = frame.into_parts();
            let plan = strata_engine::pivot(plan, None, &column, values, aggregates)?;
            Ok(DataFrame::new(state, plan).into())
        }
    }
}

/// The values a column has, sorted: each becomes a column.
pub(crate) fn distinct_values(
    frame: DataFrame,
    column: Expr,
) -> BoxFuture<'static, Result<Vec<PivotColumn>>> {
    async move {
        let values = frame
            .select(vec![column.clone().unalias().alias("value")])?
            .distinct()?
            .sort(vec![datafusion::prelude::col("value").sort(true, false)])?
            .limit(0, Some(MOST_VALUES + 1))?
            .collect()
            .await?;
        let mut columns = Vec::new();
        for batch in values {
            for row in 0..batch.num_rows() {
                columns.push(PivotColumn::of(ScalarValue::try_from_array(batch.column(0), row)?));
            }
        }
        if columns.len() > MOST_VALUES {
            return Err(Error::text(format!(
                "'{column}' has more than {MOST_VALUES} different values, and each would be a column"
            ))
            .hint("group it into fewer, or name the ones you want: values => (…)"));
        }
        Ok(columns)
    }
    .boxed()
}

pub(super) static UNPIVOT: Verb = Verb {
    name: "unpivot",
    signature: "unpivot(column [AS label], … [, name => word] [, value => word] [, nulls => true])",
    doc: "Turns columns into rows: one row for each, with the column's name and its value.",
    takes: Takes::Items,
    named: &[("name", Takes::Items), ("value", Takes::Items), ("nulls", Takes::Items)],
    bind: Bind::Now(|stage, arguments| {
        let columns = arguments
            .renamed()?
            .into_iter()
            .map(|(column, label)| {
                let label = label.unwrap_or_else(|| column.clone());
                (column, label)
            })
            .collect();
        let spec = Unpivot {
            columns,
            name: arguments.named_word("name")?.unwrap_or_else(|| "name".to_string()),
            value: arguments.named_word("value")?.unwrap_or_else(|| "value".to_string()),
            keep_nulls: matches!(
                arguments.named_literal("nulls")?,
                Some(ScalarValue::Boolean(Some(true)))
            ),
        };
        Ok(Frame::unpivot(stage.frame()?, spec)?.into())
    }),
};

pub(super) static EXPLODE: Verb = Verb {
    name: "explode",
    signature: "explode(column, …)",
    doc: "One row for each element of a list.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let names = arguments.names()?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(stage.frame()?.unnest_columns(&names)?.into())
    }),
};

pub(super) static REPARTITION: Verb = Verb {
    name: "repartition",
    signature: "repartition(count [, expression, …])",
    doc: "Splits the rows over so many tasks: evenly, or by the values of expressions.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let Some(count) = arguments.integer(0)?.filter(|count| *count > 0) else {
            return Err(arguments.missing("into how many?"));
        };
        let keys: Vec<Expr> = arguments.expressions(frame.schema())?.into_iter().skip(1).collect();
        let scheme = if keys.is_empty() {
            Partitioning::RoundRobinBatch(count)
        } else {
            Partitioning::Hash(keys, count)
        };
        let (state, plan) = frame.into_parts();
        let plan = LogicalPlanBuilder::from(plan).repartition(scheme)?.build()?;
        Ok(DataFrame::new(state, plan).into())
    }),
};
