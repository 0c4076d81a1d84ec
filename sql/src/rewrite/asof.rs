//! `a ASOF JOIN b MATCH_CONDITION (…)` becomes a joined table of its own, `(a ASOF JOIN b …)`,
//! because DataFusion lets us plan tables but not joins. [`crate::relations::asof`] plans it.

use sqlparser::ast::{JoinOperator, Select, TableFactor, TableWithJoins};

pub(super) fn rewrite(select: &mut Select) {
    for table in &mut select.from {
        nest(table);
    }
}

/// Folds everything up to the last as-of join into one table factor.
fn nest(table: &mut TableWithJoins) {
    let is_asof =
        |join: &sqlparser::ast::Join| matches!(join.join_operator, JoinOperator::AsOf { .. });
    while let Some(first) = table.joins.iter().position(is_asof) {
        let rest = table.joins.split_off(first + 1);
        let asof = table.joins.pop();
        let left = if table.joins.is_empty() {
            table.relation.clone()
        } else {
            TableFactor::NestedJoin {
                table_with_joins: Box::new(TableWithJoins {
                    relation: table.relation.clone(),
                    joins: std::mem::take(&mut table.joins),
                }),
                alias: None,
            }
        };
        table.relation = TableFactor::NestedJoin {
            table_with_joins: Box::new(TableWithJoins {
                relation: left,
                joins: asof.into_iter().collect(),
            }),
            alias: None,
        };
        table.joins = rest;
    }
}
