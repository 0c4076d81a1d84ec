//! Arrow and Avro files: read whole, block by block.

use std::io::Cursor;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use bytes::Bytes;
use datafusion::arrow_avro::reader::ReaderBuilder;
use object_store::ObjectStoreExt;

use super::{Fault, File, Outcome, past};
use crate::error::{ConnectorError, Result};

const AGAIN: &str = "write it again, or copy it again from where it came from";

/// Examines an Arrow IPC file or stream.
pub(super) async fn arrow(file: &File<'_>, until: Option<Instant>) -> Result<Outcome> {
    let bytes = whole(file).await?;
    if bytes.starts_with(b"ARROW1") {
        if !bytes.ends_with(b"ARROW1") {
            return Ok(Outcome::Broken(Fault::new(
                Some(format!("byte {}", bytes.len())),
                "the file is cut short: it does not end with 'ARROW1'",
                AGAIN,
            )));
        }
        return Ok(match FileReader::try_new(Cursor::new(bytes), None) {
            Ok(batches) => blocks(batches, until),
            Err(error) => opening(&error, "Arrow"),
        });
    }
    Ok(match StreamReader::try_new(Cursor::new(bytes), None) {
        Ok(batches) => blocks(batches, until),
        Err(error) => opening(&error, "Arrow"),
    })
}

/// Examines an Avro file.
pub(super) async fn avro(file: &File<'_>, until: Option<Instant>) -> Result<Outcome> {
    let bytes = whole(file).await?;
    if !bytes.starts_with(b"Obj\x01") {
        return Ok(Outcome::Broken(Fault::new(
            Some("byte 0".to_string()),
            "this is no Avro file: it does not begin with 'Obj' and 1",
            "give it the name its contents have, or write it again",
        )));
    }
    Ok(match ReaderBuilder::new().build(Cursor::new(bytes)) {
        Ok(batches) => blocks(batches, until),
        Err(error) => opening(&error, "Avro"),
    })
}

async fn whole(file: &File<'_>) -> Result<Bytes> {
    let failed = |error| ConnectorError::from_store(file.shown, &error);
    file.store.get(&file.meta.location).await.map_err(failed)?.bytes().await.map_err(failed)
}

fn opening(error: &ArrowError, kind: &str) -> Outcome {
    let reason = format!("it cannot be opened as {kind} ({error})");
    Outcome::Broken(Fault::new(Some("header".to_string()), reason, AGAIN))
}

fn blocks(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    until: Option<Instant>,
) -> Outcome {
    let mut rows = 0;
    for (index, batch) in batches.enumerate() {
        match batch {
            Ok(batch) => rows += batch.num_rows() as u64,
            Err(error) => {
                return Outcome::Broken(Fault::new(
                    Some(format!("block {index}, after row {rows}")),
                    error.to_string(),
                    AGAIN,
                ));
            }
        }
        if past(until) {
            return Outcome::Sound { rows: None };
        }
    }
    Outcome::Sound { rows: Some(rows) }
}
