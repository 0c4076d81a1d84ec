//! `compression => 'zstd', level => 7`: how the values of a store are packed.

use strata_connectors::zarr::{Compression, Kept};
use strata_engine::Scalar;

use super::Value;
use super::arguments::{Bound, whole};
use crate::error::{Error, Result};

/// What says how much `zfp` keeps.
const KEPT: [&str; 3] = ["tolerance", "rate", "precision"];

/// Takes what is said of packing.
pub(super) fn compression(with: &mut Bound) -> Result<Compression> {
    let name = match with.take("compression") {
        None => "zstd".to_string(),
        Some(Value::Text(name)) => name.to_ascii_lowercase(),
        Some(_) => return Err(Error::text("compression => is a name, as in 'zstd'")),
    };
    if name == "zfp" {
        return kept(with).map(Compression::Zfp);
    }
    if let Some(option) = KEPT.iter().find(|option| with.has(option)) {
        return Err(Error::text(format!(
            "{option} => says how much is kept, and '{name}' keeps all"
        ))
        .hint("write compression => 'zfp' beside it"));
    }
    let level = match with.take("level") {
        None => None,
        Some(Value::Number(level @ (Scalar::Signed(_) | Scalar::Unsigned(_)))) => {
            Some(whole(&Value::Number(level))?)
        }
        Some(_) => return Err(Error::text("level => is a whole number")),
    };
    let within = |low: i64, high: i64, default: i64| match level.unwrap_or(default) {
        level if (low..=high).contains(&level) => Ok(level as i32),
        level => {
            Err(Error::text(format!("level => {level}: {name} has levels from {low} to {high}")))
        }
    };
    let packer = name.strip_prefix("blosc").map(|rest| rest.trim_start_matches([':', '-']));
    match (name.as_str(), packer) {
        ("none", _) if level.is_none() => Ok(Compression::None),
        ("none", _) => Err(Error::text("level => says how hard to pack, and 'none' does not")),
        ("zstd", _) if level.is_none() => Ok(Compression::default()),
        ("zstd", _) => Ok(Compression::Zstd(within(-131_072, 22, 3)?)),
        ("gzip", _) => Ok(Compression::Gzip(within(0, 9, 5)?.unsigned_abs())),
        ("gdeflate", _) => Ok(Compression::GDeflate(within(0, 12, 6)?.unsigned_abs())),
        (_, Some("")) => Ok(Compression::Blosc("lz4".to_string(), within(0, 9, 5)?.unsigned_abs())),
        (_, Some(packer @ ("lz4" | "zlib" | "zstd"))) => {
            Ok(Compression::Blosc(packer.to_string(), within(0, 9, 5)?.unsigned_abs()))
        }
        _ => Err(Error::text(format!("'{name}' is no way to pack that is known")).hint(
            "there are 'zstd', 'gzip', 'gdeflate', 'blosc', 'blosc:lz4', 'blosc:zlib', 'blosc:zstd', 'zfp' \
             and 'none'",
        )),
    }
}

/// How much of values is kept.
fn kept(with: &mut Bound) -> Result<Kept> {
    if with.has("level") {
        return Err(Error::text("level => says how hard to pack, and 'zfp' has no levels")
            .hint("say how much it keeps, as in tolerance => 0.01, or nothing, and it keeps all"));
    }
    let mut said = None;
    for name in KEPT {
        if !with.has(name) {
            continue;
        }
        let number = with.number(name, Scalar::Signed(0))?.as_f64();
        let (low, high) = if name == "precision" { (1.0, 64.0) } else { (0.0, f64::MAX) };
        if !(low..=high).contains(&number) || (name == "precision" && number.fract() != 0.0) {
            return Err(Error::text(format!(
                "{name} => {number}: {name} is {}",
                match name {
                    "precision" => "a whole number from 1 to 64, the planes of bits that are kept",
                    "rate" => "the bits that a value takes",
                    _ => "how far a value may be from what it was",
                }
            )));
        }
        let kept = match name {
            "tolerance" => Kept::Tolerance(number),
            "rate" => Kept::Rate(number),
            _ => Kept::Precision(number as u32),
        };
        if said.replace(kept).is_some() {
            return Err(Error::text("tolerance =>, rate => or precision =>, not several"));
        }
    }
    Ok(said.unwrap_or(Kept::All))
}
