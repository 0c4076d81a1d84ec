//! SQL functions that take the place of DataFusion's own, one family a file.

mod extremes;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use crate::frame;

/// The aggregates, under the names they have in SQL.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    extremes::all()
}

/// A scalar function that verbs use and that has no name in SQL, for plans that cross the wire.
pub(crate) fn unnamed_scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    let known = frame::row_chance();
    (known.name() == name).then(|| Arc::new(known))
}

/// A function of windows that verbs use and that has no name in SQL, for plans that cross the wire.
pub(crate) fn unnamed_window(name: &str) -> Option<Arc<WindowUDF>> {
    let known = frame::carry_forward();
    (known.name() == name).then_some(known)
}
