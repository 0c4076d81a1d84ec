//! An array, computed and written chunk by chunk. The store appears whole or not at all.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use futures::{StreamExt, TryStreamExt};
use serde_json::Map;
use strata_engine::{Array, ArrayError, Cuts, EngineError, Grid, Labelled, cells};

use super::dataset::{located, store_of};
use super::write::{ArraySpec, Existing, StoreWriter};

/// So many chunks are packed and written at once.
const AT_ONCE: usize = 4;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Chunks of the values; coordinates are not counted.
    pub chunks: u64,
    /// Bytes of the values, before they are packed.
    pub bytes: u64,
}

/// Computes an array and writes it as Zarr v3: a group with its coordinates where its dimensions have
/// names, else the array alone.
pub async fn save(
    session: &SessionContext,
    labelled: &Labelled,
    path: &str,
    existing: Existing,
) -> Result<Saved, EngineError> {
    let url = located(path)?;
    let store = store_of(&session.runtime_env(), &url)?;
    let mut writer = StoreWriter::create(&url, store, existing, Map::new()).await?;
    let array = &labelled.array;
    let named = array.ndim() > 0 && array.dims().iter().all(Option::is_some);
    let name = labelled.name.as_deref().unwrap_or("values");
    let mut parts = vec![(if named { name } else { "" }.to_string(), array.clone())];
    if named {
        let coords = labelled.coords.iter().filter(|(dim, _)| *dim != name);
        parts.extend(coords.map(|(dim, coord)| (dim.clone(), coord.clone())));
    }
    let written = async {
        for (path, part) in &parts {
            write_one(session, &mut writer, path, part).await?;
        }
        Ok::<_, EngineError>(())
    };
    match written.await {
        Ok(()) => writer.finish().await?,
        Err(error) => {
            // What went wrong first is what there is to say.
            let _ = writer.abort().await;
            return Err(error);
        }
    }
    let chunks = evenly(array)?.grid().chunks().unwrap_or(0);
    Ok(Saved { chunks, bytes: array.bytes() })
}

/// The array in chunks of one shape, as a store has them.
fn evenly(array: &Array) -> Result<Array, ArrayError> {
    let cuts = array.grid().0.iter().map(|cuts| Cuts::even(cuts.length(), cuts.longest().max(1)));
    array.rechunk(Grid(cuts.collect()))
}

async fn write_one(
    session: &SessionContext,
    writer: &mut StoreWriter,
    path: &str,
    array: &Array,
) -> Result<(), EngineError> {
    let array = evenly(array)?;
    let grid = array.grid().clone();
    let chunk = grid.0.iter().map(|cuts| cuts.longest().max(1)).collect();
    let mut spec = ArraySpec::new(array.dtype(), array.shape(), chunk);
    spec.dims = array.dims().to_vec();
    let into = Arc::new(writer.array(path, &spec).await?);
    if cells(&array.shape()) == Some(0) {
        return Ok(());
    }
    let chunks = array.chunks(session).await?;
    chunks
        .map(|chunk| {
            let (into, grid) = (Arc::clone(&into), grid.clone());
            async move {
                let (region, values) = chunk?;
                let along = region.iter().zip(&grid.0);
                let place: Vec<u64> =
                    along.map(|(range, cuts)| cuts.holding(range.start)).collect();
                into.write_chunk(&place, &values).await?;
                Ok::<_, EngineError>(())
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
}
