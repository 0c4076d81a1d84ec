//! The rows of a table, and what they take of the memory limit.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::execution::memory_pool::MemoryReservation;
use parking_lot::RwLock;

use super::held::HeldRows;

/// The rows of a table, which all who read and change it share.
#[derive(Debug)]
pub(super) struct Stored {
    /// They change all at once: who reads has the rows of before, or those of after.
    parts: RwLock<Vec<Vec<RecordBatch>>>,
    /// Whoever changes the parts has it until they are counted.
    held: tokio::sync::Mutex<MemoryReservation>,
}

impl Stored {
    pub(super) fn new(parts: Vec<Vec<RecordBatch>>, held: MemoryReservation) -> Arc<Self> {
        Arc::new(Self { parts: RwLock::new(parts), held: held.into() })
    }

    /// The rows as they are now.
    pub(super) fn parts(&self) -> Vec<Vec<RecordBatch>> {
        self.parts.read().clone()
    }

    pub(super) fn part_count(&self) -> usize {
        self.parts.read().len()
    }

    /// No rows yet, to be added to these.
    pub(super) async fn more(&self) -> HeldRows {
        HeldRows::new(self.held.lock().await.new_empty())
    }

    /// Takes rows; how many.
    pub(super) async fn add(&self, rows: HeldRows) -> u64 {
        let held = self.held.lock().await;
        let count = rows.count();
        deal(&mut self.parts.write(), rows.batches);
        held.grow(rows.held.free());
        count
    }

    /// Puts other rows in the places of those that are there: all of them, or none where one cannot be made or they do
    /// not fit beside those of before. How many were changed, which `change` says of each batch.
    pub(super) async fn change(
        &self,
        change: impl Fn(&RecordBatch) -> Result<(RecordBatch, u64)>,
    ) -> Result<u64> {
        let held = self.held.lock().await;
        let before = self.parts();
        let mut counter = counted(&before);
        let beside = held.new_empty();
        let mut count = 0;
        let mut after = Vec::with_capacity(before.len());
        for part in &before {
            let mut left = Vec::with_capacity(part.len());
            for batch in part {
                let (batch, changed) = change(batch)?;
                count += changed;
                if batch.num_rows() > 0 {
                    beside.try_grow(counter.count_batch(&batch))?;
                    left.push(batch);
                }
                // Here, a statement that was cancelled ends.
                tokio::task::yield_now().await;
            }
            after.push(left);
        }
        let size = counted(&after).memory_usage();
        *self.parts.write() = after;
        beside.free();
        held.resize(size);
        Ok(count)
    }
}

fn counted(parts: &[Vec<RecordBatch>]) -> RecordBatchMemoryCounter {
    let mut counter = RecordBatchMemoryCounter::new();
    for batch in parts.iter().flatten() {
        counter.count_batch(batch);
    }
    counter
}

/// Deals batches out, each to the part that has the fewest.
pub(super) fn deal(parts: &mut [Vec<RecordBatch>], batches: Vec<RecordBatch>) {
    for batch in batches {
        if let Some(part) = parts.iter_mut().min_by_key(|part| part.len()) {
            part.push(batch);
        }
    }
}
