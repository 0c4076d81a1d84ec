//! On a pool, a nested loop join that shows rows of the side it holds sees the other side whole: which
//! of its rows found no partner is known only to whoever has seen all.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::over;

/// Gathers the probe side of nested loop joins that show rows of the other.
#[derive(Debug)]
pub(super) struct WholeProbes;

impl PhysicalOptimizerRule for WholeProbes {
    fn name(&self) -> &str {
        "whole_probes"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            let probe = join.right();
            if !shows_held(*join.join_type()) || probe.output_partitioning().partition_count() == 1
            {
                return Ok(Transformed::no(plan));
            }
            let whole = Arc::new(CoalescePartitionsExec::new(Arc::clone(probe)));
            let inputs = vec![Arc::clone(join.left()), whole as _];
            Ok(Transformed::yes(over(plan, inputs)?))
        })
        .map(|done| done.data)
    }
}

/// Whether rows of the left side, which the join holds, are shown by whether they found a partner.
fn shows_held(join: JoinType) -> bool {
    matches!(
        join,
        JoinType::Left
            | JoinType::Full
            | JoinType::LeftSemi
            | JoinType::LeftAnti
            | JoinType::LeftMark
    )
}
