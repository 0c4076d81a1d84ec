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
    let right = told_apart(&left, right, names)?;
    let mut keys = Vec::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let key = find_column(&left, name)?;
        let hidden = Column::new_unqualified(hidden_name(place));
        let other =
            if right.schema().has_column(&hidden) { hidden } else { find_column(&right, name)? };
        keys.push((key, other));
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

/// The right side, its keys renamed where a column without a table, such as the key of a full join,
/// could not be told from one of another table.
fn told_apart(left: &LogicalPlan, right: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    let mut outputs = all_columns(&right);
    let mut renamed = false;
    for (place, name) in names.iter().enumerate() {
        let (key, other) = (find_column(left, name)?, find_column(&right, name)?);
        if key.relation.is_none() || other.relation.is_none() {
            for output in outputs.iter_mut().filter(|output| is(output, &other)) {
                *output = Expr::Column(other.clone()).alias(hidden_name(place));
                renamed = true;
            }
        }
    }
    if !renamed {
        return Ok(right);
    }
    Ok(LogicalPlanBuilder::from(right).project(outputs)?.build()?)
}

fn hidden_name(place: usize) -> String {
    format!("__using{place}")
}

/// A key of the left side, with the value the join has for it.
fn merge(output: Expr, kind: JoinType, keys: &[(Column, Column)]) -> Expr {
    let Some((left, right)) = keys.iter().find(|(key, _)| is(&output, key)) else { return output };
    match kind {
        JoinType::Right if right.name == left.name => Expr::Column(right.clone()),
        JoinType::Right => Expr::Column(right.clone()).alias(&left.name),
        JoinType::Full => coalesce(vec![Expr::Column(left.clone()), Expr::Column(right.clone())])
            .alias(&left.name),
        _ => output,
    }
}

fn is(output: &Expr, column: &Column) -> bool {
    matches!(output, Expr::Column(found) if found == column)
}
