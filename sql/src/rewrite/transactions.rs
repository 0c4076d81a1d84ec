//! `BEGIN`, `COMMIT` and `ROLLBACK`: there are none, and whoever counts on them must hear of it.

use sqlparser::ast::Statement;

use crate::error::{Error, Result};

pub(super) fn refuse(statement: &Statement) -> Result<()> {
    match statement {
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. } => {
            Err(Error::text("there are no transactions over several statements")
                .hint("each statement is one by itself: leave out BEGIN, COMMIT and ROLLBACK"))
        }
        _ => Ok(()),
    }
}
