//! Functions of SQL of our own, one family a file.

mod session;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// All of them.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    session::all()
}
