//! SQL functions that take the place of DataFusion's own, one family a file.

mod extremes;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

/// The aggregates, under the names they have in SQL.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    extremes::all()
}
