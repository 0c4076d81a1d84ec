//! The last result, kept for `\plot`, within bounds.

use arrow::array::RecordBatch;

/// No more rows than this are kept.
const ROWS: usize = 100_000;
/// No more bytes than this are kept.
const BYTES: usize = 64 << 20;

/// The first rows of the last result.
#[derive(Debug, Default)]
pub(crate) struct LastResult {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    cut: bool,
}

impl LastResult {
    /// Keeps what still fits.
    pub(crate) fn keep(&mut self, batch: &RecordBatch) {
        let bytes = batch.get_array_memory_size();
        if self.cut || self.rows >= ROWS || self.bytes + bytes > BYTES {
            self.cut |= batch.num_rows() > 0;
            return;
        }
        let rows = batch.num_rows().min(ROWS - self.rows);
        self.cut = rows < batch.num_rows();
        self.rows += rows;
        self.bytes += bytes;
        self.batches.push(batch.slice(0, rows));
    }

    /// The rows that were kept.
    pub(crate) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// How many rows were kept, where that is not all of them.
    pub(crate) fn cut_at(&self) -> Option<usize> {
        self.cut.then_some(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::{ArrayRef, Int64Array};

    #[test]
    fn only_the_first_rows_are_kept() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1; 60_000]));
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let mut last = LastResult::default();
        last.keep(&batch);
        assert_eq!(last.cut_at(), None);
        last.keep(&batch);
        last.keep(&batch);
        assert_eq!(last.cut_at(), Some(ROWS));
        assert_eq!(last.batches().iter().map(RecordBatch::num_rows).sum::<usize>(), ROWS);
    }
}
