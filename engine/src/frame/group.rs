//! Group-by in two steps, as people write it, and the verbs that are a group-by.

use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, count_distinct};
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use super::pivot::{PivotColumn, pivot};
use super::{all_columns, ascending, on_plan};
use crate::error::Result;

/// A frame and the keys it is grouped by, waiting for what to compute.
#[derive(Debug, Clone)]
pub struct Grouped {
    frame: DataFrame,
    keys: Vec<Expr>,
}

impl Grouped {
    pub(super) fn new(frame: DataFrame, keys: Vec<Expr>) -> Self {
        Self { frame, keys }
    }

    /// The frame beneath.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// One row for each group: its keys, then these aggregates.
    pub fn agg(self, aggregates: Vec<Expr>) -> Result<DataFrame> {
        on_plan(self.frame, |plan| aggregate(plan, self.keys, aggregates))
    }

    /// One column for each of `values` of `column`, computed by `aggregates` within the groups.
    pub fn pivot(
        self,
        column: Expr,
        values: &[PivotColumn],
        aggregates: &[Expr],
    ) -> Result<DataFrame> {
        on_plan(self.frame, |plan| pivot(plan, Some(self.keys), &column, values, aggregates))
    }
}

/// Groups by `keys` and projects keys and aggregates under the names they were given. Expressions
/// over aggregates (`sum(x) / count(*)`) are computed on top of them.
pub(super) fn aggregate(
    plan: LogicalPlan,
    keys: Vec<Expr>,
    aggregates: Vec<Expr>,
) -> Result<LogicalPlan> {
    let inner = find_aggregate_exprs(&aggregates);
    let bare = keys.iter().cloned().map(Expr::unalias);
    Ok(LogicalPlanBuilder::from(plan)
        .aggregate(bare, inner)?
        .project(keys.iter().cloned().chain(aggregates))?
        .build()?)
}

pub(super) fn value_counts(frame: DataFrame, keys: Vec<Expr>) -> Result<DataFrame> {
    let keys = if keys.is_empty() { all_columns(frame.logical_plan()) } else { keys };
    on_plan(frame, |plan| {
        let counted = aggregate(plan, keys, vec![count(lit(1i64)).alias("count")])?;
        // Ties are ordered by value, so that the same data prints the same way.
        let mut columns = all_columns(&counted);
        let by_count = columns.pop().map(|count| count.sort(false, true));
        let order = by_count.into_iter().chain(columns.into_iter().map(ascending));
        Ok(LogicalPlanBuilder::from(counted).sort(order)?.build()?)
    })
}

pub(super) fn nunique(frame: DataFrame, columns: Vec<Expr>) -> Result<DataFrame> {
    let columns = if columns.is_empty() { all_columns(frame.logical_plan()) } else { columns };
    let distinct = columns
        .into_iter()
        .map(|column| {
            let name = match &column {
                Expr::Column(column) => column.name.clone(),
                Expr::Alias(alias) => alias.name.clone(),
                other => other.schema_name().to_string(),
            };
            count_distinct(column.unalias()).alias(name)
        })
        .collect();
    on_plan(frame, |plan| aggregate(plan, Vec::new(), distinct))
}
