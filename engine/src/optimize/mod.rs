//! Strata's own optimizer rules, one a file.

mod bound_windows;
mod compact_views;

use std::sync::Arc;

use datafusion::physical_optimizer::PhysicalOptimizerRule;

/// The rules on physical plans, in the order in which they run after DataFusion's.
pub(crate) fn physical() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    vec![Arc::new(bound_windows::BoundWindows), Arc::new(compact_views::CompactViews)]
}
