//! Joins that are planned here and not by DataFusion become tables of their own, because it lets us
//! plan tables but not joins: `a ASOF JOIN b …` turns into `(a ASOF JOIN b …)`, and
//! [`crate::relations`] plans it.
//!
//! `USING` is among them because DataFusion shows the column of the wrong side in outer joins: with
//! `a LEFT JOIN b USING (k)`, `SELECT *` gives b's `k`, which is NULL where nothing matched. A query
//! that names one side's key (`b.k`) needs both, and is left to DataFusion where that is right.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, Select, SelectItem, TableFactor, TableWithJoins,
    Visit, Visitor,
};

use crate::error::{Error, Result};

pub(super) fn rewrite(select: &mut Select) -> Result<()> {
    let mut tables = std::mem::take(&mut select.from);
    for table in &mut tables {
        // The last join that is ours takes everything before it along.
        let mut last = None;
        for (place, join) in table.joins.iter().enumerate() {
            if is_ours(join, select)? {
                last = Some(place);
            }
        }
        if let Some(last) = last {
            nest(table, last);
        }
    }
    select.from = tables;
    Ok(())
}

fn is_ours(join: &Join, select: &Select) -> Result<bool> {
    if matches!(join.join_operator, JoinOperator::AsOf { .. }) {
        return Ok(true);
    }
    let (names, outer_left, outer) = match &join.join_operator {
        JoinOperator::Join(JoinConstraint::Using(names))
        | JoinOperator::Inner(JoinConstraint::Using(names)) => (names, false, false),
        JoinOperator::Left(JoinConstraint::Using(names))
        | JoinOperator::LeftOuter(JoinConstraint::Using(names)) => (names, true, true),
        JoinOperator::Right(JoinConstraint::Using(names))
        | JoinOperator::RightOuter(JoinConstraint::Using(names))
        | JoinOperator::FullOuter(JoinConstraint::Using(names)) => (names, false, true),
        _ => return Ok(false),
    };
    let keys: Vec<String> =
        names.iter().map(|name| name.to_string().replace('"', "").to_lowercase()).collect();
    let wildcard = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
    if !names_one_side(select, &keys) {
        return Ok(true);
    }
    if outer && (wildcard || !outer_left) {
        return Err(Error::text(format!(
            "a query over an outer join USING ({}) cannot also name one side's key",
            keys.join(", ")
        ))
        .hint("join ON a.k = b.k, and select the columns by name"));
    }
    Ok(false)
}

/// Whether a query writes `table.key` for one of the keys.
fn names_one_side(select: &Select, keys: &[String]) -> bool {
    struct Find<'a>(&'a [String]);
    impl Visitor for Find<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::CompoundIdentifier(parts)
                    if parts.last().is_some_and(|p| self.0.contains(&p.value.to_lowercase())) =>
                {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let qualified =
        select.projection.iter().any(|item| matches!(item, SelectItem::QualifiedWildcard(..)));
    qualified || select.visit(&mut Find(keys)).is_break()
}

/// Folds each join up to `last` and what stands before it into one table.
fn nest(table: &mut TableWithJoins, last: usize) {
    let rest = table.joins.split_off(last + 1);
    for join in std::mem::take(&mut table.joins) {
        let left = table.relation.clone();
        table.relation = TableFactor::NestedJoin {
            table_with_joins: Box::new(TableWithJoins { relation: left, joins: vec![join] }),
            alias: None,
        };
    }
    table.joins = rest;
}
