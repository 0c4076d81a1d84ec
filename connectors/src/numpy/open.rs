//! NumPy's files as arrays. Only headers are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use futures::{StreamExt, stream};
use strata_engine::{Array, ArrayError, ArraySource, Labelled};

use super::array::NpyArray;
use super::header::{self, Header};
use crate::chunked::place::{Part, Place};
use crate::zarr::{Variables, located, store_of};

/// As much of a file is read for its header; more where that is longer.
const HEAD: u64 = 4096;

/// How many headers of an archive are read at a time.
const AT_ONCE: usize = 16;

/// The array of a `.npy` file.
pub async fn npy(session: &SessionContext, path: &str) -> Result<Labelled, ArrayError> {
    let place = placed(session, path)?;
    let name = place.title();
    let name = name.rsplit('/').next().unwrap_or(&name);
    let name = name.strip_suffix(".npy").unwrap_or(name).to_string();
    Ok(Labelled { name: Some(name), ..opened(&place, false).await?.into() })
}

/// The arrays of a `.npz` file.
pub async fn npz(session: &SessionContext, path: &str) -> Result<Variables, ArrayError> {
    let place = placed(session, path)?;
    let fault = |reason: String| ArrayError::Source { array: place.title(), reason };
    let entries = place.entries().await.map_err(|error| fault(error.to_string()))?;
    let entries = entries.ok_or_else(|| fault("its name does not end in .npz".to_string()))?;
    let named = entries.iter().filter_map(|(entry, told)| {
        Some((entry.strip_suffix(".npy")?.to_string(), place.child(entry), told.deflated))
    });
    let named: Vec<(String, Place, bool)> = named.collect();
    let arrays: BTreeMap<String, Result<Labelled, ArrayError>> = stream::iter(named)
        .map(|(name, place, deflated)| async move {
            let array = opened(&place, deflated).await;
            let labelled = array.map(|array| Labelled { name: Some(name.clone()), ..array.into() });
            (name, labelled)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    Ok(Variables::new(place.title(), arrays))
}

fn placed(session: &SessionContext, path: &str) -> Result<Place, ArrayError> {
    let url = located(path, false)?;
    Place::new(&url, store_of(&session.runtime_env(), &url)?)
}

/// The array at a place. What is deflated is unpacked from its start: it is one chunk.
async fn opened(place: &Place, deflated: bool) -> Result<Array, ArrayError> {
    let fault = |reason: String| ArrayError::Source { array: place.title(), reason };
    let (header, version) = head(place).await.map_err(fault)?;
    let fortran = header.fortran;
    let source: Arc<dyn ArraySource> =
        Arc::new(NpyArray::new(place.clone(), header, version, deflated));
    let array = Array::read(source)?;
    match fortran {
        true => array.transpose(&(0..array.ndim()).rev().collect::<Vec<_>>()),
        false => Ok(array),
    }
}

/// What a file says of its values, which are all there; and what tells it from another.
async fn head(place: &Place) -> Result<(Header, String), String> {
    let read = async |length: u64| {
        let found = place.read("", Part::Range(0..length), length).await;
        let found = found.map_err(|error| error.to_string())?;
        found.ok_or_else(|| "there is no such file".to_string())
    };
    let mut found = read(HEAD).await?;
    let length = header::length(&found.bytes)?;
    if length > found.bytes.len() as u64 && length <= found.size {
        found = read(length).await?;
    }
    let header = header::parse(&found.bytes)?;
    let end = header.end().unwrap_or(u64::MAX);
    if end > found.size {
        return Err(format!(
            "it is cut off: {} of shape {:?} take {end} bytes with their header, and {} are there",
            header.dtype, header.shape, found.size
        ));
    }
    Ok((header, found.version))
}
