//! What an array may claim to be. Metadata are written by others, and zarrs believes them: sizes that
//! wrap around, codecs it skips, settings it divides by. What passes here has been counted, and names
//! only what is known.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use strata_engine::{Kind, cells};
use zarrs::metadata::v3::MetadataV3;

use super::codecs::{DTYPE, SHAPE, packing_names};
use super::layout::Layout;

/// Chunks of more bytes than this are refused: one must fit into memory, several times.
const LARGEST_CHUNK: u64 = 2 << 30;

/// As NumPy has it.
const MOST_DIMENSIONS: usize = 32;

/// Shards of more chunks than this are refused: their index takes 16 bytes for each.
const MOST_IN_A_SHARD: u64 = 4 << 20;

/// The widest values that bytes are shuffled of.
const WIDEST_SHUFFLE: i64 = 64 << 10;

/// Looks at sizes.
pub(super) fn sizes(layout: &Layout) -> Result<(), String> {
    let (shape, chunk, object) = (&layout.shape, &layout.chunk, layout.object());
    let rank = shape.len();
    if rank > MOST_DIMENSIONS {
        return Err(format!(
            "it has {rank} dimensions, and no more than {MOST_DIMENSIONS} can be read"
        ));
    }
    for (what, other) in [("chunks", chunk.as_slice()), ("shards", object)] {
        if other.len() != rank {
            return Err(format!("it has {rank} dimensions, and its {what} {}", other.len()));
        }
        if other.contains(&0) {
            return Err(format!("its {what} are empty: {other:?}"));
        }
    }
    let ends = shape.iter().zip(object).all(|(length, piece)| {
        i64::try_from(*length).is_ok()
            && length.checked_add(*piece).is_some_and(|end| i64::try_from(end).is_ok())
    });
    if !ends || cells(shape).is_none() || cells(object).is_none() {
        return Err(format!(
            "its shape {shape:?} in pieces of {object:?} has more values than can be counted"
        ));
    }
    let width = layout.dtype.width() as u64;
    let bytes = cells(chunk).and_then(|cells| cells.checked_mul(width));
    match bytes {
        Some(bytes) if bytes <= LARGEST_CHUNK => {}
        _ => {
            let takes = bytes
                .map_or("more bytes than can be counted".to_string(), |b| format!("{b} bytes"));
            return Err(format!(
                "its chunks of {chunk:?} values take {takes}, and those of more than {LARGEST_CHUNK} \
                 bytes are not read; write it again in smaller chunks"
            ));
        }
    }
    let Some(shard) = &layout.shard else { return Ok(()) };
    if shard.shape.iter().zip(chunk).any(|(shard, chunk)| !shard.is_multiple_of(*chunk)) {
        return Err(format!(
            "its shards of {:?} values are no whole chunks of {chunk:?}",
            shard.shape
        ));
    }
    let inside: Vec<u64> =
        shard.shape.iter().zip(chunk).map(|(shard, chunk)| shard / chunk).collect();
    match cells(&inside) {
        Some(count) if count <= MOST_IN_A_SHARD => Ok(()),
        _ => Err(format!(
            "its shards hold {inside:?} chunks, and no more than {MOST_IN_A_SHARD} are read"
        )),
    }
}

/// Where in a chain a codec stands.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Stage {
    Values,
    ToBytes,
    Bytes,
}

/// The codecs that zarrs is trusted with, beside those that pack, which are ours.
const TRUSTED: [(&str, Stage); 12] = [
    ("transpose", Stage::Values),
    ("reshape", Stage::Values),
    ("zarrs.squeeze", Stage::Values),
    ("bitround", Stage::Values),
    ("numcodecs.bitround", Stage::Values),
    ("bytes", Stage::ToBytes),
    ("endian", Stage::ToBytes),
    ("packbits", Stage::ToBytes),
    ("crc32c", Stage::Bytes),
    ("numcodecs.adler32", Stage::Bytes),
    ("numcodecs.fletcher32", Stage::Bytes),
    ("numcodecs.shuffle", Stage::Bytes),
];

/// Codecs that make bytes of values, and are ours: they stand behind what makes bytes of them as they are.
const OURS: [&str; 3] = ["numcodecs.pcodec", "zfp", "numcodecs.zfpy"];

/// Other names of codecs.
const ALIASES: [(&str, &str); 6] = [
    ("numcodecs.crc32c", "crc32c"),
    ("pcodec", "numcodecs.pcodec"),
    ("zarrs.zfp", "zfp"),
    ("https://codec.zarrs.dev/array_to_bytes/zfp", "zfp"),
    ("https://codec.zarrs.dev/array_to_bytes/zfpy", "numcodecs.zfpy"),
    ("https://codec.zarrs.dev/bytes_to_bytes/gdeflate", "zarrs.gdeflate"),
];

/// Filters work on values, but on those as they are stored: here they follow what makes bytes of them.
const FILTERS: [&str; 3] = ["numcodecs.delta", "numcodecs.fixedscaleoffset", "numcodecs.quantize"];

/// The codecs of chunks of this shape, in the form in which they are used.
pub(super) fn codecs(all: &[Value], chunk: &[u64], kind: Kind) -> Result<Vec<MetadataV3>, String> {
    // What the codecs before have made of it.
    let mut shape = chunk.to_vec();
    let (mut values, mut to_bytes, mut filters, mut packings) = (vec![], vec![], vec![], vec![]);
    let mut last = Stage::Values;
    for one in all {
        let mut codec: MetadataV3 = serde_json::from_value(one.clone()).map_err(|_| {
            format!("its codec {one} has no name, or more than a name and a configuration")
        })?;
        if let Some((_, name)) = ALIASES.iter().find(|(alias, _)| *alias == codec.name()) {
            codec.set_name((*name).to_string());
        }
        let name = codec.name().to_string();
        let filter = FILTERS.contains(&name.as_str());
        let trusted = TRUSTED.iter().find(|(known, _)| *known == name).map(|(_, stage)| *stage);
        let stage = match trusted {
            Some(stage) => stage,
            None if filter => Stage::Values,
            None if OURS.contains(&name.as_str()) => Stage::ToBytes,
            None if packing_names().any(|known| known == name) => Stage::Bytes,
            None => return Err(unknown(&name)),
        };
        if stage < last
            || (filter && last > Stage::Values)
            || (!filter && stage == Stage::Values && !filters.is_empty())
        {
            return Err(format!("its codec '{name}' stands where it cannot"));
        }
        last = stage;
        let mut settings = codec.configuration().map(|all| (**all).clone()).unwrap_or_default();
        settle(&name, &mut settings, &mut shape, kind)?;
        let codec = MetadataV3::new_with_configuration(name.clone(), settings);
        match stage {
            _ if filter => filters.push(codec),
            // Nothing can be exchanged.
            Stage::Values if name == "transpose" && shape.is_empty() => {}
            Stage::Values => values.push(codec),
            Stage::ToBytes if !to_bytes.is_empty() => {
                return Err(format!("its codec '{name}' makes bytes of what is bytes already"));
            }
            Stage::ToBytes if OURS.contains(&name.as_str()) => {
                let native = if cfg!(target_endian = "big") { "big" } else { "little" };
                let bytes = Map::from_iter([("endian".to_string(), json!(native))]);
                to_bytes.push(MetadataV3::new_with_configuration("bytes", bytes));
                packings.push(codec);
            }
            Stage::ToBytes => to_bytes.push(codec),
            Stage::Bytes => packings.push(codec),
        }
    }
    if to_bytes.is_empty() {
        return Err("it has no codec that makes bytes of values".to_string());
    }
    Ok([values, to_bytes, filters, packings].concat())
}

/// Looks at the settings of a codec, says what it must be told, and what chunks look like after it.
fn settle(
    name: &str,
    settings: &mut Map<String, Value>,
    shape: &mut Vec<u64>,
    kind: Kind,
) -> Result<(), String> {
    let rank = shape.len();
    let dtype = format!("{}{}", &kind.name().get(..1).unwrap_or_default(), kind.width());
    match name {
        "transpose" => {
            let order = settings
                .get("order")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let order: Vec<u64> = order.iter().filter_map(Value::as_u64).collect();
            let mut all = order.clone();
            all.sort_unstable();
            if all != (0..rank as u64).collect::<Vec<_>>() {
                return Err(format!(
                    "its codec 'transpose' does not say an order of {rank} dimensions"
                ));
            }
            let length = |dim: &u64| shape.get(usize::try_from(*dim).ok()?).copied();
            *shape = order.iter().filter_map(length).collect();
        }
        "reshape" => {
            *shape = reshaped(settings.get("shape"), shape)?;
            settings.insert("shape".to_string(), json!(shape));
        }
        "zarrs.squeeze" => shape.retain(|length| *length != 1),
        "bytes" | "endian"
            if kind.width() > 1
                && !matches!(
                    settings.get("endian").and_then(Value::as_str),
                    Some("little" | "big")
                ) =>
        {
            return Err(format!(
                "its codec '{name}' does not say which end of a value comes first"
            ));
        }
        "bitround" | "numcodecs.bitround" if kind == Kind::Bool => {
            return Err(format!("its codec '{name}' cannot be used for values of type bool"));
        }
        "packbits" if kind != Kind::Bool => {
            return Err(format!(
                "its codec 'packbits' is used for values of type {kind}, and known for bool"
            ));
        }
        "numcodecs.shuffle" => {
            let width = settings.get("elementsize").map_or(Some(4), Value::as_i64).unwrap_or(0);
            if !(1..=WIDEST_SHUFFLE).contains(&width) {
                return Err(format!("its codec 'shuffle' shuffles values of {width} bytes"));
            }
            settings.insert("elementsize".to_string(), json!(width));
        }
        "blosc" | "numcodecs.blosc"
            if settings.get("typesize").is_none_or(|size| size.is_null() || *size == 0) =>
        {
            settings.insert("typesize".to_string(), json!(kind.width()));
        }
        ours if OURS.contains(&ours) => {
            settings.insert(DTYPE.to_string(), json!(dtype));
            settings.insert(SHAPE.to_string(), json!(shape));
        }
        _ => {}
    }
    Ok(())
}

/// What 'reshape' makes of chunks: lengths, `-1` for the one that is left over, and lists of dimensions that
/// become one.
fn reshaped(to: Option<&Value>, shape: &[u64]) -> Result<Vec<u64>, String> {
    let bad = |to: &Value| format!("its codec 'reshape' cannot make {to} of chunks of {shape:?}");
    let to = to.ok_or("its codec 'reshape' does not say a shape")?;
    let joined = |dims: &Vec<Value>| {
        let mut lengths =
            dims.iter().map(|dim| shape.get(usize::try_from(dim.as_u64()?).ok()?).copied());
        lengths.try_fold(1_u64, |all, length| all.checked_mul(length?))
    };
    let length = |of: &Value| match of {
        Value::Array(dims) => joined(dims).map(Some),
        of if of.as_i64() == Some(-1) => Some(None),
        of => of.as_u64().filter(|length| *length > 0).map(Some),
    };
    let lengths: Option<Vec<Option<u64>>> =
        to.as_array().and_then(|all| all.iter().map(length).collect());
    let lengths = lengths.ok_or_else(|| bad(to))?;
    let told: Vec<u64> = lengths.iter().copied().flatten().collect();
    let (all, told) = cells(shape).zip(cells(&told)).ok_or_else(|| bad(to))?;
    let left = lengths.iter().filter(|length| length.is_none()).count();
    if told == 0 || left > 1 || !all.is_multiple_of(told) || (left == 0 && all != told) {
        return Err(bad(to));
    }
    Ok(lengths.into_iter().map(|length| length.unwrap_or(all / told)).collect())
}

fn unknown(name: &str) -> String {
    let mut known: Vec<&str> =
        TRUSTED.iter().map(|(name, _)| *name).chain(packing_names()).collect();
    known.retain(|name| *name != "endian");
    known.sort_unstable();
    known.dedup();
    let mut said = format!("its codec '{name}' is not known; those known are");
    for (at, name) in known.iter().enumerate() {
        let _ = write!(said, "{} {name}", if at == 0 { "" } else { "," });
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: Value, kind: Kind) -> Result<Vec<String>, String> {
        let found = codecs(all.as_array().unwrap(), &[6, 4], kind)?;
        Ok(found.iter().map(|codec| codec.name().to_string()).collect())
    }

    fn reshape(shape: Value) -> Value {
        json!({"name": "reshape", "configuration": {"shape": shape}})
    }

    fn transpose(order: Value) -> Value {
        json!({"name": "transpose", "configuration": {"order": order}})
    }

    #[test]
    fn chains_are_put_in_order() {
        let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
        let delta = json!({"name": "numcodecs.delta", "configuration": {"dtype": "<f4"}});
        assert_eq!(
            names(json!([delta, bytes, "zstd"]), Kind::F32).unwrap(),
            ["bytes", "numcodecs.delta", "zstd"]
        );
        assert_eq!(names(json!(["bytes"]), Kind::U8).unwrap(), ["bytes"]);
        assert_eq!(names(json!(["pcodec"]), Kind::F32).unwrap(), ["bytes", "numcodecs.pcodec"]);
        assert_eq!(
            names(json!(["zarrs.zfp", "crc32c"]), Kind::F32).unwrap(),
            ["bytes", "zfp", "crc32c"]
        );
        let turned = json!([reshape(json!([[1], 2, -1])), transpose(json!([2, 0, 1])), bytes]);
        assert_eq!(names(turned, Kind::U8).unwrap(), ["reshape", "transpose", "bytes"]);
        for (bad, says) in [
            (json!([]), "no codec that makes bytes"),
            (json!(["bytes"]), "which end"),
            (json!([bytes, bytes]), "already"),
            (json!(["zstd", bytes]), "where it cannot"),
            (json!([bytes, "wild"]), "those known are"),
            (json!([bytes, {"name": "wild", "must_understand": false}]), "not known"),
            (json!([bytes, "zfp"]), "already"),
            (json!([bytes, "zarrs.gdeflate", "numcodecs.zfpy"]), "where it cannot"),
            (json!([transpose(json!([0, 0])), bytes]), "order of 2"),
            (json!([transpose(json!("F")), bytes]), "order of 2"),
            (
                json!([bytes, {"name": "numcodecs.shuffle", "configuration": {"elementsize": 0}}]),
                "0 bytes",
            ),
            (json!(["packbits"]), "packbits"),
            (json!([{"name": "reshape"}, bytes]), "does not say a shape"),
            (json!([reshape(json!([5, -1])), bytes]), "of chunks of [6, 4]"),
            (json!([reshape(json!([-1, -1])), bytes]), "of chunks of [6, 4]"),
            (json!([reshape(json!([[0, 7]])), bytes]), "of chunks of [6, 4]"),
            (json!([reshape(json!([0, 24])), bytes]), "of chunks of [6, 4]"),
            (json!([reshape(json!([u64::MAX, [0, 1, 0, 1]])), bytes]), "of chunks of [6, 4]"),
            (json!([reshape(json!([2, 3, 4])), transpose(json!([1, 0])), bytes]), "order of 3"),
            (json!([bytes, {"nom": "zstd"}]), "no name"),
            (json!([bytes, 7]), "no name"),
        ] {
            let said = names(bad.clone(), Kind::F32).unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
        }
    }
}
