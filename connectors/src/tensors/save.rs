//! An array, computed and written as one Arrow file. Chunks are written at their places as they come; the file
//! appears when all are there.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::execution::context::SessionContext;
use object_store::ObjectStoreExt;
use strata_engine::{ArrayError, Cuts, EngineError, Labelled, Region, Tensor, tensor_field};

use super::headers::{Batch, Headers};
use crate::chunked::place::Place;
use crate::chunked::written::Chunks;
use crate::numpy::runs;
use crate::stores::WholeFile;
use crate::zarr::{Existing, Saved, located, store_to_write};

/// A batch has as many rows of chunks as are no larger than this together.
const BATCH: u64 = 32 << 20;

/// Computes an array and writes it as an Arrow file of one column: tensors, of whole rows of chunks. The column is
/// called as the array is. Coordinates have no place there.
pub async fn save(
    session: &SessionContext,
    labelled: &Labelled,
    path: &str,
    existing: Existing,
) -> Result<Saved, EngineError> {
    let array = &labelled.array;
    let url = located(path, false)?;
    let store = store_to_write(session, &url)?;
    let place = Place::new(&url, Arc::clone(&store))?;
    let title = place.title();
    let fault = |reason: String| ArrayError::Source { array: title.clone(), reason };
    if place.is_archive() {
        return Err(fault("archives are read, not written".to_string()).into());
    }
    let at = place.at("").map_err(|error| fault(error.to_string()))?;
    match store.head(&at).await {
        Ok(_) if existing == Existing::Refuse => {
            let reason = "it is there already; overwrite it, or choose another name";
            return Err(fault(reason.to_string()).into());
        }
        Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => return Err(fault(error.to_string()).into()),
    }
    let chunks = Chunks::of(session, array, 0).await?;
    let (shape, width) = (array.shape(), array.dtype().width() as u64);
    let name = labelled.name.as_deref().unwrap_or("value");
    let (field, each) = tensor_field(name, array.dtype(), &shape, array.dims())?;
    let row = each.unsigned_abs() as u64 * width;
    let cuts = match array.grid().0.first() {
        Some(cuts) => cuts.up_to((BATCH / row.max(1)).max(1)),
        None => Cuts::even(0, 1),
    };
    let list = (shape.len() > 1).then_some(each.unsigned_abs().into());
    let batches = (0..cuts.pieces()).map(|at| {
        let piece = cuts.piece(at);
        let rows = piece.end - piece.start;
        Batch { rows, list, bytes: rows * row }
    });
    let headers = Headers::new(&Schema::new(vec![field]), batches)?;
    let refused = |error: object_store::Error| fault(error.to_string());
    let file = Arc::new(WholeFile::create(session, &url, store, at, headers.length).await?);
    for (at, part) in headers.parts {
        file.write(vec![(at, 0..part.len())], part.into()).await.map_err(refused)?;
    }
    let begins = headers.begins;
    let write = |mut region: Region, values: Tensor| {
        let file = Arc::clone(&file);
        let mut shape = shape.clone();
        // Within its batch, a chunk lies as in an array of that batch's rows.
        let first = region.first().map_or(0, |range| range.start);
        let batch = cuts.holding(first);
        let rows = cuts.piece(batch);
        if let (Some(range), Some(length)) = (region.first_mut(), shape.first_mut()) {
            *range = range.start - rows.start..range.end - rows.start;
            *length = rows.end - rows.start;
        }
        let begin = begins.get(batch as usize).copied();
        let runs = begin.map(|begin| runs(&region, &shape, width, begin));
        let title = title.clone();
        async move {
            let Some(runs) = runs else {
                let reason = "a chunk has no batch: this is a fault of Strata's".to_string();
                return Err(ArrayError::Source { array: title, reason });
            };
            let written = file.write(runs, values.data().clone()).await;
            written.map_err(|error| ArrayError::Source { array: title, reason: error.to_string() })
        }
    };
    chunks.each(session, write).await?;
    let file = Arc::into_inner(file).ok_or_else(|| fault("it is still written".to_string()))?;
    file.finish().await.map_err(refused)?;
    Ok(Saved { chunks: array.grid().chunks().unwrap_or(0), bytes: array.bytes() })
}
