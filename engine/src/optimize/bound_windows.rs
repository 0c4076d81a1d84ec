//! Exchanges every window operator that holds its whole input for one that holds a partition.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::windows::WindowAggExec;

use crate::physical::WindowByPartitionExec;

#[derive(Debug)]
pub(super) struct BoundWindows;

impl PhysicalOptimizerRule for BoundWindows {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let exchanged = plan.transform_up(|node| {
            Ok(match node.downcast_ref::<WindowAggExec>() {
                Some(window) => {
                    let window = Arc::new(window.clone());
                    Transformed::yes(
                        Arc::new(WindowByPartitionExec::new(window)) as Arc<dyn ExecutionPlan>
                    )
                }
                None => Transformed::no(node),
            })
        })?;
        Ok(exchanged.data)
    }

    fn name(&self) -> &str {
        "bound_windows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
