//! The last rows of a sorted frame: sorted the other way round, cut, and turned back, so that a
//! `tail` costs what a `head` costs.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, SortExpr};

use super::FrameError;
use crate::error::Result;

pub(super) fn tail(plan: LogicalPlan, rows: usize) -> Result<LogicalPlan> {
    let LogicalPlan::Sort(sort) = plan else {
        return Err(FrameError::invalid(
            "rows have no order of their own, so there are no last ones: sort(…) first",
        )
        .into());
    };
    let backwards: Vec<SortExpr> = sort
        .expr
        .iter()
        .map(|key| SortExpr { asc: !key.asc, nulls_first: !key.nulls_first, ..key.clone() })
        .collect();
    // A frame that was cut already keeps only what the cut left.
    let input = match sort.fetch {
        Some(_) => LogicalPlan::Sort(sort.clone()),
        None => sort.input.as_ref().clone(),
    };
    Ok(LogicalPlanBuilder::from(input)
        .sort(backwards)?
        .limit(0, Some(rows))?
        .sort(sort.expr)?
        .build()?)
}
