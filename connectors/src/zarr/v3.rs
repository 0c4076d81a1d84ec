//! The metadata of an array of Zarr v3 (<https://zarr-specs.readthedocs.io/en/latest/v3/core/>), as a
//! [`Layout`].

use serde_json::{Map, Value};

use super::gate;
use super::layout::{Keys, Layout, Sharding};
use super::values::Stored;

/// What an array may say of itself. What else it says must allow not to be understood.
const FIELDS: [&str; 11] = [
    "zarr_format",
    "node_type",
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "attributes",
    "storage_transformers",
    "dimension_names",
];

/// Reads what an array says of itself.
pub(super) fn layout(said: &Map<String, Value>) -> Result<Layout, String> {
    if said.get("zarr_format").and_then(Value::as_u64) != Some(3) {
        return Err("it is of a version of Zarr that is not known; 2 and 3 are".to_string());
    }
    for (name, value) in said {
        let optional = value.get("must_understand") == Some(&Value::Bool(false));
        if !FIELDS.contains(&name.as_str()) && !optional {
            return Err(format!("it says a '{name}', which must be understood and is not"));
        }
    }
    if said.get("storage_transformers").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
    {
        return Err("it has storage transformers, and none are known".to_string());
    }
    let shape = numbers(said.get("shape")).ok_or("it does not say its shape")?;
    let rank = shape.len();
    let (dtype, settings) = named(said.get("data_type")).ok_or("it does not say its data_type")?;
    let stored = Stored::of_v3(dtype, &settings)?;
    let (grid, settings) = named(said.get("chunk_grid")).ok_or("it does not say its chunk_grid")?;
    if grid != "regular" {
        return Err(format!(
            "its chunks lie in a grid of kind '{grid}', which cannot be read; 'regular' can"
        ));
    }
    let object = numbers(settings.get("chunk_shape")).ok_or("its chunks have no shape")?;
    let object = filled(object, &shape);
    let codecs =
        said.get("codecs").and_then(Value::as_array).ok_or("it does not say its codecs")?;
    let (chunk, shard, codecs) = match sharding(codecs)? {
        Some((chunk, mut shard, codecs)) => {
            shard.shape = object;
            (chunk, Some(shard), codecs)
        }
        None => (object, None, codecs.clone()),
    };
    let codecs = gate::codecs(&codecs, &chunk, stored.dtype.kind())?;
    let attributes = said.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
    let dims = match said.get("dimension_names") {
        None | Some(Value::Null) => dims_of_attributes(&attributes, rank),
        Some(Value::Array(names)) if names.len() == rank => {
            names.iter().map(|name| name.as_str().map(str::to_string)).collect()
        }
        Some(other) => return Err(format!("its dimension_names {other} are not {rank}")),
    };
    let layout = Layout {
        keys: keys(said.get("chunk_key_encoding"))?,
        fill: stored.fill(said.get("fill_value").unwrap_or(&Value::Null))?,
        shape,
        chunk,
        shard,
        dtype: stored.dtype,
        times: stored.times,
        codecs,
        dims,
        attributes,
    };
    gate::sizes(&layout)?;
    Ok(layout)
}

/// The shape of the chunks within shards, the shards (but for their shape) and the codecs within.
#[expect(clippy::type_complexity)]
fn sharding(codecs: &[Value]) -> Result<Option<(Vec<u64>, Sharding, Vec<Value>)>, String> {
    let mut all = codecs.iter().filter_map(|codec| named(Some(codec)));
    let Some((_, settings)) = all.find(|(name, _)| *name == "sharding_indexed") else {
        return Ok(None);
    };
    if codecs.len() > 1 {
        return Err(
            "it has codecs around its shards, which cannot be read; those within can".to_string()
        );
    }
    let chunk =
        numbers(settings.get("chunk_shape")).ok_or("its shards do not say the shape of chunks")?;
    let inner = settings
        .get("codecs")
        .and_then(Value::as_array)
        .ok_or("its shards do not say their codecs")?;
    if inner
        .iter()
        .filter_map(|codec| named(Some(codec)))
        .any(|(name, _)| name == "sharding_indexed")
    {
        return Err("it has shards within shards, which cannot be read".to_string());
    }
    let index_first = match settings.get("index_location").map(Value::as_str) {
        None | Some(Some("end")) => false,
        Some(Some("start")) => true,
        _ => {
            return Err(
                "its shards have their index neither at the start nor at the end".to_string()
            );
        }
    };
    let strange = || "the index of its shards has codecs other than bytes and crc32c".to_string();
    let index = settings.get("index_codecs").and_then(Value::as_array).ok_or_else(strange)?;
    let index: Vec<_> =
        index.iter().map(|codec| named(Some(codec))).collect::<Option<_>>().ok_or_else(strange)?;
    let (big, checked) = match index.as_slice() {
        [("bytes" | "endian", settings), rest @ ..] => {
            let big = match settings.get("endian").and_then(Value::as_str) {
                Some("little") => false,
                Some("big") => true,
                _ => return Err(strange()),
            };
            match rest {
                [] => (big, false),
                [("crc32c", _)] => (big, true),
                _ => return Err(strange()),
            }
        }
        _ => return Err(strange()),
    };
    let shard = Sharding { shape: Vec::new(), index_first, checked, big };
    Ok(Some((chunk, shard, inner.clone())))
}

fn keys(said: Option<&Value>) -> Result<Keys, String> {
    let (name, settings) = named(said).ok_or("it does not say its chunk_key_encoding")?;
    let (prefixed, otherwise) = match name {
        "default" => (true, "/"),
        "v2" => (false, "."),
        other => {
            return Err(format!(
                "its chunks are named by '{other}', which is not known; 'default' and 'v2' are"
            ));
        }
    };
    match settings.get("separator").map_or(Some(otherwise), Value::as_str) {
        Some("/") => Ok(Keys { prefixed, separator: '/' }),
        Some(".") => Ok(Keys { prefixed, separator: '.' }),
        _ => Err("the names of its chunks are separated neither by '/' nor by '.'".to_string()),
    }
}

/// A name, or a name with settings.
fn named(value: Option<&Value>) -> Option<(&str, Map<String, Value>)> {
    match value? {
        Value::String(name) => Some((name, Map::new())),
        Value::Object(said) => {
            let settings = said.get("configuration").and_then(Value::as_object).cloned();
            Some((said.get("name")?.as_str()?, settings.unwrap_or_default()))
        }
        _ => None,
    }
}

/// A list of whole numbers.
pub(super) fn numbers(value: Option<&Value>) -> Option<Vec<u64>> {
    value?.as_array()?.iter().map(Value::as_u64).collect()
}

/// Where a dimension is empty, its chunks may be.
pub(super) fn filled(mut chunk: Vec<u64>, shape: &[u64]) -> Vec<u64> {
    for (piece, length) in chunk.iter_mut().zip(shape) {
        if *length == 0 {
            *piece = (*piece).max(1);
        }
    }
    chunk
}

/// What Xarray calls dimensions, where the version of Zarr has no place for it.
pub(super) fn dims_of_attributes(
    attributes: &Map<String, Value>,
    rank: usize,
) -> Vec<Option<String>> {
    let names = attributes.get("_ARRAY_DIMENSIONS").and_then(Value::as_array);
    match names.filter(|names| names.len() == rank) {
        Some(names) => names.iter().map(|name| name.as_str().map(str::to_string)).collect(),
        None => vec![None; rank],
    }
}
