//! On a pool, a join is given a side whole only where that side is known to be small, by itself or beside the
//! other, and where no row of the result speaks for a row of it. All others are exchanged: settled here,
//! before exchanges are put in, since Ballista's planner would do it afterwards, and what is above such a join
//! then finds its rows in more partitions than it was planned for.

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
        let limits = Limits {
            small: options.optimizer.hash_join_single_partition_threshold,
            most: pool.broadcast_join_threshold_bytes(),
            parts: options.execution.target_partitions,
        };
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let given = *join.partition_mode() == PartitionMode::CollectLeft;
            let is_to_be = speaks_for_probes(*join.join_type()) && limits.worth_giving(join);
            let mode = match given {
                true if !is_to_be => PartitionMode::Partitioned,
                false if is_to_be => PartitionMode::CollectLeft,
                _ => return Ok(Transformed::no(node)),
            };
            if join.null_aware {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(join.builder().with_partition_mode(mode).build_exec()?))
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

/// Exchanging the other side costs so many times as much as giving one side to all tasks, where it is given
/// though it is not small. Making a table of it in every task costs more than sending it.
const FAR_MORE: usize = 8;

/// Up to which size a side is given whole.
struct Limits {
    /// Whatever the other side is.
    small: usize,
    /// Where the other side is far larger.
    most: usize,
    /// Tasks that are given it.
    parts: usize,
}

impl Limits {
    fn worth_giving(&self, join: &HashJoinExec) -> bool {
        let Some(held) = bytes(join.left()) else { return false };
        if held < self.small.min(self.most) {
            return true;
        }
        let everywhere = held.saturating_mul(self.parts).saturating_mul(FAR_MORE);
        held < self.most && bytes(join.right()).is_some_and(|probed| everywhere < probed)
    }
}

/// How large a side is, as Ballista's planner knows it.
fn bytes(side: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let statistics = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new());
    let statistics = statistics.ok()?;
    if let Some(bytes) = statistics.total_byte_size.get_value().filter(|bytes| **bytes > 0) {
        return Some(*bytes);
    }
    let rows = statistics.num_rows.get_value().filter(|rows| **rows > 0)?;
    let schema = side.schema();
    let row: usize = schema.fields().iter().map(|field| width(field.data_type())).sum();
    Some(rows.saturating_mul(row.max(8)))
}

/// What Ballista takes a value to be long.
fn width(of: &DataType) -> usize {
    match of {
        DataType::Boolean => 1,
        other => other.primitive_width().unwrap_or(32),
    }
}
