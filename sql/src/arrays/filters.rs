//! Filters: what is made of each value and those around it.

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, Boundary, Labelled, Scalar, Wire, nearest};

use super::arguments::{Bound, axis, whole};
use super::{Value, asked};
use crate::error::{Error, Result};

/// These verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("convolve", "convolve(weights, boundary => 'reflect')"),
    (
        "gaussian_filter",
        "gaussian_filter(2), gaussian_filter((1, 2, 2)), or gaussian_filter(lat => 2)",
    ),
    ("gradient", "gradient(time, spacing => 1)"),
    ("laplace", "laplace(boundary => 'reflect')"),
    ("map_overlap", "map_overlap('name of a kernel', depth => 2, boundary => 'reflect')"),
    ("median_filter", "median_filter(3), median_filter((1, 3, 3)), or median_filter(lat => 3)"),
    ("richardson_lucy", "richardson_lucy(psf, iterations => 10, boundary => 'periodic')"),
    ("sobel", "sobel(lat, boundary => 'reflect')"),
    ("uniform_filter", "uniform_filter(3), uniform_filter((1, 3, 3)), or uniform_filter(lat => 3)"),
];

/// What arrays do beyond their edges, by its names.
const BOUNDARIES: &[&str] = &["reflect", "mirror", "nearest", "periodic", "constant", "none"];

/// What such a verb makes of an array.
pub(super) async fn call(
    session: &SessionContext,
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
) -> Result<Value> {
    let array = &on.array;
    let made = match verb {
        "gradient" => {
            let spacing = with.number("spacing", Scalar::Float(1.0))?.as_f64();
            with.done(&["spacing"])?;
            array.gradient(only_axis(on, with, verb)?, spacing)
        }
        "map_overlap" => {
            let boundary = boundary(with, Boundary::None)?;
            let depths = depths(on, with)?.unwrap_or_else(|| vec![0; array.ndim()]);
            with.done(&["depth", "boundary", "value"])?;
            let [Value::Text(name)] = &with.plain[..] else { return Err(misused(verb)) };
            let kernel = Wire::of(session).kernel(name).map_err(asked)?;
            let both: Vec<_> = depths.into_iter().map(|depth| (depth, depth)).collect();
            array.map_overlap(kernel, &both, boundary)
        }
        "richardson_lucy" => {
            let boundary = boundary(with, Boundary::Periodic)?;
            let steps = u32::try_from(with.whole("iterations", 10)?)
                .map_err(|_| Error::text("iterations => is a number from 1 on"))?;
            let depths = depths(on, with)?;
            with.done(&["iterations", "depth", "boundary", "value"])?;
            let psf = only_array(with, verb)?;
            array.richardson_lucy(&psf, steps, depths.as_deref(), boundary)
        }
        _ => {
            let boundary = boundary(with, Boundary::Reflect)?;
            match verb {
                "convolve" => {
                    with.done(&["boundary", "value"])?;
                    array.convolve(&only_array(with, verb)?, boundary)
                }
                "sobel" => {
                    with.done(&["boundary", "value"])?;
                    array.sobel(only_axis(on, with, verb)?, boundary)
                }
                "laplace" => {
                    with.done(&["boundary", "value"])?;
                    match with.plain.is_empty() {
                        true => array.laplace(boundary),
                        false => return Err(misused(verb)),
                    }
                }
                "gaussian_filter" => {
                    array.gaussian_filter(&each(on, with, verb, 0.0, float)?, boundary)
                }
                "median_filter" => array.median_filter(&each(on, with, verb, 1, count)?, boundary),
                _ => array.uniform_filter(&each(on, with, verb, 1, count)?, boundary),
            }
        }
    };
    made.map(|made| Value::Array(on.made(made, None))).map_err(asked)
}

/// How arrays go on beyond their edges: by its name, or with a number.
fn boundary(with: &mut Bound, default: Boundary) -> Result<Boundary> {
    let value = match with.has("value") {
        true => Some(with.number("value", Scalar::Float(0.0))?),
        false => None,
    };
    let found = match with.take("boundary") {
        None => default,
        Some(Value::Number(number)) => return Ok(Boundary::Constant(number)),
        Some(Value::Text(name)) => match name.to_ascii_lowercase().as_str() {
            "reflect" => Boundary::Reflect,
            "mirror" => Boundary::Mirror,
            "nearest" => Boundary::Nearest,
            "periodic" => Boundary::Periodic,
            "constant" => Boundary::Constant(value.unwrap_or(Scalar::Float(0.0))),
            "none" => Boundary::None,
            other => {
                let error = Error::text(format!("there is no boundary '{other}'"));
                let near = match other {
                    "wrap" => Some("periodic"),
                    "edge" => Some("nearest"),
                    other => nearest(other, BOUNDARIES.iter().copied()),
                };
                return Err(match near {
                    Some(near) => error.hint(format!("did you mean '{near}'?")),
                    None => error.hint(format!("there are {}", BOUNDARIES.join(", "))),
                });
            }
        },
        Some(_) => {
            return Err(Error::text("boundary => is a text or a number, as in 'reflect' or 0"));
        }
    };
    match (value, found) {
        (
            Some(_),
            Boundary::Reflect | Boundary::Mirror | Boundary::Nearest | Boundary::Periodic,
        )
        | (Some(_), Boundary::None) => Err(Error::text("value => is for boundary => 'constant'")),
        _ => Ok(found),
    }
}

/// How far is looked along each dimension: one number for all, or a list.
fn depths(on: &Labelled, with: &mut Bound) -> Result<Option<Vec<u64>>> {
    let Some(depth) = with.take("depth") else { return Ok(None) };
    let depths = match &depth {
        Value::List(all) => all.iter().map(count).collect::<Result<Vec<u64>>>()?,
        one => vec![count(one)?; on.array.ndim()],
    };
    Ok(Some(depths))
}

/// A number for each dimension: one for all, a list, or those of some dimensions by their names.
fn each<T: Copy>(
    on: &Labelled,
    with: &mut Bound,
    verb: &str,
    nothing: T,
    number: fn(&Value) -> Result<T>,
) -> Result<Vec<T>> {
    let ndim = on.array.ndim();
    let mut all = match &with.plain[..] {
        [] if !with.named.is_empty() => vec![nothing; ndim],
        [Value::List(all)] => all.iter().map(number).collect::<Result<Vec<T>>>()?,
        [one] => vec![number(one)?; ndim],
        _ => return Err(misused(verb)),
    };
    for (name, value, at) in std::mem::take(&mut with.named) {
        let axis = axis(on, &Value::Text(name)).map_err(|error| error.at(at))?;
        if let Some(own) = all.get_mut(axis) {
            *own = number(&value).map_err(|error| error.at(at))?;
        }
    }
    Ok(all)
}

fn count(value: &Value) -> Result<u64> {
    let number = whole(value)?;
    u64::try_from(number)
        .map_err(|_| Error::text(format!("{number} places are not looked at: give 0 or more")))
}

fn float(value: &Value) -> Result<f64> {
    match value {
        Value::Number(number) => Ok(number.as_f64()),
        _ => Err(Error::text("a number is wanted here")),
    }
}

fn only_axis(on: &Labelled, with: &Bound, verb: &str) -> Result<usize> {
    match &with.plain[..] {
        [] if verb == "sobel" => on.array.axis(-1).map_err(asked),
        [one] => axis(on, one),
        _ => Err(misused(verb)),
    }
}

fn only_array(with: &mut Bound, verb: &str) -> Result<Array> {
    match <[Value; 1]>::try_from(std::mem::take(&mut with.plain)) {
        Ok([one]) => Ok(one.array()?.array),
        Err(_) => Err(misused(verb)),
    }
}

fn misused(name: &str) -> Error {
    super::misused(VERBS, name)
}
