//! `ORDER BY ALL` sorts by every column, from the first to the last. The parser's own dialect reads
//! `ALL` as a column's name.

use sqlparser::ast::{Expr, OrderByKind, Query};

pub(super) fn rewrite(query: &mut Query) {
    let Some(order_by) = &mut query.order_by else { return };
    let OrderByKind::Expressions(keys) = &order_by.kind else { return };
    if let [key] = keys.as_slice()
        && matches!(&key.expr, Expr::Identifier(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("all"))
    {
        order_by.kind = OrderByKind::All(key.options.clone());
    }
}
