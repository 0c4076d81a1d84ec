//! Compacts what joins, aggregations and sorts of texts make, for those who keep several of their
//! batches: exchanges, merges, sorts, merge joins. Each batch would count as large as all the texts
//! its maker holds. (Windows compact for themselves.)

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};

use super::over;
use crate::physical::CompactExec;

#[derive(Debug)]
pub(super) struct CompactViews;

impl PhysicalOptimizerRule for CompactViews {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if !keeps_input(&node) {
                return Ok(Transformed::no(node));
            }
            let children: Vec<_> = node.children().into_iter().cloned().collect();
            let shared: Vec<bool> = children.iter().map(shares_buffers).collect();
            if !shared.contains(&true) {
                return Ok(Transformed::no(node));
            }
            let compacted = children
                .into_iter()
                .zip(shared)
                .map(|(child, shared)| match shared {
                    true => Arc::new(CompactExec::new(child)) as Arc<dyn ExecutionPlan>,
                    false => child,
                })
                .collect();
            Ok(Transformed::yes(over(node, compacted)?))
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

/// Whether an operator holds, or counts, several batches at a time.
fn keeps_input(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<SortExec>().is_some()
        || plan.downcast_ref::<SortPreservingMergeExec>().is_some()
        || plan.downcast_ref::<SortMergeJoinExec>().is_some()
        || plan
            .downcast_ref::<RepartitionExec>()
            .is_some_and(|exchange| matches!(exchange.partitioning(), Partitioning::Hash(..)))
}

/// Whether batches of an operator point into buffers that others of its batches point into, too.
fn shares_buffers(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if !has_views(plan) {
        return false;
    }
    if plan.downcast_ref::<ProjectionExec>().is_some()
        || plan.downcast_ref::<FilterExec>().is_some()
    {
        return plan.children().into_iter().any(shares_buffers);
    }
    plan.downcast_ref::<AggregateExec>().is_some()
        || plan.downcast_ref::<HashJoinExec>().is_some()
        || plan.downcast_ref::<SortMergeJoinExec>().is_some()
        || plan.downcast_ref::<SortExec>().is_some_and(|sort| sort.fetch().is_none())
}

fn has_views(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    let mut types = schema.fields().iter().map(|field| field.data_type());
    types.any(|kind| matches!(kind, DataType::Utf8View | DataType::BinaryView))
}
