//! What `DELETE` and `UPDATE` are about. DataFusion's planner takes the filters that it finds in their optimized input
//! and knows to be about the table, and all rows where it finds none: `WHERE 1 = 0` leaves none, nor does a subquery
//! that became a join. So the input is looked at before: one that is known to have no rows changes none, and one that
//! says more than filters of the table is refused.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, TableReference, not_impl_err};
use datafusion::logical_expr::{
    DmlStatement, Expr, LogicalPlan, LogicalPlanBuilder, Projection, TableScan, WriteOp, lit,
};

/// A plan whose `DELETE` or `UPDATE`, if it is one, is about no more rows than it says.
pub(crate) fn bounded_change(plan: &LogicalPlan) -> Result<Cow<'_, LogicalPlan>> {
    match plan {
        LogicalPlan::Dml(dml) if matches!(dml.op, WriteOp::Delete | WriteOp::Update) => {
            let plain = plain(dml)?;
            let dml = plain.as_ref().unwrap_or(dml);
            if let Rows::None = rows(dml)? {
                return Ok(Cow::Owned(LogicalPlan::Dml(about_none(dml)?)));
            }
            Ok(plain.map_or(Cow::Borrowed(plan), |plain| Cow::Owned(LogicalPlan::Dml(plain))))
        }
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => {
            for input in plan.inputs() {
                if let Cow::Owned(bounded) = bounded_change(input)? {
                    return plan.with_new_exprs(Vec::new(), vec![bounded]).map(Cow::Owned);
                }
            }
            Ok(Cow::Borrowed(plan))
        }
        _ => Ok(Cow::Borrowed(plan)),
    }
}

/// A change without the columns that an optimizer has put between it and its table, for what is computed twice: the
/// planner asks the table for all columns that it finds. None where there are none.
fn plain(dml: &DmlStatement) -> Result<Option<DmlStatement>> {
    let mut node = dml.input.as_ref();
    let mut filters: Vec<Expr> = Vec::new();
    let mut values: Option<Vec<Expr>> = None;
    let mut changed = false;
    loop {
        node = match node {
            LogicalPlan::Projection(top) if dml.op == WriteOp::Update && values.is_none() => {
                values = Some(top.expr.clone());
                top.input.as_ref()
            }
            LogicalPlan::Projection(between) => {
                for expr in filters.iter_mut().chain(values.iter_mut().flatten()) {
                    *expr = through(std::mem::take(expr), between)?;
                }
                changed = true;
                between.input.as_ref()
            }
            LogicalPlan::Filter(filter) => {
                filters.push(filter.predicate.clone());
                filter.input.as_ref()
            }
            _ => break,
        };
    }
    if !changed {
        return Ok(None);
    }
    let mut input = LogicalPlanBuilder::from(node.clone());
    for filter in filters.into_iter().rev() {
        input = input.filter(filter)?;
    }
    if let Some(values) = values {
        input = input.project(values)?;
    }
    Ok(Some(DmlStatement { input: Arc::new(input.build()?), ..dml.clone() }))
}

/// An expression of the columns of a projection as one of what these are made of, by the same name.
fn through(expr: Expr, made: &Projection) -> Result<Expr> {
    let name = match &expr {
        Expr::Column(column) => Some(column.name.clone()),
        _ => None,
    };
    let below = expr.transform(|part| {
        let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
        let of = made.expr.get(made.schema.index_of_column(column)?).cloned();
        let of = of.map_or(part, Expr::unalias);
        Ok(Transformed::new(of, true, TreeNodeRecursion::Jump))
    });
    let below = below?.data;
    Ok(match name {
        Some(name) if !matches!(&below, Expr::Column(column) if column.name == name) => {
            below.alias(name)
        }
        _ => below,
    })
}

enum Rows {
    /// Those of the table that the filters let through.
    Filtered,
    None,
}

fn rows(dml: &DmlStatement) -> Result<Rows> {
    let mut names = vec![dml.table_name.clone()];
    let mut found = Rows::Filtered;
    let mut other = None;
    dml.input.apply(|node| {
        match node {
            LogicalPlan::EmptyRelation(_) => found = Rows::None,
            LogicalPlan::SubqueryAlias(alias) => {
                if matches!(alias.input.as_ref(), LogicalPlan::TableScan(scan) if is_of(dml, scan))
                {
                    names.push(TableReference::bare(alias.alias.to_string()));
                }
            }
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) => {}
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() && is_of(dml, scan) => {}
            _ => other = Some("rows of other tables, or a number of rows"),
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if matches!(found, Rows::None) && other.is_none() {
        return Ok(found);
    }
    dml.input.apply(|node| {
        node.apply_expressions(|expr| {
            if expr.exists(|part| Ok(asks(part)))? {
                other = Some("what a query within it says");
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let LogicalPlan::Filter(filter) = node else { return Ok(TreeNodeRecursion::Continue) };
        let columns = filter.predicate.column_refs();
        let strange = columns.iter().any(|column| {
            let relation = column.relation.as_ref();
            relation.is_some_and(|name| !names.iter().any(|known| known.resolved_eq(name)))
        });
        if strange {
            other = Some("a table by another name");
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    match other {
        Some(what) => not_impl_err!(
            "{} of '{}' that is about {what}: say with WHERE which rows, and what becomes of them, by values of its own columns",
            dml.op.name(),
            dml.table_name
        ),
        None => Ok(found),
    }
}

/// Whether a scan is of the table that is changed.
fn is_of(dml: &DmlStatement, scan: &TableScan) -> bool {
    scan.table_name.resolved_eq(&dml.table_name)
}

/// Whether an expression is a query.
fn asks(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::Exists(_)
    )
}

/// The same change, of no row.
fn about_none(dml: &DmlStatement) -> Result<DmlStatement> {
    let scan = LogicalPlanBuilder::scan(dml.table_name.clone(), Arc::clone(&dml.target), None)?;
    Ok(DmlStatement { input: Arc::new(scan.filter(lit(false))?.build()?), ..dml.clone() })
}
