//! Writing a store: one array, or a group of several. It appears whole or not at all: what says that
//! there is something is written last.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde_json::{Map, Value, json};
use strata_engine::{ArrayError, ArraySource};
use url::Url;

use super::array::ArrayWriter;
use super::spec::ArraySpec;
use super::stage::{Stage, clear};
use crate::zarr::hierarchy::{self, Node};
use crate::zarr::layout::Layout;
use crate::zarr::metadata::{self, Document};
use crate::zarr::place::Place;
use crate::zarr::{ZarrArray, json, v3};

/// What to do with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Refuse to write.
    #[default]
    Refuse,
    /// Put the new store in its place. On a local disk the old one is there until the new one is; in
    /// an object store it goes first.
    Overwrite,
}

/// A store that is being written.
#[derive(Debug)]
pub struct StoreWriter {
    stage: Stage,
    /// What the new arrays say of themselves, by their path.
    made: BTreeMap<String, Map<String, Value>>,
    /// The new shapes of arrays that were there, and their old ones.
    grown: BTreeMap<String, (ZarrArray, Vec<u64>)>,
    attributes: Map<String, Value>,
    /// Whether a store was there, and is added to.
    adds: bool,
}

impl StoreWriter {
    /// Starts a store at a URL.
    pub async fn create(
        url: &Url,
        store: Arc<dyn ObjectStore>,
        existing: Existing,
        attributes: Map<String, Value>,
    ) -> Result<Self, ArrayError> {
        let place = Place::new(url, Arc::clone(&store))?;
        if place.is_archive() {
            return Err(source(
                &place,
                "archives are read, not written; write a folder, and pack it",
            ));
        }
        // What cannot be read may be overwritten all the same.
        let there = !matches!(metadata::read(&place).await, Ok(None));
        let files =
            !there && !place.keys().await.map_err(|error| source(&place, error))?.is_empty();
        match existing {
            Existing::Refuse if there => {
                return Err(source(
                    &place,
                    "it is there already; overwrite it, append to it, or choose another name",
                ));
            }
            _ if files => {
                return Err(source(
                    &place,
                    "there are files, which are no Zarr store; choose another name",
                ));
            }
            _ => {}
        }
        let stage = Stage::new(url, store)?;
        if there && stage.is_seen() {
            hide(&place).await?;
            clear(&place, |_| false).await.map_err(|error| source(&place, error))?;
        }
        Ok(Self { stage, made: BTreeMap::new(), grown: BTreeMap::new(), attributes, adds: false })
    }

    /// Starts adding to the store at a URL: new arrays to a group, or more to arrays that are there.
    /// Until it is finished, readers find what was there before.
    pub async fn append(url: &Url, store: Arc<dyn ObjectStore>) -> Result<Self, ArrayError> {
        let place = Place::new(url, store)?;
        if place.is_archive() {
            return Err(source(&place, "archives are read, not written"));
        }
        if metadata::read(&place).await?.is_none() {
            return Err(source(&place, "there is no Zarr store to append to"));
        }
        let (made, grown) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { stage: Stage::in_place(place), made, grown, attributes: Map::new(), adds: true })
    }

    /// Adds an array, by its path in the store: `temp`, or nothing where the store is one array.
    pub async fn array(&mut self, path: &str, spec: &ArraySpec) -> Result<ArrayWriter, ArrayError> {
        let path = path.trim_matches('/');
        let place = self.stage.place.child(path);
        let lonely = (self.made.contains_key("") || path.is_empty()) && !self.made.is_empty();
        let twice = |other: &String| {
            let below = |a: &str, b: &str| {
                a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            below(path, other) || below(other, path)
        };
        if lonely || self.made.keys().chain(self.grown.keys()).any(twice) {
            return Err(source(&place, "another array of this store has its place"));
        }
        let named = |part: &str| {
            !part.is_empty()
                && !part.starts_with("__")
                && part != "."
                && part != ".."
                && part != "c"
        };
        if !path.is_empty() && !path.split('/').all(named) {
            return Err(source(&place, "no array can be called so"));
        }
        if self.adds {
            match metadata::read(&self.stage.place).await? {
                Some((Document::Group(..), _))
                    if self
                        .stage
                        .place
                        .get("zarr.json")
                        .await
                        .is_ok_and(|found| found.is_some()) => {}
                Some((Document::Group(..), _)) => {
                    return Err(source(
                        &place,
                        "its group is of Zarr v2, to which no arrays are added",
                    ));
                }
                _ => {
                    return Err(source(
                        &place,
                        "the store is one array, and no group to add others to",
                    ));
                }
            }
            if metadata::read(&place).await?.is_some() {
                return Err(source(&place, "it is there already"));
            }
        }
        let document = spec.document();
        let layout = v3::layout(&document).map_err(|reason| source(&place, reason))?;
        let writer = ArrayWriter::new(place, layout, None)?;
        self.made.insert(path.to_string(), document);
        Ok(writer)
    }

    /// Lets an array that is there grow by so many values along a dimension. Only these are written.
    pub async fn grow(
        &mut self,
        path: &str,
        dimension: usize,
        by: u64,
    ) -> Result<ArrayWriter, ArrayError> {
        let path = path.trim_matches('/');
        let place = self.stage.place.child(path);
        if !self.adds || self.made.contains_key(path) || self.grown.contains_key(path) {
            return Err(source(&place, "only an array that is there can grow, and once at a time"));
        }
        let Node::Array(array) = hierarchy::open(&place).await? else {
            return Err(source(&place, "it is a group, not an array"));
        };
        let before = array.form().shape();
        let mut layout: Layout = array.layout().clone();
        let longer = layout.shape.get_mut(dimension).and_then(|length| {
            *length = length.checked_add(by)?;
            Some(())
        });
        longer
            .ok_or_else(|| source(&place, format!("it cannot grow along dimension {dimension}")))?;
        crate::zarr::gate::sizes(&layout).map_err(|reason| source(&place, reason))?;
        let shape = layout.shape.clone();
        let writer = ArrayWriter::new(place, layout, Some(before))?;
        self.grown.insert(path.to_string(), (ZarrArray::clone(&array), shape));
        Ok(writer)
    }

    /// Shows what was written: the documents of arrays first, and that of the store last.
    pub async fn finish(mut self) -> Result<(), ArrayError> {
        match self.describe().await {
            Ok(()) => {}
            Err(error) => {
                // The first error says more than one of cleaning up.
                let _ = self.abort().await;
                return Err(error);
            }
        }
        self.stage.show().map_err(|error| source(&self.stage.place, error))
    }

    /// Removes what was written. What was there before stays.
    pub async fn abort(self) -> Result<(), ArrayError> {
        let place = &self.stage.place;
        if !self.stage.is_seen() {
            return Ok(());
        }
        let fail = |error| source(place, error);
        if !self.adds {
            return clear(place, |_| false).await.map_err(fail);
        }
        for path in self.made.keys() {
            clear(&place.child(path), |_| false).await.map_err(fail)?;
        }
        for (path, (array, _)) in &self.grown {
            let counts = array.shards().unwrap_or_else(|| array.form().grid.clone()).counts();
            let keys = array.layout().keys;
            // What holds values of before stays: what was added to it is not looked at.
            let was_there = |key: &str| match keys.place(key, counts.len()) {
                Some(index) => index.iter().zip(&counts).all(|(at, count)| at < count),
                None => true,
            };
            clear(&place.child(path), was_there).await.map_err(fail)?;
        }
        Ok(())
    }

    /// Writes the documents.
    async fn describe(&self) -> Result<(), ArrayError> {
        let place = &self.stage.place;
        let mut below: BTreeMap<String, Value> = BTreeMap::new();
        for (path, document) in &self.made {
            for (at, _) in path.match_indices('/') {
                let group = path.get(..at).unwrap_or_default().to_string();
                below.entry(group).or_insert_with(|| group_document(Map::new()));
            }
            below.insert(path.clone(), Value::Object(document.clone()));
        }
        if let Some(only) = below.remove("") {
            return put(place, "zarr.json", &only).await;
        }
        for (path, document) in &below {
            let at = place.child(path);
            // A group that is there stays as it is.
            let group = document.get("node_type") == Some(&json!("group"));
            if !(self.adds && group && metadata::read(&at).await?.is_some()) {
                put(&at, "zarr.json", document).await?;
            }
        }
        if self.adds {
            return self.describe_more(below).await;
        }
        let all = json!({"kind": "inline", "must_understand": false, "metadata": below});
        let root = json!({
            "zarr_format": 3, "node_type": "group", "attributes": self.attributes,
            "consolidated_metadata": all
        });
        put(place, "zarr.json", &root).await
    }

    /// Writes what is new in documents that are there: those of arrays that grew, and of the store,
    /// where it repeats them.
    async fn describe_more(&self, made: BTreeMap<String, Value>) -> Result<(), ArrayError> {
        let place = &self.stage.place;
        let mut shapes = Vec::new();
        for (path, (array, shape)) in &self.grown {
            let at = place.child(path);
            for key in ["zarr.json", ".zarray"] {
                if let Some(mut document) = document(&at, key).await? {
                    if document.get("shape") != Some(&json!(array.form().shape())) {
                        return Err(source(&at, "it was changed by somebody else meanwhile"));
                    }
                    document.insert("shape".to_string(), json!(shape));
                    shapes.push((at.clone(), path, key, Value::Object(document)));
                    break;
                }
            }
        }
        // What repeats them is read before anything changes.
        let all = match document(place, "zarr.json").await? {
            Some(document) => Some(("zarr.json", document)),
            None => document(place, ".zmetadata").await?.map(|document| (".zmetadata", document)),
        };
        for (at, _, key, document) in &shapes {
            put(at, key, document).await?;
        }
        let Some((key, mut root)) = all else { return Ok(()) };
        let repeated = match key {
            "zarr.json" => {
                root.get_mut("consolidated_metadata").and_then(|all| all.get_mut("metadata"))
            }
            _ => root.get_mut("metadata"),
        };
        let Some(repeated) = repeated.and_then(Value::as_object_mut) else { return Ok(()) };
        for (_, path, file, document) in shapes {
            let name = if key == "zarr.json" { path.clone() } else { format!("{path}/{file}") };
            repeated.insert(name, document);
        }
        for (path, document) in made {
            repeated.entry(path).or_insert(document);
        }
        put(place, key, &Value::Object(root)).await
    }
}

/// What `zarr.json` says of a group.
fn group_document(attributes: Map<String, Value>) -> Value {
    json!({"zarr_format": 3, "node_type": "group", "attributes": attributes})
}

async fn document(place: &Place, key: &str) -> Result<Option<Map<String, Value>>, ArrayError> {
    let found = place.get(key).await.map_err(|error| source(place, error))?;
    found
        .map(|found| json::object(&found.bytes).map_err(|reason| source(place, reason)))
        .transpose()
}

async fn put(place: &Place, key: &str, document: &Value) -> Result<(), ArrayError> {
    let bytes = serde_json::to_vec_pretty(document).map_err(|error| source(place, error))?;
    let at = place.at(key).map_err(|error| source(place, error))?;
    place.store().put(&at, PutPayload::from(bytes)).await.map_err(|error| source(place, error))?;
    Ok(())
}

/// Takes away what says that there is a store, before what is in it.
async fn hide(place: &Place) -> Result<(), ArrayError> {
    for key in ["zarr.json", ".zmetadata", ".zarray", ".zgroup"] {
        let at = place.at(key).map_err(|error| source(place, error))?;
        match place.store().delete(&at).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(source(place, error)),
        }
    }
    Ok(())
}

fn source(place: &Place, reason: impl ToString) -> ArrayError {
    ArrayError::Source { array: place.title(), reason: reason.to_string() }
}
