//! `ORDER BY ALL` sorts by every column, from the first to the last: by their positions. The
//! parser's own dialect reads `ALL` as a column's name; DataFusion knows it for plain columns only,
//! and gets it where a `*` hides how many there are.

use sqlparser::ast::{Expr, OrderByExpr, OrderByKind, Query, SelectItem, SetExpr, Value};

pub(super) fn rewrite(query: &mut Query) {
    let Some(order_by) = &mut query.order_by else { return };
    let OrderByKind::Expressions(keys) = &order_by.kind else { return };
    let [key] = keys.as_slice() else { return };
    if !matches!(&key.expr, Expr::Identifier(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("all"))
    {
        return;
    }
    order_by.kind = match columns(&query.body) {
        Some(count) => {
            let position = |place: usize| OrderByExpr {
                expr: Expr::Value(Value::Number(place.to_string(), false).into()),
                ..key.clone()
            };
            OrderByKind::Expressions((1..=count).map(position).collect())
        }
        None => OrderByKind::All(key.options),
    };
}

/// How many columns a query selects, where its text says so.
fn columns(body: &SetExpr) -> Option<usize> {
    match body {
        SetExpr::Select(select) => {
            let counted = select.projection.iter().all(|item| {
                matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
            });
            counted.then_some(select.projection.len())
        }
        SetExpr::SetOperation { left, .. } => columns(left),
        SetExpr::Query(query) => columns(&query.body),
        _ => None,
    }
}
