//! Joins that spill in place of those that hold a side, for plans that were refused memory. A hash
//! join whose side is known to be small stays: sorting what meets it would cost far more.

use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::common::Result;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// Runs when sides are chosen, and before exchanges and sorts are put in.
#[derive(Debug)]
pub(crate) struct MergeJoins;

impl PhysicalOptimizerRule for MergeJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let few = options.optimizer.hash_join_single_partition_threshold_rows.min(FEW);
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            // A merge join knows nothing of NOT IN's NULLs.
            if join.null_aware || join.contains_projection() || is_small(join.left(), few)? {
                return Ok(Transformed::no(node));
            }
            let merged = SortMergeJoinExec::try_new(
                Arc::clone(join.left()),
                Arc::clone(join.right()),
                join.on().to_vec(),
                join.filter().cloned(),
                *join.join_type(),
                vec![SortOptions::default(); join.on().len()],
                join.null_equality(),
            )?;
            Ok(Transformed::yes(Arc::new(merged) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &str {
        "merge_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// More rows are no small side where memory was refused, whatever a pool gives to all of its tasks otherwise.
const FEW: usize = 128 << 10;
/// How far an estimate may be too low.
const MISJUDGED: usize = 16;

fn is_small(side: &Arc<dyn ExecutionPlan>, few: usize) -> Result<bool> {
    let statistics = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new())?;
    Ok(match statistics.num_rows {
        Precision::Exact(rows) => rows <= few,
        Precision::Inexact(rows) => rows <= few / MISJUDGED,
        Precision::Absent => false,
    })
}
