//! What is there grows along a dimension. Until all is written, readers find what was there: the shapes are
//! written last.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use object_store::ObjectStore;
use strata_engine::{ArrayError, ArraySource, EngineError};
use url::Url;

use super::parts::Part;
use super::{Saved, cf, into_place, of_part, same, there};
use crate::zarr::ZarrArray;
use crate::zarr::encode::{Encoded, encoded};
use crate::zarr::hierarchy::Group;
use crate::zarr::place::Place;
use crate::zarr::write::{ArrayWriter, StoreWriter};

/// One array that grows.
struct Growing {
    encoded: Encoded,
    into: ArrayWriter,
    start: Vec<u64>,
    coordinate: bool,
}

/// Writes parts behind what is there.
pub(super) async fn write(
    session: &SessionContext,
    parts: &[Part],
    url: &Url,
    store: Arc<dyn ObjectStore>,
    along: &str,
) -> Result<Saved, EngineError> {
    let place = Place::new(url, Arc::clone(&store))?;
    let group = there(&place).await?;
    let mut writer = StoreWriter::append(url, store).await?;
    let written = async {
        let all = begin(session, parts, &group, &place, &mut writer, along).await?;
        let mut saved = Saved::default();
        for growing in &all {
            into_place(session, &growing.encoded, &growing.into, &growing.start).await?;
            if !growing.coordinate {
                saved.add(&growing.encoded.array);
            }
        }
        Ok::<_, EngineError>(saved)
    };
    match written.await {
        Ok(saved) => {
            writer.finish().await?;
            Ok(saved)
        }
        Err(error) => {
            // What went wrong first is what there is to say.
            let _ = writer.abort().await;
            Err(error)
        }
    }
}

/// Looks at everything before anything is written.
async fn begin(
    session: &SessionContext,
    parts: &[Part],
    group: &Group,
    place: &Place,
    writer: &mut StoreWriter,
    along: &str,
) -> Result<Vec<Growing>, EngineError> {
    let mut all = Vec::new();
    let mut grown = Vec::new();
    for part in parts {
        let (name, array) = of_part(group, part, place)?;
        let Some(axis) = axis_of(array, along) else {
            if !same(session, &cf::decoded(array)?, part.array()).await? {
                let reason = format!(
                    "it has no dimension '{along}' to grow along, and what is there has other values"
                );
                return Err(ArrayError::Source { array: array.title(), reason }.into());
            }
            continue;
        };
        let (shape, own) = (array.form().shape(), part.array().shape());
        let other = |(at, (there, own)): (usize, (&u64, &u64))| at != axis && there != own;
        if shape.iter().zip(&own).enumerate().any(other) {
            return Err(ArrayError::Source {
                array: array.title(),
                reason: format!(
                    "its shape is {shape:?}, to which {own:?} cannot be added along '{along}': all other \
                     dimensions must be as long"
                ),
            }
            .into());
        }
        let encoded = encoded(&part.values, array)?;
        let by = own.get(axis).copied().unwrap_or(0);
        let start =
            shape.iter().enumerate().map(|(at, length)| if at == axis { *length } else { 0 });
        let start = start.collect();
        let into = writer.grow(name, axis, by).await?;
        grown.push(name);
        all.push(Growing { encoded, into, start, coordinate: part.coordinate });
    }
    if all.is_empty() {
        let reason = format!("none of the arrays has a dimension '{along}' to grow along");
        return Err(ArrayError::asked(reason).into());
    }
    // What is left behind would be shorter than the dimension.
    let behind = group.arrays.iter().find(|(name, array)| {
        let grows = array.as_ref().is_ok_and(|array| axis_of(array, along).is_some());
        grows && !grown.contains(&name.as_str())
    });
    if let Some((name, _)) = behind {
        return Err(ArrayError::Source {
            array: place.title(),
            reason: format!(
                "its array '{name}' has the dimension '{along}', too, and would not grow: save a dataset that \
                 has all of them"
            ),
        }
        .into());
    }
    Ok(all)
}

/// The dimension of a name, or of a number where it has no name.
fn axis_of(array: &ZarrArray, along: &str) -> Option<usize> {
    let dims = &array.form().dims;
    let named = dims.iter().position(|dim| dim.as_deref() == Some(along));
    let number = || along.parse().ok().filter(|axis: &usize| matches!(dims.get(*axis), Some(None)));
    named.or_else(number)
}
