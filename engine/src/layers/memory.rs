//! What one task of a layer holds at its peak: what its operators keep, and the batches on their way.

use std::sync::Arc;

use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode,
};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use serde::{Deserialize, Serialize};

use super::estimate::{Size, row_width};
use crate::physical::{
    CombineChunksExec, LookUpExec, WindowByPartitionExec, are_chunks, keeps, takes,
};

/// What an entry of a hash table takes beside its row: its hash, its place, and empty slots.
const HASH_ENTRY: u64 = 32;
/// Rows of a batch on its way.
const BATCH: u64 = 8192;

/// A projection of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes that one task holds at its peak, if it is given them.
    pub bytes: u64,
    /// Whether it gets by with less, by writing to disk.
    pub spills: bool,
}

impl Memory {
    /// Nothing that is kept.
    pub(super) fn none() -> Self {
        Self { bytes: 0, spills: true }
    }

    pub(super) fn and(self, other: Self) -> Self {
        let spills = (self.spills || self.bytes == 0) && (other.spills || other.bytes == 0);
        Self { bytes: self.bytes.saturating_add(other.bytes), spills }
    }
}

/// A batch of what an operator makes. Chunks come one by one, and are not written to disk.
pub(super) fn batch(plan: &dyn ExecutionPlan, made: Size) -> Memory {
    if are_chunks(&plan.schema()) {
        let chunk = made.bytes.unwrap_or(0) / made.rows.unwrap_or(1).max(1);
        return Memory { bytes: chunk, spills: false };
    }
    Memory { bytes: BATCH.saturating_mul(row_width(&plan.schema())), spills: true }
}

/// What one task keeps of its inputs in an operator; none if that cannot be told.
pub(super) fn kept(
    plan: &dyn ExecutionPlan,
    inputs: &[Size],
    made: Size,
    tasks: usize,
) -> Option<Memory> {
    let share = |bytes: u64| bytes.div_ceil(tasks.max(1) as u64);
    let of_input = |at: usize| inputs.get(at).and_then(|input| input.bytes);
    let held = |bytes: u64| Memory { bytes, spills: false };
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        let width = row_width(&sort.schema());
        return Some(match sort.fetch() {
            Some(rows) => held((rows as u64).saturating_mul(width)),
            // Rows, and their copy in order.
            None => Memory { bytes: share(of_input(0)?).saturating_mul(2), spills: true },
        });
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        if aggregate.group_expr().is_empty() {
            return Some(held(row_width(&aggregate.schema())));
        }
        let sorted = !matches!(aggregate.input_order_mode(), InputOrderMode::Linear);
        let rows = if sorted { BATCH } else { share(made.rows?) };
        let bytes = rows.saturating_mul(row_width(&aggregate.schema()).saturating_add(HASH_ENTRY));
        return Some(Memory { bytes, spills: true });
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let side = inputs.first()?;
        let whole = side.bytes?.saturating_add(side.rows?.saturating_mul(HASH_ENTRY));
        let each = match join.partition_mode() {
            PartitionMode::Partitioned => share(whole),
            PartitionMode::CollectLeft | PartitionMode::Auto => whole,
        };
        return Some(held(each));
    }
    if plan.downcast_ref::<LookUpExec>().is_some() {
        // Rows as they come and as one, and where they belong.
        let rows = inputs.first()?;
        let places = rows.rows?.saturating_mul(2 * HASH_ENTRY);
        return Some(held(rows.bytes?.saturating_mul(2).saturating_add(places)));
    }
    if plan.downcast_ref::<NestedLoopJoinExec>().is_some()
        || plan.downcast_ref::<CrossJoinExec>().is_some()
    {
        return of_input(0).map(held);
    }
    if plan.downcast_ref::<WindowByPartitionExec>().is_some()
        || plan.downcast_ref::<WindowAggExec>().is_some()
    {
        return of_input(0).map(|bytes| held(share(bytes)));
    }
    if let Some(bytes) = takes(plan) {
        return Some(held(bytes.saturating_add(share(keeps(plan)))));
    }
    if plan.downcast_ref::<CombineChunksExec>().is_some() {
        // The states, and what comes of them.
        return of_input(0).map(|bytes| held(share(bytes).saturating_mul(2)));
    }
    Some(Memory::none())
}

/// Whether a task may keep rows in this operator that it cannot write to disk.
pub(crate) fn holds(plan: &dyn ExecutionPlan) -> bool {
    plan.downcast_ref::<HashJoinExec>().is_some()
        || plan.downcast_ref::<LookUpExec>().is_some()
        || plan.downcast_ref::<NestedLoopJoinExec>().is_some()
        || plan.downcast_ref::<CrossJoinExec>().is_some()
        || plan.downcast_ref::<WindowByPartitionExec>().is_some()
        || plan.downcast_ref::<WindowAggExec>().is_some()
}

/// What a shuffle holds: a batch for each part, on each side.
pub(super) fn exchanged(plan: &Arc<dyn ExecutionPlan>, made: Size, fan_out: usize) -> Memory {
    let one = batch(plan.as_ref(), made).bytes;
    Memory { bytes: one.saturating_mul(2 * fan_out as u64), spills: true }
}
