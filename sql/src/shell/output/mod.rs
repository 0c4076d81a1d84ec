//! Printing results: one format a file, all behind [`ResultWriter`].
//!
//! A result arrives as record batches and leaves as text or bytes; whatever its size, a writer holds
//! a bounded part of it. To add a format, write its file and add its line to the list in `format`.

mod boxed;
mod cell;
mod delimited;
mod document;
mod format;
mod grid;
mod html;
mod json;
mod layout;
mod line;
mod markdown;
mod names;
mod parquet;
mod plan;
mod span;
mod style;
mod table;
mod text;
mod types;

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

pub use format::{Format, UnknownFormat};
pub use style::Style;

pub(super) use cell::Cells;
pub(super) use html::escape;
pub(super) use text::{clean, counted, cut, thousands, width};
pub(super) use types::type_name;

/// Writes one result: `begin` once, `batch` for each batch, `finish` once.
///
/// An error of the output keeps its kind, so that a caller can tell a reader who has seen enough
/// ([`io::ErrorKind::BrokenPipe`]) from a disk that is full.
pub trait ResultWriter: Send {
    /// Takes the columns, and writes what stands before the rows.
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()>;

    /// Takes rows.
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Writes what stands after the rows, flushes, and tells how many rows there were.
    fn finish(&mut self) -> io::Result<u64>;
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use parking_lot::Mutex;

    use super::*;

    /// Names and totals, with what each format has to escape.
    pub(super) fn people() -> RecordBatch {
        let names: ArrayRef = Arc::new(StringArray::from(vec!["Ada", "a\nb|<c>", "東京"]));
        let totals: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)]));
        batch(vec![("name", names), ("total", totals)])
    }

    /// One column of numbers.
    pub(super) fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
        batch(vec![("number", Arc::new(Int64Array::from_iter_values(range)))])
    }

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        match RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays) {
            Ok(batch) => batch,
            Err(error) => unreachable!("{error}"),
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a format writes for the batches.
    pub(super) fn print_bytes(
        format: Format,
        style: &Style,
        batches: &[RecordBatch],
    ) -> io::Result<Vec<u8>> {
        let out = Shared::default();
        let mut writer = format.writer(style, Box::new(out.clone()));
        let schema = batches.first().map_or_else(|| numbers(0..0).schema(), RecordBatch::schema);
        writer.begin(&schema)?;
        for batch in batches {
            writer.batch(batch)?;
        }
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(writer.finish()?, rows as u64);
        drop(writer);
        Ok(std::mem::take(&mut *out.0.lock()))
    }

    /// What a text format writes for the batches.
    pub(super) fn print(format: Format, style: &Style, batches: &[RecordBatch]) -> String {
        match print_bytes(format, style, batches) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("failed: {error}"),
        }
    }

    #[test]
    fn every_format_writes_every_type() -> io::Result<()> {
        let batch = cell::tests::all_types();
        for format in Format::ALL.iter().filter(|format| !format.is_binary()) {
            let bytes = print_bytes(*format, &Style::default(), std::slice::from_ref(&batch))?;
            assert!(!bytes.is_empty(), "{format}");
        }
        Ok(())
    }

    #[test]
    fn a_result_may_have_no_columns() -> io::Result<()> {
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(2));
        let schema = Arc::new(Schema::empty());
        let batch = RecordBatch::try_new_with_options(schema, vec![], &options);
        let batch = batch.map_err(io::Error::other)?;
        for format in Format::ALL.iter().filter(|format| !format.is_binary()) {
            print_bytes(*format, &Style::default(), std::slice::from_ref(&batch))?;
        }
        Ok(())
    }

    /// Takes a few bytes and then has seen enough, as `head` does.
    struct Head(usize);

    impl Write for Head {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_leaves_is_told_apart_from_other_errors() {
        for format in Format::ALL {
            let mut writer = format.writer(&Style::default(), Box::new(Head(3)));
            let batch = numbers(0..100_000);
            let result = writer
                .begin(&batch.schema())
                .and_then(|()| writer.batch(&batch))
                .and_then(|()| writer.finish());
            let kind = result.map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::BrokenPipe), "{format}");
        }
    }
}
