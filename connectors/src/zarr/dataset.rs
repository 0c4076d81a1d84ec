//! The arrays of a Zarr store as people mean them: with the names of their dimensions, their coordinates,
//! and their numbers decoded as the CF conventions have it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::ObjectStore;
use serde_json::{Map, Value};
use strata_engine::{
    Array, ArrayError, ArraySource, Binary, DType, Grid, Kind, Labelled, Scalar, Unary, Unit,
    nearest,
};
use url::Url;

use super::{Group, Node, Place, ZarrArray, open};
use crate::files::location::Location;

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
}

impl Variables {
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
    pub fn listing(&self) -> ([&'static str; 5], Vec<Vec<Option<String>>>) {
        let row = |(name, array): (&String, &Result<Labelled, ArrayError>)| {
            let told = match array {
                Ok(array) => {
                    let array = &array.array;
                    let dims = array.dims().iter().zip(array.shape()).map(|(dim, length)| {
                        format!("{}: {length}", dim.as_deref().unwrap_or("-"))
                    });
                    let dims: Vec<String> = dims.collect();
                    let bytes = strata_engine::ByteSize(array.bytes()).to_string();
                    [dims.join(", "), array.dtype().to_string(), array.grid().to_string(), bytes]
                }
                Err(error) => [error.to_string(), String::new(), String::new(), String::new()],
            };
            std::iter::once(Some(name.clone())).chain(told.map(Some)).collect()
        };
        let rows = self.arrays.iter().map(row).collect();
        (["variable", "dimensions", "type", "chunks", "size"], rows)
    }
}

/// Opens a path or URL, with what a session may read. Only what describes arrays, and no values, is read.
pub async fn variables(session: &SessionContext, path: &str) -> Result<Opened, ArrayError> {
    let url = located(path)?;
    let place = Place::new(&url, store_of(&session.runtime_env(), &url)?)?;
    Ok(match open(&place).await? {
        Node::Array(array) => Opened::Array(decoded(&array)?.into()),
        Node::Group(group) => Opened::Group(labelled(place.title(), &group)),
    })
}

/// The URL of a store that a person named by a path or a URL.
pub(super) fn located(path: &str) -> Result<Url, ArrayError> {
    let refused = |reason: String| ArrayError::Source { array: path.to_string(), reason };
    let location = Location::parse(path).map_err(|error| refused(error.to_string()))?;
    if location.is_glob() {
        return Err(refused("a Zarr store is one folder: name it without '*' or '?'".to_string()));
    }
    location.url(&location.base, true).map_err(|error| refused(error.to_string()))
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
    Variables { title, arrays: arrays.iter().map(label).collect() }
}

/// Numbers as they are meant: scaled, with what is missing as NaN, and times as times.
fn decoded(source: &Arc<ZarrArray>) -> Result<Array, ArrayError> {
    let attributes = source.attributes();
    let source: Arc<dyn ArraySource> = Arc::clone(source) as _;
    let raw = Array::read(source)?;
    if let Some(text) = attributes.get("units").and_then(Value::as_str)
        && let Some((unit, since)) = time_units(text, attributes)
    {
        return times(&raw, unit, since);
    }
    let number = |name: &str| attributes.get(name).and_then(Value::as_f64);
    let missing = number("_FillValue").or_else(|| number("missing_value"));
    let (scale, offset) = (number("scale_factor"), number("add_offset"));
    let packed = scale.is_some() || offset.is_some();
    let kind = raw.kind();
    if matches!(raw.dtype(), DType::Time(_) | DType::Span(_))
        || (!packed && (missing.is_none() || !kind.is_float()))
    {
        return Ok(raw);
    }
    // As xarray has it: what is packed into few bits becomes f32, all else f64.
    let wide = match kind {
        Kind::F32 => Kind::F32,
        kind if kind.width() <= 2 && offset.is_none() => Kind::F32,
        _ => Kind::F64,
    };
    let mut values = raw.cast(wide.into())?;
    if let Some(scale) = scale {
        values = values.binary_with(Binary::Mul, Scalar::Float(scale), false)?;
    }
    if let Some(offset) = offset {
        values = values.binary_with(Binary::Add, Scalar::Float(offset), false)?;
    }
    let Some(missing) = missing.filter(|missing| !missing.is_nan()) else { return Ok(values) };
    let there =
        raw.cast(Kind::F64.into())?.binary_with(Binary::Ne, Scalar::Float(missing), false)?;
    let nan = Array::filled_with(Scalar::Float(f64::NAN), wide.into(), Grid::whole(&[]))?;
    there.select(&values, &nan)
}

/// `days since 1900-01-01`, in a calendar that is ours: seconds of a unit, and of the beginning.
fn time_units(text: &str, attributes: &Map<String, Value>) -> Option<(f64, i64)> {
    let calendar = attributes.get("calendar").and_then(Value::as_str).unwrap_or("standard");
    if !["standard", "gregorian", "proleptic_gregorian"].contains(&calendar) {
        return None;
    }
    let (unit, since) = text.split_once(" since ")?;
    let unit = match unit.trim().to_ascii_lowercase().trim_end_matches('s') {
        "day" | "d" => 86_400.0,
        "hour" | "hr" | "h" => 3_600.0,
        "minute" | "min" => 60.0,
        "second" | "sec" | "" => 1.0,
        "millisecond" | "msec" | "m" => 1e-3,
        "microsecond" => 1e-6,
        "nanosecond" => 1e-9,
        _ => return None,
    };
    Some((unit, seconds(since.trim())?))
}

/// The second of a date and time, counted from 1970.
fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time.trim_end_matches('Z').trim_end_matches("UTC").trim();
    let mut time = time.split(':').map(|part| part.parse::<f64>().unwrap_or(0.0));
    let (hour, minute, second) = (time.next(), time.next(), time.next());
    // Days of the civil calendar, counted from March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let part = |value: Option<f64>| value.unwrap_or(0.0) as i64;
    Some(days * 86_400 + part(hour) * 3_600 + part(minute) * 60 + part(second))
}

/// Counts of a unit since a second, as times.
fn times(raw: &Array, unit: f64, since: i64) -> Result<Array, ArrayError> {
    // Nanoseconds reach 292 years from 1970, microseconds as far as anybody counts.
    let of = if unit < 1e-3 { Unit::Nanoseconds } else { Unit::Microseconds };
    let per_second = of.in_a_second();
    let scale = unit * per_second as f64;
    let counts = match raw.kind().is_float() {
        true => raw
            .cast(Kind::F64.into())?
            .binary_with(Binary::Mul, Scalar::Float(scale), false)?
            .unary(Unary::Round)?
            .cast(Kind::I64.into())?,
        false => raw.cast(Kind::I64.into())?.binary_with(
            Binary::Mul,
            Scalar::Signed(scale.round() as i64),
            false,
        )?,
    };
    // What is no number, or the smallest there is, is no time.
    let none = match raw.kind().is_float() {
        true => raw.unary(Unary::IsNan)?,
        false => {
            raw.cast(Kind::I64.into())?.binary_with(Binary::Eq, Scalar::Signed(i64::MIN), false)?
        }
    };
    let start = since.saturating_mul(per_second);
    let times = counts.binary_with(Binary::Add, Scalar::Signed(start), false)?;
    times.with_no_time_where(&none)?.cast(DType::Time(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2000-03-01 06:30:00"), Some(951_892_200));
        assert_eq!(seconds("1900-01-01T00:00:00Z"), Some(-2_208_988_800));
        assert_eq!(seconds("0001-01-01 00:00:0.0"), Some(-62_135_596_800));
        assert_eq!(seconds("yesterday"), None);
    }
}
