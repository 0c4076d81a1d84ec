//! Some of what is there is replaced. New chunks lie aside until all are there; those of which only a part is
//! replaced are read first.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, ArrayError, ArraySource, EngineError};

use super::parts::Part;
use super::{Saved, Start, alike, cf, into_place, of_part, there};
use crate::error::innermost;
use crate::stores::AsideStore;
use crate::zarr::ZarrArray;
use crate::zarr::encode::encoded;
use crate::zarr::hierarchy::Group;
use crate::zarr::place::Place;
use crate::zarr::write::ArrayWriter;

/// Writes parts over what is there. Coordinates stay as they are.
pub(super) async fn write(
    session: &SessionContext,
    parts: &[Part],
    place: &Place,
    start: &Start,
) -> Result<Saved, EngineError> {
    let group = there(place).await?;
    let folder = (place.url().scheme() == "file").then(|| place.url().to_file_path().ok());
    let aside = AsideStore::new(Arc::clone(place.store()), &place.root.prefix, folder.flatten());
    let aside = Arc::new(aside);
    let mut all = Vec::new();
    for part in parts.iter().filter(|part| !part.coordinate) {
        let (_, array) = of_part(&group, part, place)?;
        let start = match start {
            Start::At(start) => start.clone(),
            Start::ByLabels => labelled(session, part, array, &group).await?,
        };
        let (shape, own) = (array.form().shape(), part.array().shape());
        let ends = start.iter().zip(&own).map(|(start, length)| start.checked_add(*length));
        let within = |(end, length): (Option<u64>, &u64)| end.is_some_and(|end| end <= *length);
        if start.len() != shape.len() || !ends.zip(&shape).all(within) {
            return Err(ArrayError::Source {
                array: array.title(),
                reason: format!(
                    "{own:?} values from {start:?} on do not lie within its shape {shape:?}: region => says \
                     where the first value goes, along each dimension"
                ),
            }
            .into());
        }
        all.push((
            encoded(&part.values, array)?,
            ArrayWriter::existing(array, Arc::clone(&aside) as _)?,
            start,
        ));
    }
    if all.is_empty() {
        return Err(ArrayError::asked("there are no values to write, but coordinates only").into());
    }
    let mut saved = Saved::default();
    for (encoded, into, start) in &all {
        if let Err(error) = into_place(session, encoded, into, start).await {
            aside.abort().await;
            return Err(error);
        }
        saved.add(&encoded.array);
    }
    Arc::clone(&aside).commit().await.map_err(|(path, shown, error)| ArrayError::Source {
        array: place.title(),
        reason: format!(
            "'{path}' could not be replaced, and {shown} of its objects were: write the region again ({})",
            innermost(&error)
        ),
    })?;
    Ok(saved)
}

/// Where the labels of a part are those that are there.
async fn labelled(
    session: &SessionContext,
    part: &Part,
    array: &ZarrArray,
    group: &Group,
) -> Result<Vec<u64>, EngineError> {
    let mut start = Vec::new();
    for (dim, length) in part.array().dims().iter().zip(array.form().shape()) {
        let own = dim.as_ref().and_then(|dim| part.values.coords.get(dim));
        let there = dim.as_ref().and_then(|dim| group.arrays.get(dim));
        let found = match (own, there) {
            (Some(own), Some(Ok(there))) => find(session, own, &cf::decoded(there)?).await?,
            // Without labels only all of it can be meant.
            _ if part.array().shape().get(start.len()) == Some(&length) => Some(0),
            _ => None,
        };
        let at = found.ok_or_else(|| ArrayError::Source {
            array: array.title(),
            reason: format!(
                "along '{}' there are no places in a row with the coordinates of what is written: say where \
                 it goes with numbers, as in region => (0, 10)",
                dim.as_deref().unwrap_or("-")
            ),
        })?;
        start.push(at);
    }
    Ok(start)
}

/// The place from which on the labels are these.
async fn find(
    session: &SessionContext,
    own: &Array,
    there: &Array,
) -> Result<Option<u64>, EngineError> {
    let Some((own, there)) = alike(own, there)? else { return Ok(None) };
    let (own, there) = (own.compute(session).await?, there.compute(session).await?);
    let (own, there, width) = (own.data().as_slice(), there.data().as_slice(), own.dtype().width());
    let mut starts = there.chunks_exact(width).enumerate().map(|(at, _)| at);
    let found = starts.find(|at| {
        at.checked_mul(width)
            .and_then(|at| there.get(at..))
            .is_some_and(|rest| rest.starts_with(own))
    });
    Ok(found.map(|at| at as u64))
}
