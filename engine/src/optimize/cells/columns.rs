//! Columns that a query does not use are not there.

use std::collections::HashSet;

use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan};

use super::{cells_of, plan_of, shared};
use crate::logical::CellTable;

/// A plan over cells that has the columns it uses and no others; none where nothing changes.
pub(super) fn without_unused(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    if let Some(cells) = only_columns(plan)? {
        return Ok(Some(cells));
    }
    let inputs = plan.inputs();
    let [input] = inputs[..] else { return Ok(None) };
    let mut used: HashSet<Column> = HashSet::new();
    for expr in plan.expressions() {
        used.extend(expr.column_refs().into_iter().cloned());
    }
    let Some(narrow) = narrowed(input, used)? else { return Ok(None) };
    Ok(Some(plan.with_new_exprs(plan.expressions(), vec![narrow])?))
}

/// A projection of cells that is nothing but some of their columns, in their order.
fn only_columns(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = plan else { return Ok(None) };
    let plain = projection.expr.iter().map(|expr| match expr {
        Expr::Column(column) => Some(column.clone()),
        _ => None,
    });
    let Some(columns) = plain.collect::<Option<Vec<Column>>>() else { return Ok(None) };
    if cells_of(&projection.input).is_none() {
        return Ok(None);
    }
    let used = columns.iter().cloned().collect();
    let narrow = narrowed(&projection.input, used)?;
    let narrow = narrow.unwrap_or_else(|| projection.input.as_ref().clone());
    Ok((narrow.schema().columns() == columns).then_some(narrow))
}

/// Cells, and filters above them, with the columns that are used.
fn narrowed(plan: &LogicalPlan, mut used: HashSet<Column>) -> Result<Option<LogicalPlan>> {
    if let LogicalPlan::Filter(filter) = plan {
        used.extend(filter.predicate.column_refs().into_iter().cloned());
        let Some(input) = narrowed(&filter.input, used)? else { return Ok(None) };
        let filter = Filter::try_new(filter.predicate.clone(), shared(input))?;
        return Ok(Some(LogicalPlan::Filter(filter)));
    }
    let Some(table) = cells_of(plan) else { return Ok(None) };
    let columns = plan.schema().columns();
    let mut is_used = columns.iter().map(|column| used.contains(column));
    let mut narrow = CellTable { ..table.clone() };
    narrow.places.retain(|_| is_used.next().unwrap_or(true));
    narrow.variables.retain(|_| is_used.next().unwrap_or(true));
    let same = narrow.places.len() == table.places.len()
        && narrow.variables.len() == table.variables.len();
    match same {
        true => Ok(None),
        false => plan_of(narrow).map(Some),
    }
}

/// The columns of an expression.
pub(super) fn named(expr: &Expr) -> Vec<Column> {
    expr.column_refs().into_iter().cloned().collect()
}
