//! The arrays of a Zarr store as people mean them: with the names of their dimensions, their coordinates,
//! and their numbers decoded as the CF conventions have it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::ObjectStore;
use strata_engine::{Array, ArrayError, Attributes, Labelled, nearest};
use url::Url;

use super::cf::decoded;
use super::{Group, Node, Place, open};
use crate::files::location::Location;
use crate::stores::Stores;

/// What a place has.
#[derive(Debug, Clone)]
pub enum Opened {
    /// One array.
    Array(Labelled),
    /// Arrays that share their dimensions.
    Group(Variables),
}

/// The arrays of a group, and why those cannot be read that cannot.
#[derive(Debug, Clone)]
pub struct Variables {
    /// What the group is called.
    pub title: String,
    /// Its arrays, by name.
    pub arrays: BTreeMap<String, Result<Labelled, ArrayError>>,
    /// What is said of all of them.
    pub attributes: Attributes,
}

impl Variables {
    /// Arrays of which nothing is said but what is said of each.
    pub fn new(
        title: impl Into<String>,
        arrays: BTreeMap<String, Result<Labelled, ArrayError>>,
    ) -> Self {
        Self { title: title.into(), arrays, attributes: Attributes::default() }
    }

    /// The array of this name.
    pub fn get(&self, name: &str) -> Result<Labelled, ArrayError> {
        match self.arrays.get(name) {
            Some(array) => array.clone(),
            None => {
                let names: Vec<&str> = self.arrays.keys().map(String::as_str).collect();
                Err(ArrayError::asked(match nearest(name, names.iter().copied()) {
                    Some(close) => {
                        format!("{} has no array '{name}': did you mean '{close}'?", self.title)
                    }
                    None => {
                        format!("{} has no array '{name}', but {}", self.title, names.join(", "))
                    }
                }))
            }
        }
    }

    /// What there is, as a table.
    pub fn listing(&self) -> ([&'static str; 6], Vec<Vec<Option<String>>>) {
        let row = |(name, array): (&String, &Result<Labelled, ArrayError>)| {
            let told = match array {
                Ok(array) => {
                    let array = &array.array;
                    let dims = array.dims().iter().zip(array.shape()).map(|(dim, length)| {
                        format!("{}: {length}", dim.as_deref().unwrap_or("-"))
                    });
                    let dims: Vec<String> = dims.collect();
                    let bytes = strata_engine::ByteSize(array.bytes()).to_string();
                    let (dtype, chunks) = (array.dtype().to_string(), array.grid().to_string());
                    let about = array.attributes().about().unwrap_or_default();
                    [dims.join(", "), dtype, chunks, bytes, about]
                }
                Err(error) => {
                    [error.to_string(), String::new(), String::new(), String::new(), String::new()]
                }
            };
            std::iter::once(Some(name.clone())).chain(told.map(Some)).collect()
        };
        let rows = self.arrays.iter().map(row).collect();
        (["variable", "dimensions", "type", "chunks", "size", "about"], rows)
    }
}

/// Opens a path or URL, with what a session may read. Only what describes arrays, and no values, is read.
pub async fn variables(session: &SessionContext, path: &str) -> Result<Opened, ArrayError> {
    let url = located(path, true)?;
    let place = Place::new(&url, store_of(&session.runtime_env(), &url)?)?;
    Ok(match open(&place).await? {
        Node::Array(array) => Opened::Array(decoded(&array)?.into()),
        Node::Group(group) => Opened::Group(labelled(place.title(), &group)),
    })
}

/// The URL of a store, or of another `folder` or file of arrays, that a person named by a path or a URL.
pub(crate) fn located(path: &str, folder: bool) -> Result<Url, ArrayError> {
    let refused = |reason: String| ArrayError::Source { array: path.to_string(), reason };
    let location = Location::parse(path).map_err(|error| refused(error.to_string()))?;
    if location.is_glob() {
        return Err(refused(
            "arrays are in one file or folder: name it without '*' or '?'".to_string(),
        ));
    }
    location.url(&location.base, folder).map_err(|error| refused(error.to_string()))
}

/// The store of a URL, with what a session may read.
pub(crate) fn store_of(
    runtime: &RuntimeEnv,
    url: &Url,
) -> Result<Arc<dyn ObjectStore>, ArrayError> {
    runtime
        .object_store_registry
        .get_store(url)
        .map_err(|error| ArrayError::Source { array: url.to_string(), reason: error.to_string() })
}

/// The same, for who writes there.
pub(crate) fn store_to_write(
    session: &SessionContext,
    url: &Url,
) -> Result<Arc<dyn ObjectStore>, ArrayError> {
    let stores = session.state_ref().read().config().get_extension::<Stores>();
    if let Some(stores) = stores {
        stores.admit_write(url).map_err(|error| ArrayError::Source {
            array: url.to_string(),
            reason: error.to_string(),
        })?;
    }
    store_of(&session.runtime_env(), url)
}

/// The arrays of a group, each with the coordinates that are there for its dimensions.
fn labelled(title: String, group: &Group) -> Variables {
    let arrays: BTreeMap<String, Result<Array, ArrayError>> = group
        .arrays
        .iter()
        .map(|(name, array)| (name.clone(), array.clone().and_then(|array| decoded(&array))))
        .collect();
    let label = |(name, array): (&String, &Result<Array, ArrayError>)| {
        let labelled = array.clone().map(|array| {
            let mut coords = BTreeMap::new();
            for (dim, length) in array.dims().iter().zip(array.shape()) {
                let Some(dim) = dim else { continue };
                if let Some(Ok(coord)) = arrays.get(dim)
                    && coord.shape() == [length]
                {
                    coords.insert(dim.clone(), coord.clone());
                }
            }
            Labelled { name: Some(name.clone()), array, coords }
        });
        (name.clone(), labelled)
    };
    let attributes = group.attributes.clone().into();
    Variables { title, arrays: arrays.iter().map(label).collect(), attributes }
}
