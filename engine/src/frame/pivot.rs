//! Rows into columns: one aggregate for each value, filtered to the rows that have it.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::utils::{expr_to_columns, find_aggregate_exprs};
use datafusion::logical_expr::{Expr, LogicalPlan, lit};

use super::{FrameError, all_columns};
use crate::error::Result;

/// One value that becomes a column, and the column's name.
#[derive(Debug, Clone, PartialEq)]
pub struct PivotColumn {
    /// The value of the pivoted column.
    pub value: ScalarValue,
    /// What the new column is called.
    pub name: String,
}

impl PivotColumn {
    /// A column named like its value.
    pub fn of(value: ScalarValue) -> Self {
        let name = if value.is_null() { "NULL".to_string() } else { value.to_string() };
        Self { value, name }
    }
}

/// Pivots `column`: one column for each of `values` and each of `aggregates`. Grouped by `keys`,
/// or by every column that neither is pivoted nor aggregated.
pub fn pivot(
    plan: LogicalPlan,
    keys: Option<Vec<Expr>>,
    column: &Expr,
    values: &[PivotColumn],
    aggregates: &[Expr],
) -> Result<LogicalPlan> {
    if aggregates.is_empty() || values.is_empty() {
        return Err(FrameError::invalid(
            "pivot needs an aggregate and at least one value, as in pivot(year, sum(amount))",
        )
        .into());
    }
    let keys = match keys {
        Some(keys) => keys,
        None => remaining(&plan, column, aggregates)?,
    };
    let mut outputs = Vec::with_capacity(values.len() * aggregates.len());
    for value in values {
        for aggregate in aggregates {
            let name = match (aggregate, aggregates.len()) {
                (_, 1) => value.name.clone(),
                (Expr::Alias(alias), _) => format!("{}_{}", value.name, alias.name),
                (other, _) => format!("{}_{}", value.name, other.schema_name()),
            };
            outputs
                .push(only_where(aggregate.clone().unalias(), column, &value.value)?.alias(name));
        }
    }
    super::group::aggregate(plan, keys, outputs)
}

/// The columns that pivoting leaves over to group by.
fn remaining(plan: &LogicalPlan, column: &Expr, aggregates: &[Expr]) -> Result<Vec<Expr>> {
    let mut used = Default::default();
    let normalized =
        |expr: &Expr| datafusion::logical_expr::expr_rewriter::normalize_col(expr.clone(), plan);
    for expr in std::iter::once(column).chain(aggregates) {
        expr_to_columns(&normalized(expr)?, &mut used)?;
    }
    Ok(all_columns(plan)
        .into_iter()
        .filter(|expr| !matches!(expr, Expr::Column(column) if used.contains(column)))
        .collect())
}

/// Adds `column = value` to the filter of every aggregate within an expression.
fn only_where(aggregate: Expr, column: &Expr, value: &ScalarValue) -> Result<Expr> {
    if find_aggregate_exprs([&aggregate]).is_empty() {
        return Err(FrameError::invalid(format!("'{aggregate}' is not an aggregate")).into());
    }
    let matches = if value.is_null() {
        column.clone().is_null()
    } else {
        column.clone().eq(lit(value.clone()))
    };
    let filtered = aggregate.transform_up(|node| {
        Ok(match node {
            Expr::AggregateFunction(mut function) => {
                let filter = match function.params.filter.take() {
                    Some(filter) => filter.and(matches.clone()),
                    None => matches.clone(),
                };
                function.params.filter = Some(Box::new(filter));
                Transformed::yes(Expr::AggregateFunction(function))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(filtered.data)
}
