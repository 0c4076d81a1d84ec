//! Sorts that spill in place of those that hold what they let through, for plans that were refused
//! memory: a sort that keeps only the first rows has them all in memory.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::limit::LocalLimitExec;
use datafusion::physical_plan::sorts::sort::SortExec;

/// Runs after all others: DataFusion's would put the limit back into the sort.
#[derive(Debug)]
pub(crate) struct SpillTopRows;

impl PhysicalOptimizerRule for SpillTopRows {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some((sort, rows)) =
                node.downcast_ref::<SortExec>().and_then(|sort| Some((sort, sort.fetch()?)))
            else {
                return Ok(Transformed::no(node));
            };
            let whole = Arc::new(sort.with_fetch(None));
            Ok(Transformed::yes(Arc::new(LocalLimitExec::new(whole, rows))))
        })
        .data()
    }

    fn name(&self) -> &str {
        "spill_top_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
