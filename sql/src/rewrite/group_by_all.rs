//! `GROUP BY ALL` groups by every selected expression that is not an aggregate.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, GroupByExpr, Query, Select, SelectItem, Value, Visit, Visitor};

use crate::error::{Error, Result};

pub(super) fn rewrite(select: &mut Select, aggregates: &HashSet<&str>) -> Result<()> {
    let GroupByExpr::All(modifiers) = &select.group_by else { return Ok(()) };
    let mut keys = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                if !is_constant(expr) && !has_aggregate(expr, aggregates) {
                    keys.push(expr.clone());
                }
            }
            other => {
                return Err(Error::text(format!(
                    "GROUP BY ALL cannot tell what '{other}' stands for"
                ))
                .hint("name the columns"));
            }
        }
    }
    select.group_by = GroupByExpr::Expressions(keys, modifiers.clone());
    Ok(())
}

/// A number would be read as a position, and grouping by a constant groups by nothing.
fn is_constant(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if !matches!(value.value, Value::Placeholder(_)))
}

fn has_aggregate(expr: &Expr, aggregates: &HashSet<&str>) -> bool {
    expr.visit(&mut FindAggregate { aggregates, queries: 0 }).is_break()
}

/// Looks for an aggregate of this query's: not within a subquery, and not over a window.
struct FindAggregate<'a> {
    aggregates: &'a HashSet<&'a str>,
    queries: usize,
}

impl Visitor for FindAggregate<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function)
                if self.queries == 0
                    && function.over.is_none()
                    && self
                        .aggregates
                        .contains(function.name.to_string().to_lowercase().as_str()) =>
            {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
