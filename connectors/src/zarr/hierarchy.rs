//! What lies at a place: an array, or a group of arrays and groups. An array that cannot be read does
//! not keep the others of its group from being read.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};
use strata_engine::ArrayError;

use super::array::ZarrArray;
use super::metadata::{self, Document};
use super::place::Place;

/// Groups within groups beyond this are not looked into.
const DEEPEST: usize = 32;

/// How many nodes are asked for at a time.
const AT_ONCE: usize = 16;

/// What lies at a place.
#[derive(Debug)]
pub enum Node {
    /// An array.
    Array(Arc<ZarrArray>),
    /// A group.
    Group(Group),
}

/// Arrays and groups.
#[derive(Debug, Default)]
pub struct Group {
    /// Its arrays, by name, and why those cannot be read that cannot.
    pub arrays: BTreeMap<String, Result<Arc<ZarrArray>, ArrayError>>,
    /// The groups within.
    pub groups: BTreeMap<String, Group>,
    /// What its writers said of it.
    pub attributes: Map<String, Value>,
}

/// Opens what lies at a place. Only what describes arrays is read.
pub async fn open(place: &Place) -> Result<Node, ArrayError> {
    let Some((document, version)) = metadata::read(place).await? else {
        return Err(missing(place).await);
    };
    match document {
        Document::Group(attributes, below) => {
            Ok(Node::Group(group(place.clone(), attributes, below, version, 0).await?))
        }
        array => Ok(Node::Array(Arc::new(array_of(place, &array, version)?))),
    }
}

fn array_of(place: &Place, document: &Document, version: String) -> Result<ZarrArray, ArrayError> {
    let layout = document.layout();
    let layout = layout.map_err(|reason| ArrayError::Source { array: place.title(), reason })?;
    ZarrArray::new(place.clone(), layout, version)
}

/// Says that nothing is there, and what is.
async fn missing(place: &Place) -> ArrayError {
    let mut reason =
        "there is no Zarr array or group: none of zarr.json, .zarray, .zgroup and .zmetadata \
                      is there"
            .to_string();
    let title = place.title().to_ascii_lowercase();
    if [".nc", ".nc4", ".h5", ".hdf5"].iter().any(|ending| title.ends_with(ending)) {
        reason = "NetCDF and HDF5 files are not read: Xarray makes a Zarr store of one, by \
                  xarray.open_dataset(…).to_zarr(…)"
            .to_string();
    }
    let folders = place.folders().await.unwrap_or_default();
    if !folders.is_empty() {
        let names: Vec<&str> = folders.iter().take(5).map(String::as_str).collect();
        reason = format!("{reason}; there are folders {}", names.join(", "));
    }
    ArrayError::Source { array: place.title(), reason }
}

fn group(
    place: Place,
    attributes: Map<String, Value>,
    below: Option<BTreeMap<String, Document>>,
    version: String,
    depth: usize,
) -> BoxFuture<'static, Result<Group, ArrayError>> {
    async move {
        let mut found = Group { attributes, ..Group::default() };
        match below {
            Some(below) => {
                for (path, document) in below {
                    found.put(&place, &path, document, &version);
                }
            }
            None => found.look(&place, depth).await?,
        }
        Ok(found)
    }
    .boxed()
}

impl Group {
    /// Puts a node where its path says, below this one.
    fn put(&mut self, place: &Place, path: &str, document: Document, version: &str) {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.len() > DEEPEST {
            return;
        }
        let Some(name) = parts.pop() else { return };
        let mut group = self;
        for part in parts {
            group = group.groups.entry(part.to_string()).or_default();
        }
        match document {
            Document::Group(attributes, _) => {
                group.groups.entry(name.to_string()).or_default().attributes = attributes;
            }
            array => {
                let opened = array_of(&place.child(path), &array, version.to_string());
                group.arrays.insert(name.to_string(), opened.map(Arc::new));
            }
        }
    }

    /// Looks what lies below a place.
    async fn look(&mut self, place: &Place, depth: usize) -> Result<(), ArrayError> {
        if depth >= DEEPEST {
            return Ok(());
        }
        let source = |reason: String| ArrayError::Source { array: place.title(), reason };
        let folders = place.folders().await.map_err(|error| {
            source(format!(
                "what is in the group cannot be listed ({error}); name one of its arrays"
            ))
        })?;
        let look = async |name: String| {
            let at = place.child(&name);
            let node = match metadata::read(&at).await {
                Ok(None) => None,
                Ok(Some((Document::Group(attributes, below), version))) => {
                    Some(Ok(Node::Group(group(at, attributes, below, version, depth + 1).await?)))
                }
                Ok(Some((array, version))) => {
                    Some(array_of(&at, &array, version).map(|array| Node::Array(Arc::new(array))))
                }
                // What cannot be read may be anything: it is an array that cannot be read.
                Err(error) => Some(Err(error)),
            };
            Ok::<_, ArrayError>((name, node))
        };
        let found: Vec<_> = stream::iter(folders).map(look).buffered(AT_ONCE).try_collect().await?;
        for (name, node) in found {
            match node {
                None => {}
                Some(Ok(Node::Group(group))) => {
                    self.groups.insert(name, group);
                }
                Some(Ok(Node::Array(array))) => {
                    self.arrays.insert(name, Ok(array));
                }
                Some(Err(error)) => {
                    self.arrays.insert(name, Err(error));
                }
            }
        }
        Ok(())
    }
}
