//! `interp(lat => 12.5, lon => (1.0, 2.5))`: values between places, as far as each is from its neighbours. Dimensions
//! are gone through one after the other: places on both sides are taken, and what lies between them is arithmetic.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::execution::context::SessionContext;
use strata_engine::{
    Array, Binary, Block, DType, Index, Kind, Labelled, Slice, Tensor, coordinate_column,
};

use super::coordinate;
use crate::arrays::arguments::{Bound, axis};
use crate::arrays::{Value, asked, labels};
use crate::error::{Error, Result};

/// What is taken between two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// Both, each the more the nearer it is.
    Linear,
    /// The nearer; of two that are as near, the one with the smaller coordinate.
    Nearest,
}

/// The values at these coordinates. Outside of those that there are, there is none (NaN).
pub(super) async fn interp(
    session: &SessionContext,
    on: Labelled,
    mut with: Bound,
) -> Result<Labelled> {
    let method = match with.take("method") {
        None => Method::Linear,
        Some(Value::Text(name)) if name.eq_ignore_ascii_case("linear") => Method::Linear,
        Some(Value::Text(name)) if name.eq_ignore_ascii_case("nearest") => Method::Nearest,
        Some(_) => return Err(Error::text("method => is 'linear' or 'nearest'")),
    };
    if with.named.is_empty() || !with.plain.is_empty() {
        return Err(super::misused(super::VERBS, "interp"));
    }
    if !matches!(on.array.dtype(), DType::Plain(_)) {
        return Err(Error::text(format!("{} have nothing in between", on.array.dtype()))
            .hint("cast them to numbers first, as in cast('i64')"));
    }
    let mut made = on;
    for (dim, to, at) in with.named {
        let along = axis(&made, &Value::Text(dim.clone())).map_err(|error| error.at(at))?;
        let one = along_one(session, &made, (along, &dim), to, method).await;
        made = one.map_err(|error| error.at(at))?;
    }
    Ok(made)
}

async fn along_one(
    session: &SessionContext,
    on: &Labelled,
    (axis, dim): (usize, &str),
    to: Value,
    method: Method,
) -> Result<Labelled> {
    let coord = coordinate(on, axis)?.compute(session).await?;
    let wanted = Wanted::of(session, to, &coord).await?;
    let found = match coord.dtype() {
        DType::Plain(_) => {
            let known = floats(&coord)?;
            let rises = rises(dim, &known, |value| value.is_nan())?;
            let find = |at: f64| find(&known, rises, at, |a, b| a - b).filter(|_| !at.is_nan());
            floats(&wanted.labels)?.into_iter().map(find).collect()
        }
        _ => {
            let known = counts(&coord)?;
            let rises = rises(dim, &known, |value| value == i64::MIN)?;
            let apart = |a: i64, b: i64| (i128::from(a) - i128::from(b)) as f64;
            let find = |at: i64| find(&known, rises, at, apart).filter(|_| at != i64::MIN);
            counts(&wanted.labels)?.into_iter().map(find).collect()
        }
    };
    let array = between(on, axis, found, method)?;
    let mut made = on.made(array, Some(axis));
    if wanted.is_one {
        return made.index(&Index::At(0).along(axis)).map_err(asked);
    }
    let labels = labels::coordinate_of(dim, wanted.labels, on.coords.get(dim))?;
    made.coords.insert(dim.to_string(), labels);
    Ok(made)
}

/// Where something lies: two places, and how far it is from the first to the second, in parts of the way.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    places: [usize; 2],
    way: f64,
    /// Whether the second place has the smaller coordinate.
    falls: bool,
}

/// The coordinates that are asked for.
struct Wanted {
    labels: Tensor,
    /// Whether it is one, whose dimension goes.
    is_one: bool,
}

impl Wanted {
    async fn of(session: &SessionContext, to: Value, coord: &Tensor) -> Result<Self> {
        let dtype = match coord.dtype() {
            DType::Plain(_) => Kind::F64.into(),
            times => times,
        };
        if let Value::Array(array) = to {
            let same =
                matches!(array.array.dtype(), DType::Plain(_)) == matches!(dtype, DType::Plain(_));
            let array = match same && array.array.ndim() <= 1 {
                true => array.array.cast(dtype).map_err(asked)?,
                false => {
                    return Err(Error::text(format!(
                        "coordinates are one row of {}, not {} of shape {:?}",
                        coord.dtype(),
                        array.array.dtype(),
                        array.array.shape()
                    )));
                }
            };
            let labels = array.compute(session).await?;
            let is_one = labels.shape().is_empty();
            let length = labels.values().len() as u64;
            return Ok(Self { labels: labels.reshaped(vec![length]).map_err(asked)?, is_one });
        }
        let (all, is_one) = match to {
            Value::List(all) => (all, false),
            one => (vec![one], true),
        };
        let column = coordinate_column(coord);
        let (mut numbers, mut times) = (Vec::new(), Vec::new());
        for label in &all {
            let (label, _) = labels::as_one_of(&column, label)?;
            match dtype {
                DType::Plain(_) => numbers.push(label.as_primitive::<Float64Type>().value(0)),
                _ => {
                    let count = cast(&label, &DataType::Int64);
                    let count = count.map_err(|error| Error::text(error.to_string()))?;
                    times.push(count.as_primitive::<Int64Type>().value(0));
                }
            }
        }
        let block = match dtype {
            DType::Plain(_) => Block::F64(numbers),
            _ => Block::I64(times),
        };
        let labels = Tensor::from_block(dtype, vec![all.len() as u64], block).map_err(asked)?;
        Ok(Self { labels, is_one })
    }
}

/// The values of a coordinate as numbers.
fn floats(values: &Tensor) -> Result<Vec<f64>> {
    let column = cast(&coordinate_column(values), &DataType::Float64);
    let column = column.map_err(|error| Error::text(error.to_string()))?;
    Ok(column.as_primitive::<Float64Type>().values().to_vec())
}

/// Times as they are counted.
fn counts(values: &Tensor) -> Result<Vec<i64>> {
    match values.values() {
        Slice::I64(counts) => Ok(counts.to_vec()),
        _ => Err(Error::text("times are counted in i64")),
    }
}

/// Whether a coordinate goes up; an error where it goes neither up nor down.
fn rises<T: PartialOrd + Copy>(
    dim: &str,
    known: &[T],
    is_none: impl Fn(T) -> bool,
) -> Result<bool> {
    let steps = || known.iter().zip(known.iter().skip(1));
    if known.is_empty() {
        return Err(Error::text(format!("there are no places along '{dim}' to lie between")));
    }
    let whole = !known.iter().any(|value| is_none(*value));
    match (whole && steps().all(|(a, b)| a < b), whole && steps().all(|(a, b)| a > b)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Error::text(format!(
            "the coordinate of '{dim}' neither goes up nor down all the way"
        ))
        .hint("what lies between its places cannot be told: choose others with sel(…)")),
    }
}

/// Where a coordinate lies among others.
fn find<T: PartialOrd + Copy>(
    known: &[T],
    rises: bool,
    at: T,
    apart: impl Fn(T, T) -> f64,
) -> Option<Found> {
    let next = match rises {
        true => known.partition_point(|one| *one < at),
        false => known.partition_point(|one| *one > at),
    };
    let high = *known.get(next)?;
    if high == at {
        return Some(Found { places: [next; 2], way: 0.0, falls: !rises });
    }
    let before = next.checked_sub(1)?;
    let low = *known.get(before)?;
    Some(Found { places: [before, next], way: apart(at, low) / apart(high, low), falls: !rises })
}

impl Found {
    fn nearest(&self) -> usize {
        let [first, second] = self.places;
        let second_is_nearer = self.way > 0.5 || (self.way == 0.5 && self.falls);
        if second_is_nearer { second } else { first }
    }
}

/// The values that lie there.
fn between(on: &Labelled, axis: usize, found: Vec<Option<Found>>, method: Method) -> Result<Array> {
    let array = &on.array;
    let taken = |place: &dyn Fn(&Found) -> usize| -> Result<Array> {
        let places = found.iter().map(|found| found.as_ref().map_or(0, place) as u64);
        let taken = array.take(axis, &places.collect::<Vec<_>>()).map_err(asked)?;
        // Nothing lies between whole numbers, and none of them is no number.
        match taken.kind().is_float() {
            true => Ok(taken),
            false => taken.cast(Kind::F64.into()).map_err(asked),
        }
    };
    let none = found.iter().any(Option::is_none);
    if method == Method::Nearest || found.iter().flatten().all(|found| found.way == 0.0) {
        let taken = taken(&Found::nearest)?;
        let no_number = |found: &Option<Found>| if found.is_some() { 0.0 } else { f64::NAN };
        let beside = found.iter().map(no_number).collect();
        let wide = method == Method::Linear && taken.kind() == Kind::F32;
        let kind = if wide { Kind::F64 } else { taken.kind() };
        return match none || wide {
            true => taken.binary(Binary::Add, &along(array, axis, beside, kind)?).map_err(asked),
            false => Ok(taken),
        };
    }
    let [first, second] = [taken(&|found| found.places[0])?, taken(&|found| found.places[1])?];
    let way = found.iter().map(|found| found.map_or(f64::NAN, |found| found.way)).collect();
    let way = along(array, axis, way, Kind::F64)?;
    let made = second.binary(Binary::Sub, &first).and_then(|apart| {
        apart.binary(Binary::Mul, &way).and_then(|part| first.binary(Binary::Add, &part))
    });
    made.map_err(asked)
}

/// A number for each place along a dimension, beside an array.
fn along(of: &Array, axis: usize, numbers: Vec<f64>, kind: Kind) -> Result<Array> {
    let shape = vec![numbers.len() as u64];
    let numbers = Tensor::from_block(Kind::F64.into(), shape, Block::F64(numbers));
    let mut shown = vec![Index::New; of.ndim()];
    if let Some(own) = shown.get_mut(axis) {
        *own = Index::ALL;
    }
    let numbers = numbers.and_then(Array::of).and_then(|all| all.cast(kind.into()));
    let numbers = numbers.and_then(|all| all.index(&shown)?.named(of.dims().to_vec()));
    numbers.map_err(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_both_ways() {
        let find = |known: &[f64], at| {
            let rises = rises("x", known, |value: f64| value.is_nan()).unwrap();
            find(known, rises, at, |a, b| a - b)
                .map(|found| (found.places, found.way, found.nearest()))
        };
        let (up, down) = ([1.0, 2.0, 4.0], [4.0, 2.0, 1.0]);
        assert_eq!(find(&up, 2.5), Some(([1, 2], 0.25, 1)));
        assert_eq!(find(&down, 2.5), Some(([0, 1], 0.75, 1)));
        assert_eq!(find(&up, 3.0), Some(([1, 2], 0.5, 1)));
        assert_eq!(find(&down, 3.0), Some(([0, 1], 0.5, 1)));
        assert_eq!(find(&up, 4.0), Some(([2, 2], 0.0, 2)));
        assert_eq!(find(&down, 4.0), Some(([0, 0], 0.0, 0)));
        assert_eq!((find(&up, 0.9), find(&up, 4.1)), (None, None));
        assert_eq!((find(&down, 0.9), find(&down, 4.1)), (None, None));
        assert_eq!(find(&[2.0], 2.0), Some(([0, 0], 0.0, 0)));
        let none = |value: f64| value.is_nan();
        for bad in [&[][..], &[1.0, 1.0], &[1.0, 3.0, 2.0], &[1.0, f64::NAN], &[f64::NAN]] {
            assert!(rises("x", bad, none).is_err());
        }
    }
}
