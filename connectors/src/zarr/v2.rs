//! The metadata of an array of Zarr v2 (<https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html>), as
//! a [`Layout`].

use serde_json::{Map, Value, json};

use super::gate;
use super::layout::{Keys, Layout};
use super::v3::{dims_of_attributes, filled, numbers};
use super::values::Stored;

/// Reads what `.zarray` and `.zattrs` say.
pub(super) fn layout(
    said: &Map<String, Value>,
    attributes: &Map<String, Value>,
) -> Result<Layout, String> {
    if said.get("zarr_format").and_then(Value::as_u64) != Some(2) {
        return Err("it is of a version of Zarr that is not known; 2 and 3 are".to_string());
    }
    let shape = numbers(said.get("shape")).ok_or("it does not say its shape")?;
    let rank = shape.len();
    let chunk = numbers(said.get("chunks")).ok_or("it does not say its chunks")?;
    let (stored, big) = Stored::of_v2(said.get("dtype").ok_or("it does not say its dtype")?)?;
    let mut codecs = Vec::new();
    match said.get("order").map(Value::as_str) {
        None | Some(Some("C")) => {}
        Some(Some("F")) => {
            let order: Vec<usize> = (0..rank).rev().collect();
            codecs.push(json!({"name": "transpose", "configuration": {"order": order}}));
        }
        Some(other) => {
            return Err(format!(
                "the values of its chunks lie in an order that is not known: {other:?}"
            ));
        }
    }
    let filters = match said.get("filters") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(filters)) => filters.as_slice(),
        Some(other) => return Err(format!("its filters are no list: {other}")),
    };
    let filters = filters.iter().map(codec).collect::<Result<Vec<_>, _>>()?;
    let compressor = match said.get("compressor") {
        None | Some(Value::Null) => None,
        Some(other) => Some(codec(other)?),
    };
    // A filter works on values as they are stored; some make bytes of them.
    let (on_values, on_bytes): (Vec<_>, Vec<_>) = filters.into_iter().partition(|filter| {
        matches!(
            filter["name"].as_str(),
            Some(
                "bitround"
                    | "numcodecs.delta"
                    | "numcodecs.fixedscaleoffset"
                    | "numcodecs.quantize"
            )
        )
    });
    codecs.extend(on_values);
    match compressor.as_ref().and_then(|codec| codec["name"].as_str()) {
        Some("numcodecs.pcodec" | "numcodecs.zfpy") => {}
        _ => codecs.push(json!({
            "name": "bytes", "configuration": {"endian": if big { "big" } else { "little" }}
        })),
    }
    codecs.extend(on_bytes);
    codecs.extend(compressor);
    let separator = match said.get("dimension_separator").map(Value::as_str) {
        None | Some(Some(".")) => '.',
        Some(Some("/")) => '/',
        Some(_) => {
            return Err(
                "the names of its chunks are separated neither by '/' nor by '.'".to_string()
            );
        }
    };
    let mut attributes = attributes.clone();
    // As Xarray has it, what is not written in version 2 is missing. What it could not have written, because
    // dimensions have no names, is of programs that mean the number.
    let fill = said.get("fill_value").filter(|fill| !fill.is_null());
    if let Some(fill) = fill.filter(|_| attributes.contains_key("_ARRAY_DIMENSIONS")) {
        attributes.insert("_FillValue".to_string(), fill.clone());
    }
    let chunk = filled(chunk, &shape);
    let codecs = gate::codecs(&codecs, &chunk, stored.dtype.kind())?;
    let layout = Layout {
        chunk,
        shard: None,
        dtype: stored.dtype,
        times: stored.times,
        codecs,
        keys: Keys { prefixed: false, separator },
        fill: stored.fill(said.get("fill_value").unwrap_or(&Value::Null))?,
        dims: dims_of_attributes(&attributes, rank),
        attributes,
        shape,
    };
    gate::sizes(&layout)?;
    Ok(layout)
}

/// A codec of numcodecs, as Zarr v3 has it.
fn codec(said: &Value) -> Result<Value, String> {
    let id = said
        .get("id")
        .and_then(Value::as_str)
        .ok_or_else(|| format!("its codec {said} has no id"))?;
    let name = match id {
        "blosc" | "gzip" | "zstd" | "crc32c" | "bitround" => id.to_string(),
        other => format!("numcodecs.{other}"),
    };
    let mut settings = said.as_object().cloned().unwrap_or_default();
    settings.remove("id");
    Ok(json!({"name": name, "configuration": settings}))
}
