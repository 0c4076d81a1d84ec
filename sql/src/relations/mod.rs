//! Tables of SQL that DataFusion leaves to us: what stands after `FROM` and is no plain table. One
//! a file, each on the engine's verb of the same name.

mod array;
mod asof;
mod pivot;
mod sample;
mod unpivot;
mod using;

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::logical_expr::planner::RelationPlanner;
use sqlparser::ast::{Expr, Ident};

use crate::arrays::ArrayTables;

/// Every planner of relations.
pub(crate) fn all(arrays: Arc<ArrayTables>) -> Vec<Arc<dyn RelationPlanner>> {
    vec![
        Arc::new(array::ArrayPlanner(arrays)),
        Arc::new(asof::AsofPlanner),
        Arc::new(pivot::PivotPlanner),
        Arc::new(sample::SamplePlanner),
        Arc::new(unpivot::UnpivotPlanner),
        Arc::new(using::UsingPlanner),
    ]
}

/// A mistake in the text, as DataFusion carries it.
fn mistake(message: impl Into<String>) -> DataFusionError {
    DataFusionError::Plan(message.into())
}

/// The name an expression is, if it is one.
fn ident_of(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(ident) => Some(ident.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
        _ => None,
    }
}
