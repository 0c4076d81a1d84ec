//! Rows on their way into a table.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{Result, plan_err};
use datafusion::execution::memory_pool::MemoryReservation;

use super::MemoryTable;
use super::stored::{Stored, deal};

/// Rows on their way into a table. What several batches share is counted once.
#[derive(Debug)]
pub struct HeldRows {
    pub(super) batches: Vec<RecordBatch>,
    pub(super) held: MemoryReservation,
    rows: u64,
    counter: RecordBatchMemoryCounter,
}

impl HeldRows {
    /// None yet; they are counted as this says.
    pub fn new(held: MemoryReservation) -> Self {
        Self { batches: Vec::new(), rows: 0, counter: RecordBatchMemoryCounter::new(), held }
    }

    /// Takes more rows, if they fit.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        // What is not kept is not counted: others may lie at its place in memory.
        if batch.num_rows() > 0 {
            self.held.try_grow(self.counter.count_batch(&batch))?;
            self.rows += batch.num_rows() as u64;
            self.batches.push(batch);
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn count(&self) -> u64 {
        self.rows
    }

    /// Counts them no longer: whoever takes them does.
    pub fn let_go(&self) {
        self.held.free();
    }

    /// The rows as a table, in several parts so that reading it uses every core.
    pub fn into_table(self, schema: SchemaRef, parts: usize) -> Result<MemoryTable> {
        if let Some(other) = self.batches.iter().find(|batch| !schema.contains(batch.schema_ref()))
        {
            return plan_err!("rows of {} do not fit into a table of {schema}", other.schema_ref());
        }
        let mut dealt = vec![Vec::new(); parts.max(1)];
        deal(&mut dealt, self.batches);
        Ok(MemoryTable::new(schema, Stored::new(dealt, self.held)))
    }
}
