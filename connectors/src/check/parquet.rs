//! Parquet, from the outside in: the magic bytes, the footer, the codecs, then every row group, and
//! of one that fails every column.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::{Fault, File, Outcome, past};
use crate::error::{ConnectorError, Result, innermost};

const AGAIN: &str = "write it again, or copy it again from where it came from";
const MAGIC: &[u8] = b"PAR1";

/// Examines a Parquet file.
pub(super) async fn examine(file: &File<'_>, until: Option<Instant>) -> Result<Outcome> {
    if let Some(fault) = frame(file).await? {
        return Ok(Outcome::Broken(fault));
    }
    let mut reader = reader(file);
    let metadata =
        match ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::default()).await {
            Ok(metadata) => metadata,
            Err(error) => {
                let reason = format!("the footer cannot be read ({})", innermost(&error));
                return Ok(Outcome::Broken(Fault::new(Some("footer".into()), reason, AGAIN)));
            }
        };
    let groups = metadata.metadata().row_groups();
    for (index, group) in groups.iter().enumerate() {
        for column in group.columns() {
            if matches!(column.compression(), Compression::LZO) {
                return Ok(Outcome::Broken(Fault::new(
                    place(index, column.column_path().string()),
                    "the column is packed with LZO, which cannot be read here",
                    "write the file again with SNAPPY or ZSTD",
                )));
            }
        }
    }
    let mut rows = 0;
    for index in 0..groups.len() {
        if past(until) {
            return Ok(Outcome::Sound { rows: None });
        }
        match read(file, &metadata, index, ProjectionMask::all(), until).await {
            Ok(count) => rows += count,
            Err(error) => {
                return Ok(Outcome::Broken(
                    column_fault(file, &metadata, index, error, until).await,
                ));
            }
        }
    }
    Ok(Outcome::Sound { rows: Some(rows) })
}

/// A Parquet file as its reader wants it: by ranges of bytes.
struct Ranges {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl AsyncFileReader for Ranges {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let bytes = async {
            self.store
                .get_range(&self.path, range)
                .await
                .map_err(|error| ParquetError::External(Box::new(error)))
        };
        bytes.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let size = self.size;
        let metadata = async move {
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            reader.load_and_finish(self, size).await.map(Arc::new)
        };
        metadata.boxed()
    }
}

fn reader(file: &File<'_>) -> Ranges {
    Ranges { store: Arc::clone(file.store), path: file.meta.location.clone(), size: file.meta.size }
}

fn place(group: usize, column: String) -> Option<String> {
    Some(format!("row group {group}, column '{column}'"))
}

/// The first and the last bytes, and whether the footer they announce can be there.
async fn frame(file: &File<'_>) -> Result<Option<Fault>> {
    let size = file.meta.size;
    if size < 12 {
        let reason = format!("{size} bytes are too few for a Parquet file");
        return Ok(Some(Fault::new(None, reason, AGAIN)));
    }
    let read = |range| async {
        let store: &Arc<dyn ObjectStore> = file.store;
        store
            .get_range(&file.meta.location, range)
            .await
            .map_err(|error| ConnectorError::from_store(file.shown, &error))
    };
    let (first, last) = (read(0..4).await?, read(size - 8..size).await?);
    if first != MAGIC {
        return Ok(Some(Fault::new(
            Some("byte 0".to_string()),
            "this is no Parquet file: it does not begin with 'PAR1'",
            "give it the name its contents have, or write it again",
        )));
    }
    if !last.ends_with(MAGIC) {
        return Ok(Some(Fault::new(
            Some(format!("byte {}", size - 4)),
            "the file is cut short: it does not end with 'PAR1'",
            AGAIN,
        )));
    }
    let length = last.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    match length {
        Some(length) if u64::from(length) + 12 > size => Ok(Some(Fault::new(
            Some(format!("byte {}", size - 8)),
            format!("the footer should be {length} bytes, more than the file has"),
            AGAIN,
        ))),
        _ => Ok(None),
    }
}

async fn read(
    file: &File<'_>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    columns: ProjectionMask,
    until: Option<Instant>,
) -> Result<u64, ParquetError> {
    let mut batches =
        ParquetRecordBatchStreamBuilder::new_with_metadata(reader(file), metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(columns)
            .build()?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        rows += batch?.num_rows() as u64;
        if past(until) {
            break;
        }
    }
    Ok(rows)
}

/// The column of a row group that cannot be read.
async fn column_fault(
    file: &File<'_>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    whole: ParquetError,
    until: Option<Instant>,
) -> Fault {
    let schema = metadata.parquet_schema();
    for index in 0..schema.num_columns() {
        let mask = ProjectionMask::leaves(schema, [index]);
        if let Err(error) = read(file, metadata, group, mask, until).await {
            let name = schema.column(index).path().string();
            let (offset, length) = metadata.metadata().row_group(group).column(index).byte_range();
            let reason = format!(
                "bytes {offset} to {} are damaged ({})",
                offset + length,
                innermost(&error)
            );
            return Fault::new(place(group, name), reason, AGAIN);
        }
    }
    Fault::new(Some(format!("row group {group}")), innermost(&whole), AGAIN)
}
