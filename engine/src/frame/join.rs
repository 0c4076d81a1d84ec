//! Joins on columns that both sides have: each appears once, where the left side has it, with the
//! value of the side that has one.

use datafusion::common::{Column, JoinType};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::{all_columns, find_column};
use crate::error::Result;

/// Joins `left` and `right` where the columns of these names are equal.
pub fn join_using(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinType,
    names: &[String],
) -> Result<LogicalPlan> {
    let mut keys = Vec::with_capacity(names.len());
    for name in names {
        keys.push((find_column(&left, name)?, find_column(&right, name)?));
    }
    let outputs = match kind {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => all_columns(&left),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => all_columns(&right),
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
            let merged = all_columns(&left).into_iter().map(|output| merge(output, kind, &keys));
            let rest = all_columns(&right)
                .into_iter()
                .filter(|output| !keys.iter().any(|(_, key)| is(output, key)));
            merged.chain(rest).collect()
        }
    };
    let (left_keys, right_keys): (Vec<Column>, Vec<Column>) = keys.into_iter().unzip();
    Ok(LogicalPlanBuilder::from(left)
        .join(right, kind, (left_keys, right_keys), None)?
        .project(outputs)?
        .build()?)
}

/// A key of the left side, with the value the join has for it.
fn merge(output: Expr, kind: JoinType, keys: &[(Column, Column)]) -> Expr {
    let Some((left, right)) = keys.iter().find(|(key, _)| is(&output, key)) else { return output };
    match kind {
        JoinType::Right => Expr::Column(right.clone()),
        JoinType::Full => coalesce(vec![Expr::Column(left.clone()), Expr::Column(right.clone())])
            .alias(&left.name),
        _ => output,
    }
}

fn is(output: &Expr, column: &Column) -> bool {
    matches!(output, Expr::Column(found) if found == column)
}
