//! A Parquet file, compressed with Zstandard.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::format::Sink;
use super::names::unique_names;
use super::{ResultWriter, Style};

/// How many encoded bytes may wait before they become a row group.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;

pub(super) struct Parquet {
    /// Until the columns are known.
    out: Option<Sink>,
    writer: Option<ArrowWriter<Sink>>,
    schema: Option<SchemaRef>,
    rows: u64,
}

pub(super) fn writer(_style: &Style, out: Sink) -> Parquet {
    Parquet { out: Some(out), writer: None, schema: None, rows: 0 }
}

impl ResultWriter for Parquet {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        let Some(out) = self.out.take() else {
            return Err(io::Error::other("a Parquet file was begun twice"));
        };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("strata".to_string())
            .build();
        let schema = unique_names(schema);
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
        self.writer = Some(writer.map_err(io_error)?);
        self.schema = Some(schema);
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let (Some(writer), Some(schema)) = (&mut self.writer, &self.schema) else {
            return Err(io::Error::other("a Parquet file was not begun"));
        };
        let batch =
            RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).or_else(|_| {
                // A plan may promise a column without NULLs and differ from its batches in detail.
                batch.clone().with_schema(Arc::clone(schema))
            });
        let batch = batch.map_err(io::Error::other)?;
        writer.write(&batch).map_err(io_error)?;
        self.rows += batch.num_rows() as u64;
        if writer.in_progress_size() > ROW_GROUP_BYTES {
            writer.flush().map_err(io_error)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<u64> {
        if let Some(writer) = self.writer.take() {
            let mut out = writer.into_inner().map_err(io_error)?;
            io::Write::flush(&mut out)?;
        }
        Ok(self.rows)
    }
}

/// The output's own error where there is one, with its kind.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use parquet::arrow::ProjectionMask;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::super::tests::{numbers, people, print_bytes};
    use super::super::{Format, cell};
    use super::*;

    fn read(bytes: Vec<u8>) -> Result<Vec<RecordBatch>, Box<dyn std::error::Error>> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))?;
        let mask = ProjectionMask::all();
        Ok(builder.with_projection(mask).build()?.collect::<Result<_, _>>()?)
    }

    #[test]
    fn what_is_written_can_be_read() -> Result<(), Box<dyn std::error::Error>> {
        let bytes = print_bytes(Format::Parquet, &Style::default(), &[people(), people()])?;
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        let rows: usize = read(bytes)?.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 6);
        let empty = print_bytes(Format::Parquet, &Style::default(), &[numbers(0..0)])?;
        assert_eq!(read(empty)?.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        Ok(())
    }

    #[test]
    fn all_types_but_unions_are_written() -> Result<(), Box<dyn std::error::Error>> {
        let batch = cell::tests::all_types();
        let keep: Vec<usize> = batch
            .schema()
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| !matches!(field.data_type(), DataType::Union(_, _)))
            .map(|(index, _)| index)
            .collect();
        let batch = batch.project(&keep)?;
        let bytes = print_bytes(Format::Parquet, &Style::default(), std::slice::from_ref(&batch))?;
        assert_eq!(read(bytes)?, [batch]);
        Ok(())
    }
}
