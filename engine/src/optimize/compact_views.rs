//! Compacts what sorts and aggregations of texts make, for those who keep several of their batches:
//! exchanges, merges of partitions, further sorts, merge joins, windows. Each batch of theirs would
//! count as large as all they have read.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::sorts::sort::SortExec;

use crate::physical::CompactExec;

#[derive(Debug)]
pub(super) struct CompactViews;

impl PhysicalOptimizerRule for CompactViews {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let root = Arc::clone(&plan);
        plan.transform_up(|node| {
            // Rows that leave at once are not kept by anybody.
            let kept = !Arc::ptr_eq(&node, &root);
            Ok(if kept && shares_buffers(&node) && has_views(&node) {
                Transformed::yes(Arc::new(CompactExec::new(node)) as Arc<dyn ExecutionPlan>)
            } else {
                Transformed::no(node)
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "compact_views"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn shares_buffers(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<AggregateExec>().is_some()
        || plan.downcast_ref::<SortExec>().is_some_and(|sort| sort.fetch().is_none())
}

fn has_views(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    schema
        .fields()
        .iter()
        .any(|f| matches!(f.data_type(), DataType::Utf8View | DataType::BinaryView))
}
