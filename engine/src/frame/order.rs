//! The last rows of a sorted frame: sorted the other way round, cut, and turned back, so that a
//! `tail` costs what a `head` costs.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, SortExpr};

use super::FrameError;
use crate::error::Result;

pub(super) fn tail(plan: LogicalPlan, rows: usize) -> Result<LogicalPlan> {
    let Some(order) = order_of(&plan).map(<[SortExpr]>::to_vec) else {
        return Err(FrameError::invalid(
            "rows have no order of their own, so there are no last ones: sort(…) first",
        )
        .into());
    };
    let backwards: Vec<SortExpr> = order
        .iter()
        .map(|key| SortExpr { asc: !key.asc, nulls_first: !key.nulls_first, ..key.clone() })
        .collect();
    // The last step needs no order if it is only the sort itself.
    let input = match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => sort.input.as_ref().clone(),
        other => other,
    };
    Ok(LogicalPlanBuilder::from(input)
        .sort(backwards)?
        .limit(0, Some(rows))?
        .sort(order)?
        .build()?)
}

/// The order in which a plan's rows come, as far as what only leaves rows out keeps it.
fn order_of(plan: &LogicalPlan) -> Option<&[SortExpr]> {
    match plan {
        LogicalPlan::Sort(sort) => Some(&sort.expr),
        LogicalPlan::Limit(limit) => order_of(&limit.input),
        LogicalPlan::Filter(filter) => order_of(&filter.input),
        _ => None,
    }
}

/// Whether somebody asked for the order in which a plan's rows come, whatever its columns are called by then.
pub fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(named) => is_sorted(&named.input),
        LogicalPlan::SubqueryAlias(named) => is_sorted(&named.input),
        LogicalPlan::Limit(limit) => is_sorted(&limit.input),
        LogicalPlan::Filter(filter) => is_sorted(&filter.input),
        plan => order_of(plan).is_some(),
    }
}
