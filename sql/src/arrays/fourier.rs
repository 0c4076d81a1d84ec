//! Fourier transforms, and what is made of the complex numbers that they give.

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, ArrayError, Labelled, Scalar};

use super::arguments::{Bound, whole};
use super::{Value, asked};
use crate::error::{Error, Result};

/// These verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("angle", "angle()"),
    ("conj", "conj()"),
    ("fft", "fft(time)"),
    ("fftn", "fftn(lat, lon)"),
    ("fftshift", "fftshift(time)"),
    ("ifft", "ifft(time)"),
    ("ifftn", "ifftn(lat, lon)"),
    ("ifftshift", "ifftshift(time)"),
    ("imag", "imag()"),
    ("irfft", "irfft(time, n => 365)"),
    ("irfftn", "irfftn(lat, lon, n => 360)"),
    ("magnitude", "magnitude()"),
    ("real", "real()"),
    ("rfft", "rfft(time)"),
    ("rfftn", "rfftn(lat, lon)"),
];

/// What such a verb makes of an array.
pub(super) async fn call(
    _: &SessionContext,
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
) -> Result<Value> {
    let length = match verb {
        "irfft" | "irfftn" => match with.has("n") {
            true => Some(length(with.whole("n", 0)?)?),
            false => None,
        },
        _ => None,
    };
    with.done(if verb.starts_with("irfft") { &["n"] } else { &[] })?;
    let array = &on.array;
    let named = axes(on, &with.plain)?;
    if let "real" | "imag" | "magnitude" | "angle" | "conj" = verb {
        if !with.plain.is_empty() {
            return Err(super::misused(VERBS, verb));
        }
        let made = match verb {
            "real" => array.real(),
            "imag" => array.imag(),
            "magnitude" => array.magnitude(),
            "conj" => array.conj(),
            _ => array.angle(),
        };
        return made.map(|made| Value::Array(on.made(made, None))).map_err(asked);
    }
    let axes = match (named.is_empty(), verb.ends_with('n') || verb.ends_with("shift")) {
        (true, true) => (0..array.ndim_of_numbers()).collect(),
        // The last, unless one is named.
        (true, false) => array.ndim_of_numbers().checked_sub(1).into_iter().collect(),
        (false, _) => named,
    };
    let made = match (verb, &axes[..]) {
        ("fft", [axis]) => array.fft(*axis),
        ("ifft", [axis]) => array.ifft(*axis),
        ("rfft", [axis]) => array.rfft(*axis),
        ("irfft", [axis]) => array.irfft(*axis, length),
        ("fftn", axes) => array.fftn(axes),
        ("ifftn", axes) => array.ifftn(axes),
        ("rfftn", axes) => array.rfftn(axes),
        ("irfftn", axes) => array.irfftn(axes, length),
        ("fftshift", axes) => array.fftshift(axes, false),
        ("ifftshift", axes) => array.fftshift(axes, true),
        _ => return Err(super::misused(VERBS, verb)),
    };
    // Places along these are frequencies now, or were.
    let mut labelled = on.made(made.map_err(asked)?, None);
    for axis in axes {
        if let Some(dim) = array.dims().get(axis).and_then(Option::as_ref) {
            labelled.coords.remove(dim);
        }
    }
    Ok(Value::Array(labelled))
}

/// `fftfreq(n, d => 1)` and `rfftfreq(n, d => 1)`.
pub(super) fn frequencies(name: &str, with: &mut Bound) -> Result<Array> {
    let [count] = &with.plain[..] else {
        return Err(Error::text("it is called otherwise").hint("write fftfreq(365, d => 1)"));
    };
    let count = length(whole(count)?)?;
    let apart = with.number("d", Scalar::Float(1.0))?.as_f64();
    Array::frequencies(count, apart, name == "rfftfreq").map_err(asked)
}

fn length(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::text(format!("{number} is no number of values")))
}

/// Dimensions by their names or numbers; the one of both parts of complex numbers is not counted.
fn axes(on: &Labelled, values: &[Value]) -> Result<Vec<usize>> {
    let numbers = on.array.ndim_of_numbers() as i64;
    let mut all = Vec::new();
    for value in values {
        match value {
            Value::List(list) => all.extend(axes(on, list)?),
            Value::Text(name) => all.push(on.array.axis_named(name).map_err(asked)?),
            number => {
                let number = whole(number)?;
                let axis = if number < 0 { number + numbers } else { number };
                let axis = usize::try_from(axis).ok().filter(|axis| (*axis as i64) < numbers);
                all.push(axis.ok_or_else(|| {
                    asked(ArrayError::asked(format!(
                        "axis {number} is out of range for {numbers} dimensions"
                    )))
                })?);
            }
        }
    }
    Ok(all)
}
