//! On a pool, a join is given a side whole only where that side is known to be small, and where no row of
//! the result speaks for a row of it. All others are exchanged: settled here, before exchanges are put in,
//! since Ballista's planner would do it afterwards, and what is above such a join then finds its rows in
//! more partitions than it was planned for.

use std::sync::Arc;

use ballista_core::config::BallistaConfig;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// Runs when sides are chosen, and before exchanges are put in.
#[derive(Debug)]
pub(super) struct GivenSides;

impl PhysicalOptimizerRule for GivenSides {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let pool = options.extensions.get::<BallistaConfig>().cloned().unwrap_or_default();
        let most = pool.broadcast_join_threshold_bytes();
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let given = *join.partition_mode() == PartitionMode::CollectLeft;
            if !given
                || join.null_aware
                || (speaks_for_probes(*join.join_type()) && is_small(join, most))
            {
                return Ok(Transformed::no(node));
            }
            let exchanged = join.builder().with_partition_mode(PartitionMode::Partitioned);
            Ok(Transformed::yes(exchanged.build_exec()?))
        })
        .data()
    }

    fn name(&self) -> &str {
        "given_sides"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether each row of a join is there because of a row of the side that is not held.
fn speaks_for_probes(join: JoinType) -> bool {
    matches!(
        join,
        JoinType::Inner
            | JoinType::Right
            | JoinType::RightSemi
            | JoinType::RightAnti
            | JoinType::RightMark
    )
}

/// Whether the side that is held is known to be small, as Ballista's planner knows it.
fn is_small(join: &HashJoinExec, most: usize) -> bool {
    let side = join.left();
    let statistics = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new());
    let Ok(statistics) = statistics else { return false };
    if let Some(bytes) = statistics.total_byte_size.get_value().filter(|bytes| **bytes > 0) {
        return *bytes < most;
    }
    let Some(rows) = statistics.num_rows.get_value().filter(|rows| **rows > 0) else {
        return false;
    };
    let schema = side.schema();
    let row: usize = schema.fields().iter().map(|field| width(field.data_type())).sum();
    rows.saturating_mul(row.max(8)) < most
}

/// What Ballista takes a value to be long.
fn width(of: &DataType) -> usize {
    match of {
        DataType::Boolean => 1,
        other => other.primitive_width().unwrap_or(32),
    }
}
