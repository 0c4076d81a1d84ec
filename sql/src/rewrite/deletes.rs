//! `DELETE … LIMIT` and the like: DataFusion would delete all rows, and say nothing.

use sqlparser::ast::Statement;

use crate::error::{Error, Result};

pub(super) fn refuse(statement: &Statement) -> Result<()> {
    let Statement::Delete(delete) = statement else { return Ok(()) };
    let what = match delete {
        delete if delete.limit.is_some() => "LIMIT",
        delete if !delete.order_by.is_empty() => "ORDER BY",
        delete if delete.returning.is_some() => "RETURNING",
        _ => return Ok(()),
    };
    Err(Error::text(format!("DELETE takes no {what}")).hint("say with WHERE which rows go"))
}
