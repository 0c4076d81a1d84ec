//! Batches cut between rows, so that no message is larger than a client reads.

use arrow::array::{Array, RecordBatch};

/// The parts of a batch, each of about this many bytes at most. What is larger by a row alone is a part of one row.
pub(super) fn split(batch: RecordBatch, most: usize) -> impl Iterator<Item = RecordBatch> {
    let bytes = size(&batch);
    let rows = batch.num_rows();
    let parts = bytes.div_ceil(most.max(1)).clamp(1, rows.max(1));
    let step = rows.div_ceil(parts).max(1);
    let count = rows.div_ceil(step).max(1);
    (0..count).map(move |part| {
        let begins = part * step;
        batch.slice(begins, step.min(rows - begins))
    })
}

/// What the rows of a batch take: of what they share with others, their part.
pub(super) fn size(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| {
            let data = column.to_data();
            data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn parts_have_all_rows_once() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        for most in [0, 1, 7, 800, 8000, 1 << 20] {
            let parts: Vec<_> = split(batch.clone(), most).collect();
            assert_eq!(parts.iter().map(RecordBatch::num_rows).sum::<usize>(), 1000, "{most}");
            assert!(
                parts.iter().all(|part| part.num_rows() == 1 || size(part) <= most.max(16) + 8)
            );
        }
        assert_eq!(split(batch.slice(0, 10), 800).count(), 1, "a slice is as large as its rows");
        assert_eq!(split(batch.slice(0, 0), 1).count(), 1);
    }
}
