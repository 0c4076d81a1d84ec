//! An array, computed and written as one `.npy` file. Chunks are written at their places as they come;
//! the file appears when all are there.

use std::ops::Range;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use object_store::ObjectStoreExt;
use strata_engine::{Array, ArrayError, EngineError, Region, Tensor};

use super::header;
use crate::chunked::boxes;
use crate::chunked::place::Place;
use crate::chunked::written::Chunks;
use crate::stores::WholeFile;
use crate::zarr::{Existing, Saved, located, store_to_write};

/// Computes an array and writes it as a `.npy` file of version 1, in the order of C. Names of dimensions
/// have no place there.
pub async fn save(
    session: &SessionContext,
    array: &Array,
    path: &str,
    existing: Existing,
) -> Result<Saved, EngineError> {
    let url = located(path, false)?;
    let store = store_to_write(session, &url)?;
    let place = Place::new(&url, Arc::clone(&store))?;
    let title = place.title();
    let fault = |reason: String| ArrayError::Source { array: title.clone(), reason };
    if place.is_archive() {
        return Err(
            fault("archives are read, not written: save each array as .npy".to_string()).into()
        );
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
    let head = header::write(array.dtype(), &array.shape());
    let start = head.len() as u64;
    let refused = |error: object_store::Error| fault(error.to_string());
    let length = start.saturating_add(array.bytes());
    let file = Arc::new(WholeFile::create(session, &url, store, at, length).await?);
    file.write(vec![(0, 0..head.len())], head.into()).await.map_err(refused)?;
    let (shape, width) = (array.shape(), array.dtype().width() as u64);
    let write = |region: Region, values: Tensor| {
        let file = Arc::clone(&file);
        let runs = runs(&region, &shape, width, start);
        let title = title.clone();
        async move {
            let written = file.write(runs, values.data().clone()).await;
            written.map_err(|error| ArrayError::Source { array: title, reason: error.to_string() })
        }
    };
    chunks.each(session, write).await?;
    let file = Arc::into_inner(file).ok_or_else(|| fault("it is still written".to_string()))?;
    file.finish().await.map_err(refused)?;
    let chunks = array.grid().chunks().unwrap_or(0);
    Ok(Saved { chunks, bytes: array.bytes() })
}

/// Where the values of a box belong in the file: places, and which of their bytes belong there.
pub(crate) fn runs(
    region: &[Range<u64>],
    shape: &[u64],
    width: u64,
    start: u64,
) -> Vec<(u64, Range<usize>)> {
    let whole = |(range, length): (&Range<u64>, &u64)| *range == (0..*length);
    let full = region.iter().zip(shape).rev().take_while(|both| whole((both.0, both.1))).count();
    // What is whole lies in a row, and so does a part of the dimension before.
    let along = (region.len() - full).saturating_sub(1);
    let (outer, inner) = region.split_at_checked(along).unwrap_or((&[], region));
    let count: u64 = inner.iter().map(|range| range.end - range.start).product();
    let length = (count * width) as usize;
    let strides = (0..region.len()).map(|axis| shape.iter().skip(axis + 1).product::<u64>());
    let strides: Vec<u64> = strides.collect();
    let place = |place: &[u64]| {
        let inner = inner.iter().map(|range| &range.start);
        let all = place.iter().chain(inner).zip(&strides);
        start + width * all.map(|(at, stride)| at * stride).sum::<u64>()
    };
    let outer = boxes::places(outer).enumerate();
    outer.map(|(at, outer)| (place(&outer), at * length..(at + 1) * length)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::single_range_in_vec_init)]
    fn boxes_are_runs_of_a_file() {
        assert_eq!(runs(&[], &[], 8, 64), [(64, 0..8)]);
        assert_eq!(runs(&[2..4], &[9], 8, 0), [(16, 0..16)]);
        assert_eq!(runs(&[1..3, 0..5], &[4, 5], 1, 10), [(15, 0..10)]);
        assert_eq!(runs(&[1..3, 2..4], &[4, 5], 2, 0), [(14, 0..4), (24, 4..8)]);
        let all = runs(&[0..2, 1..2, 0..3], &[2, 4, 3], 1, 0);
        assert_eq!(all, [(3, 0..3), (15, 3..6)]);
    }
}
