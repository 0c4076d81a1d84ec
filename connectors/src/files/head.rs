//! Reading the beginning of a file, unpacked: enough to tell its format, or to detect what a CSV
//! file looks like. The file is streamed and dropped, so servers without ranges will do.

use std::sync::Arc;

use datafusion::common::parsers::CompressionTypeVariant as Compression;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{ConnectorError, Result, innermost};

/// The beginning of a file.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    /// It is the whole file.
    pub(crate) complete: bool,
}

/// The first `limit` bytes of a file, or a few more.
pub(crate) async fn head(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    shown: &str,
    limit: usize,
    compression: Compression,
) -> Result<Head> {
    let failed = |error: &object_store::Error| ConnectorError::from_store(shown, error);
    let packed = store
        .get(path)
        .await
        .map_err(|error| failed(&error))?
        .into_stream()
        .map_err(DataFusionError::from)
        .boxed();
    let mut unpacked = FileCompressionType::from(compression).convert_stream(packed)?;
    let mut head = Head::default();
    while head.bytes.len() < limit {
        match unpacked.next().await {
            Some(Ok(part)) => head.bytes.extend_from_slice(&part),
            // What could be read may do; the query will find the fault and say where it is.
            Some(Err(_)) if !head.bytes.is_empty() => return Ok(head),
            Some(Err(DataFusionError::ObjectStore(error))) => return Err(failed(&error)),
            Some(Err(error)) => {
                return Err(ConnectorError::Fault {
                    path: shown.to_string(),
                    fault: crate::check::Fault::packing(compression, &innermost(&error)),
                });
            }
            None => {
                head.complete = true;
                break;
            }
        }
    }
    Ok(head)
}
