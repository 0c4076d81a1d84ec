//! The documents that say what lies at a place: `zarr.json` of Zarr v3, `.zarray`, `.zgroup`, `.zattrs`
//! and `.zmetadata` of v2. Where a group's document holds those of all below it, no others are read.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Map, Value};
use strata_engine::ArrayError;

use super::json;
use super::layout::Layout;
use super::place::{Found, Place, PlaceError};
use super::{v2, v3};

/// What is said of one node.
#[derive(Debug, Clone)]
pub(super) enum Document {
    /// An array of Zarr v3, or of v2 with what stands in `.zattrs`.
    V3(Map<String, Value>),
    V2(Map<String, Value>, Map<String, Value>),
    /// A group: its attributes, and all nodes below it, where it says.
    Group(Map<String, Value>, Option<BTreeMap<String, Document>>),
}

impl Document {
    /// The layout of an array.
    pub(super) fn layout(&self) -> Result<Layout, String> {
        match self {
            Self::V3(said) => v3::layout(said),
            Self::V2(said, attributes) => v2::layout(said, attributes),
            Self::Group(..) => Err("it is a group, not an array".to_string()),
        }
    }
}

/// What lies at a place, and what tells it from what may lie there later; none where nothing does.
pub(super) async fn read(place: &Place) -> Result<Option<(Document, String)>, ArrayError> {
    // Who may not list a bucket is told that what is not there is forbidden. It is an error only if
    // nothing else is found.
    let forbidden = Mutex::new(None);
    if let Some((said, version)) = object(place, "zarr.json", &forbidden).await? {
        return of_v3(said)
            .map(|document| Some((document, version)))
            .map_err(|reason| bad(place, "zarr.json", reason));
    }
    let keys =
        [".zmetadata", ".zarray", ".zgroup", ".zattrs"].map(|key| object(place, key, &forbidden));
    let [all, array, group, attributes] = keys;
    let (all, array, group, attributes) = futures::try_join!(all, array, group, attributes)?;
    let attributes = attributes.map(|(attributes, _)| attributes).unwrap_or_default();
    if let Some((array, version)) = array {
        return Ok(Some((Document::V2(array, attributes), version)));
    }
    if let Some((said, version)) = all {
        let (attributes, below) =
            of_v2(&said).map_err(|reason| bad(place, ".zmetadata", reason))?;
        return Ok(Some((Document::Group(attributes, Some(below)), version)));
    }
    match (group, forbidden.lock().take()) {
        (Some((_, version)), _) => Ok(Some((Document::Group(attributes, None), version))),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(None),
    }
}

/// One document.
async fn object(
    place: &Place,
    key: &str,
    forbidden: &Mutex<Option<ArrayError>>,
) -> Result<Option<(Map<String, Value>, String)>, ArrayError> {
    use object_store::Error::{PermissionDenied, Unauthenticated};

    let found = match place.get(key).await {
        Ok(found) => found,
        Err(error) => {
            let denied = matches!(
                error,
                PlaceError::Store(PermissionDenied { .. } | Unauthenticated { .. })
            );
            let error = bad(place, key, error.to_string());
            if !denied {
                return Err(error);
            }
            forbidden.lock().get_or_insert(error);
            None
        }
    };
    let read = |found: Found| {
        let said = json::object(&found.bytes).map_err(|reason| bad(place, key, reason))?;
        Ok((said, found.version))
    };
    found.map(read).transpose()
}

fn bad(place: &Place, key: &str, reason: String) -> ArrayError {
    ArrayError::Source { array: place.title(), reason: format!("{key}: {reason}") }
}

/// A node of Zarr v3.
fn of_v3(mut said: Map<String, Value>) -> Result<Document, String> {
    match said.get("node_type").and_then(Value::as_str) {
        Some("array") => Ok(Document::V3(said)),
        Some("group") => {
            let attributes = match said.remove("attributes") {
                Some(Value::Object(attributes)) => attributes,
                _ => Map::new(),
            };
            let below = match said.remove("consolidated_metadata") {
                Some(Value::Object(mut all)) => match all.remove("metadata") {
                    Some(Value::Object(below)) => Some(below),
                    _ => None,
                },
                _ => None,
            };
            let node = |(path, said): (String, Value)| {
                let Value::Object(said) = said else {
                    return Err(format!("'{path}' is no object"));
                };
                Ok((path.trim_matches('/').to_string(), of_v3(said)?))
            };
            let below = below.map(|below| below.into_iter().map(node).collect()).transpose()?;
            Ok(Document::Group(attributes, below))
        }
        _ => Err("it says neither that it is an array nor a group".to_string()),
    }
}

/// What `.zmetadata` says: the attributes of the root, and all nodes below.
#[expect(clippy::type_complexity)]
fn of_v2(
    said: &Map<String, Value>,
) -> Result<(Map<String, Value>, BTreeMap<String, Document>), String> {
    let all = said.get("metadata").and_then(Value::as_object).ok_or("it has no 'metadata'")?;
    let mut below = BTreeMap::new();
    let attributes = |path: &str| {
        let key = if path.is_empty() { ".zattrs".to_string() } else { format!("{path}/.zattrs") };
        all.get(&key).and_then(Value::as_object).cloned().unwrap_or_default()
    };
    for (key, value) in all {
        let (path, name) = key.rsplit_once('/').unwrap_or(("", key));
        match (name, value) {
            (".zarray", Value::Object(said)) => {
                below.insert(path.to_string(), Document::V2(said.clone(), attributes(path)));
            }
            (".zgroup", _) if !path.is_empty() => {
                below.insert(path.to_string(), Document::Group(attributes(path), None));
            }
            _ => {}
        }
    }
    Ok((attributes(""), below))
}
