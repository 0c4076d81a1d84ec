//! A store of its own.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use object_store::ObjectStore;
use serde_json::Map;
use strata_engine::{Array, ArrayError, Attributes, Cuts, EngineError, Grid, Region, Tensor};
use url::Url;

use super::parts::Part;
use super::{Lengths, Saved, Saving};
use crate::chunked::written::Chunks;
use crate::zarr::write::{ArraySpec, Compression, Existing, StoreWriter};

/// What packing a chunk takes beside what goes in and comes out.
const PACKING: u64 = 4 << 20;

/// Writes a store, or nothing. What is said of it is said of a group of which this is said already, or of the array.
pub(super) async fn write(
    session: &SessionContext,
    parts: &[Part],
    url: &Url,
    store: Arc<dyn ObjectStore>,
    existing: Existing,
    saving: &Saving,
    about: Option<&Attributes>,
) -> Result<Saved, EngineError> {
    // What cannot be written is refused before the store that was there is gone.
    let mut specs = Vec::with_capacity(parts.len());
    for part in parts {
        let (array, spec) = spec(part, saving, about.is_some())?;
        let chunks = chunks(session, &array).await?;
        specs.push((array, spec, chunks));
    }
    let attributes = about.map(|about| about.with(&saving.attributes).to_map());
    let mut writer =
        StoreWriter::create(url, store, existing, attributes.unwrap_or_default()).await?;
    let mut saved = Saved::default();
    let mut written = Ok(());
    for (part, (array, spec, chunks)) in parts.iter().zip(specs) {
        let path = if part.alone { "" } else { part.name.as_str() };
        written = write_one(session, &mut writer, path, &array, &spec, chunks).await;
        if written.is_err() {
            break;
        }
        if !part.coordinate || parts.len() == 1 {
            saved.add(&array);
        }
    }
    match written {
        Ok(()) => writer.finish().await?,
        Err(error) => {
            // What went wrong first is what there is to say.
            let _ = writer.abort().await;
            return Err(error);
        }
    }
    Ok(saved)
}

/// The array as it is to be cut, and what is said of it.
fn spec(part: &Part, saving: &Saving, group: bool) -> Result<(Array, ArraySpec), ArrayError> {
    let (array, shape) = (part.array(), part.array().shape());
    let own = array.grid().0.iter().map(|cuts| cuts.longest().max(1));
    // Options are about values; coordinates are small.
    let options = if part.coordinate { (&None, &None) } else { (&saving.chunks, &saving.shards) };
    let shard = options.1.as_ref().map(|shards| lengths(shards, &shape, "shards")).transpose()?;
    let chunk = match options.0 {
        Some(chunks) => lengths(chunks, &shape, "chunks")?,
        None if shard.is_some() => {
            return Err(ArrayError::asked(
                "shards => holds several chunks: say their lengths with chunks => …",
            ));
        }
        None => own.collect(),
    };
    // A shard along all of a dimension ends with its last chunk.
    let shard = shard.map(|shard| {
        let along = shard.iter().zip(&chunk).zip(&shape);
        let one = |((shard, chunk), length): ((&u64, &u64), &u64)| match shard >= length {
            true => shard.checked_next_multiple_of(*chunk).unwrap_or(*shard),
            false => *shard,
        };
        along.map(one).collect::<Vec<u64>>()
    });
    let object = shard.clone().unwrap_or_else(|| chunk.clone());
    let cuts = shape.iter().zip(&object).map(|(length, piece)| Cuts::even(*length, *piece));
    let array = array.rechunk(Grid(cuts.collect()))?;
    let mut spec = ArraySpec::new(array.dtype(), shape, chunk);
    spec.shard = shard;
    spec.dims = array.dims().to_vec();
    // Where values are not kept as they are, coordinates are.
    if !part.coordinate || !matches!(saving.compression, Compression::Zfp(_)) {
        spec.compression = saving.compression.clone();
    }
    let more = if group || part.coordinate { &Map::new() } else { &saving.attributes };
    spec.attributes = part.array().attributes().with(more).to_map();
    spec.check(&part.name)?;
    Ok((array, spec))
}

/// Lengths for a shape.
fn lengths(wanted: &Lengths, shape: &[u64], what: &str) -> Result<Vec<u64>, ArrayError> {
    let all = match wanted {
        Lengths::All(one) => vec![*one; shape.len()],
        Lengths::Each(all) if all.len() == shape.len() => all.clone(),
        Lengths::Each(all) => {
            return Err(ArrayError::asked(format!(
                "{what} => has {} lengths for {} dimensions",
                all.len(),
                shape.len()
            )));
        }
    };
    let one = |(wanted, length): (i64, &u64)| match wanted {
        -1 => Ok((*length).max(1)),
        wanted if wanted > 0 => Ok(wanted.unsigned_abs()),
        other => Err(ArrayError::asked(format!(
            "{what} => {other}: a length is above 0, or -1 for all of a dimension"
        ))),
    };
    all.into_iter().zip(shape).map(one).collect()
}

/// The chunks of an array, planned beside what it takes to write them.
async fn chunks(session: &SessionContext, array: &Array) -> Result<Chunks, EngineError> {
    let largest = array.grid().largest().unwrap_or(u64::MAX);
    let values = largest.saturating_mul(array.dtype().width() as u64);
    // As they are stored, and packed; and what packing looks back at.
    Chunks::of(session, array, values.saturating_mul(2).saturating_add(PACKING)).await
}

async fn write_one(
    session: &SessionContext,
    writer: &mut StoreWriter,
    path: &str,
    array: &Array,
    spec: &ArraySpec,
    chunks: Chunks,
) -> Result<(), EngineError> {
    let into = writer.array(path, spec).await?;
    let grid = array.grid();
    let write = |region: Region, values: Tensor| {
        let along = region.iter().zip(&grid.0);
        let place: Vec<u64> = along.map(|(range, cuts)| cuts.holding(range.start)).collect();
        let into = into.clone();
        async move { into.write_chunk(&place, &values).await }
    };
    chunks.each(session, write).await
}
