//! What is written together: arrays, and the coordinates that they share.

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, ArrayError, EngineError, Labelled};

use super::{Saves, same};

/// One array on its way.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) values: Labelled,
    /// Whether it says what the places along its dimension are.
    pub(super) coordinate: bool,
    /// Whether a store of its own is this array, and no group.
    pub(super) alone: bool,
}

impl Part {
    pub(super) fn array(&self) -> &Array {
        &self.values.array
    }
}

/// The parts, coordinates first.
pub(super) async fn of(
    session: &SessionContext,
    what: Saves<'_>,
) -> Result<Vec<Part>, EngineError> {
    let mut parts = Vec::new();
    match what {
        Saves::Array(labelled) => {
            let named = is_named(&labelled.array) && labelled.array.ndim() > 0;
            let name = labelled.name.clone().unwrap_or_else(|| "values".to_string());
            match named {
                true => add(session, &mut parts, name, labelled).await?,
                false => parts.push(Part {
                    name,
                    values: labelled.clone(),
                    coordinate: false,
                    alone: true,
                }),
            }
        }
        Saves::Group(group) => {
            for (name, array) in &group.arrays {
                let labelled = array.as_ref().map_err(Clone::clone)?;
                if !is_named(&labelled.array) {
                    return Err(ArrayError::asked(format!(
                        "the dimensions of '{name}' have no names, by which arrays of a group share them: name \
                         them, as in zeros(3, 4, dims => ('lat', 'lon'))"
                    ))
                    .into());
                }
                add(session, &mut parts, name.clone(), labelled).await?;
            }
        }
    }
    if parts.is_empty() {
        return Err(ArrayError::asked("there is no array to write").into());
    }
    lengths(&parts)?;
    parts.sort_by_key(|part| !part.coordinate);
    Ok(parts)
}

fn is_named(array: &Array) -> bool {
    array.dims().iter().all(Option::is_some)
}

/// Adds an array, and those of its coordinates that are not there.
async fn add(
    session: &SessionContext,
    parts: &mut Vec<Part>,
    name: String,
    labelled: &Labelled,
) -> Result<(), EngineError> {
    let own = labelled.array.dims();
    let coordinate = matches!(own, [Some(dim)] if *dim == name);
    for (dim, coord) in &labelled.coords {
        if *dim != name {
            add_one(session, parts, dim.clone(), coord.clone().into(), true).await?;
        }
    }
    add_one(session, parts, name, labelled.clone(), coordinate).await
}

async fn add_one(
    session: &SessionContext,
    parts: &mut Vec<Part>,
    name: String,
    values: Labelled,
    coordinate: bool,
) -> Result<(), EngineError> {
    let Some(there) = parts.iter().find(|part| part.name == name) else {
        parts.push(Part { name, values, coordinate, alone: false });
        return Ok(());
    };
    if there.coordinate && coordinate && same(session, there.array(), &values.array).await? {
        return Ok(());
    }
    Err(ArrayError::asked(format!(
        "two of the arrays have different values for '{name}', which they are to share: choose the same places \
         of both, or save them into two stores"
    ))
    .into())
}

/// Fails unless a dimension is of one length wherever it is.
fn lengths(parts: &[Part]) -> Result<(), ArrayError> {
    let mut known: Vec<(&str, u64, &str)> = Vec::new();
    for part in parts {
        for (dim, length) in part.array().dims().iter().zip(part.array().shape()) {
            let Some(dim) = dim.as_deref() else { continue };
            match known.iter().find(|(name, ..)| *name == dim) {
                None => known.push((dim, length, part.name.as_str())),
                Some((_, other, _)) if *other == length => {}
                Some((_, other, first)) => {
                    return Err(ArrayError::asked(format!(
                        "'{dim}' has {other} places in '{first}' and {length} in '{}': arrays of one group \
                         share their dimensions",
                        part.name
                    )));
                }
            }
        }
    }
    Ok(())
}
