//! Verbs that look at values in their order, or count them: running sums, quantiles, histograms.

use datafusion::execution::context::SessionContext;
use strata_engine::{
    Array, Bins, Block, Interpolation, Labelled, Reduce, Scalar, Scan, Slice, Tensor, Wire, nearest,
};

use super::arguments::{Bound, axes, axis, shape, whole};
use super::{Value, asked};
use crate::error::{Error, Result};

/// These verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("argsort", "argsort(time)"),
    ("argtopk", "argtopk(3, time)"),
    ("bincount", "bincount(minlength => 10)"),
    ("cumprod", "cumprod(time)"),
    ("cumsum", "cumsum(time, skip_nan => true)"),
    ("digitize", "digitize((0, 10, 20), right => true)"),
    ("histogram", "histogram(bins => 10, range => (0, 1))"),
    ("map_blocks", "map_blocks('name of a kernel')"),
    ("median", "median(lat, lon, skip_nan => true)"),
    ("quantile", "quantile((0.1, 0.9), time, method => 'lower')"),
    ("sort_along", "sort_along(time)"),
    ("topk", "topk(3, time)"),
    ("unique", "unique()"),
];

/// What such a verb makes of an array.
pub(super) async fn call(
    session: &SessionContext,
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
) -> Result<Value> {
    let made = match verb {
        "cumsum" | "cumprod" => {
            let how = if verb == "cumsum" { Scan::Sum } else { Scan::Prod };
            let skip = with.flag("skip_nan")?;
            with.done(&["skip_nan"])?;
            let axis = match &with.plain[..] {
                [] => None,
                [one] => Some(axis(on, one)?),
                _ => return Err(misused(verb)),
            };
            on.made(on.array.scan(how, skip, axis).map_err(asked)?, None)
        }
        "median" => {
            let (skip, about) = (with.flag("skip_nan")?, with.flag("approximate")?);
            with.done(&["skip_nan", "approximate"])?;
            let axes = axes(on, &with.plain)?;
            let made = match about {
                true => {
                    let halves = on.array.quantiles_about(&[0.5], skip, &axes);
                    halves.and_then(|halves| halves.index(&[strata_engine::Index::At(0)]))
                }
                false => on.array.median(skip, &axes),
            };
            on.made(made.map_err(asked)?, None)
        }
        "quantile" => quantile(on, with)?,
        "histogram" => histogram(session, on, with).await?,
        "bincount" => bincount(session, on, with).await?,
        "digitize" => {
            let right = with.flag("right")?;
            with.done(&["right"])?;
            on.made(on.array.digitize(&numbers(&with.plain)?, right).map_err(asked)?, None)
        }
        "topk" | "argtopk" => {
            with.done(&[])?;
            let (k, along) = match &with.plain[..] {
                [k] => (whole(k)?, on.array.axis(-1).map_err(asked)?),
                [k, along] => (whole(k)?, axis(on, along)?),
                _ => return Err(misused(verb)),
            };
            let top = on.array.topk(k, along, verb == "argtopk").map_err(asked)?;
            on.made(top, Some(along))
        }
        "sort_along" | "argsort" => {
            with.done(&[])?;
            let along = match &with.plain[..] {
                [] => on.array.axis(-1).map_err(asked)?,
                [one] => axis(on, one)?,
                _ => return Err(misused(verb)),
            };
            on.made(on.array.sort(along, verb == "argsort").map_err(asked)?, Some(along))
        }
        "unique" => {
            with.done(&[])?;
            let (values, counts) = on.array.unique(session).await?;
            counted(counts, "value", values)?
        }
        _ => {
            with.done(&[])?;
            let [Value::Text(name)] = &with.plain[..] else { return Err(misused(verb)) };
            let kernel = Wire::of(session).kernel(name).map_err(asked)?;
            on.made(on.array.map_blocks(kernel).map_err(asked)?, None)
        }
    };
    Ok(Value::Array(made))
}

/// Numbers, or a list of them.
fn numbers(values: &[Value]) -> Result<Vec<f64>> {
    let values = match values {
        [Value::List(all)] => &all[..],
        all => all,
    };
    let number = |value: &Value| match value {
        Value::Number(number) => Ok(number.as_f64()),
        _ => Err(Error::text("numbers are wanted here")),
    };
    values.iter().map(number).collect()
}

fn floats(values: &[f64]) -> Result<Array> {
    let shape = vec![values.len() as u64];
    let block = Block::F64(values.to_vec());
    let tensor =
        Tensor::from_block(strata_engine::Kind::F64.into(), shape, block).map_err(asked)?;
    Array::of(tensor).map_err(asked)
}

fn quantile(on: &Labelled, with: &mut Bound) -> Result<Labelled> {
    let (skip, about) = (with.flag("skip_nan")?, with.flag("approximate")?);
    let how = match with.take("method") {
        None => Interpolation::Linear,
        Some(Value::Text(name)) => {
            let all = Interpolation::NAMED;
            let found = all.iter().find(|how| how.name().eq_ignore_ascii_case(&name)).copied();
            found.ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|how| how.name()).collect();
                let error = Error::text(format!("there is no method '{name}'"));
                match nearest(&name, names.iter().copied()) {
                    Some(near) => error.hint(format!("did you mean '{near}'?")),
                    None => error.hint(format!("the methods are {}", names.join(", "))),
                }
            })?
        }
        Some(_) => return Err(misused("quantile")),
    };
    with.done(&["skip_nan", "approximate", "method"])?;
    let Some((at, along)) = with.plain.split_first() else { return Err(misused("quantile")) };
    let several = matches!(at, Value::List(_));
    let at = numbers(std::slice::from_ref(at))?;
    let axes = axes(on, along)?;
    if about && how != Interpolation::Linear {
        return Err(Error::text("an approximate quantile has no method"));
    }
    let made = match about {
        true => on.array.quantiles_about(&at, skip, &axes),
        false => on.array.quantiles(&at, how, skip, &axes),
    };
    let made = made.map_err(asked)?;
    if !several {
        return Ok(on.made(made.index(&[strata_engine::Index::At(0)]).map_err(asked)?, None));
    }
    let mut dims = made.dims().to_vec();
    if let Some(first) = dims.first_mut() {
        *first = Some("quantile".to_string());
    }
    let mut labelled = on.made(made.named(dims).map_err(asked)?, None);
    labelled.coords.insert("quantile".to_string(), floats(&at)?);
    Ok(labelled)
}

/// Counts, with what is counted along their only dimension.
fn counted(counts: Tensor, dim: &str, labels: Tensor) -> Result<Labelled> {
    let counts = Array::of(counts).and_then(|array| array.named(vec![Some(dim.to_string())]));
    let mut labelled = Labelled::from(counts.map_err(asked)?);
    labelled.name = Some("count".to_string());
    labelled.coords.insert(dim.to_string(), Array::of(labels).map_err(asked)?);
    Ok(labelled)
}

/// The smallest and the largest value.
async fn ends(session: &SessionContext, array: &Array) -> Result<(f64, f64)> {
    let mut ends = [0.0; 2];
    for (end, reduce) in ends.iter_mut().zip([Reduce::Min, Reduce::Max]) {
        let found = array.reduce(reduce, false, &[]).map_err(asked)?;
        let found = found.cast(strata_engine::Kind::F64.into()).map_err(asked)?;
        if let Slice::F64([value]) = found.compute(session).await?.values() {
            *end = *value;
        }
    }
    Ok((ends[0], ends[1]))
}

async fn histogram(session: &SessionContext, on: &Labelled, with: &mut Bound) -> Result<Labelled> {
    let (bins, range) = (with.take("bins"), with.take("range"));
    with.done(&["bins", "range"])?;
    if !with.plain.is_empty() {
        return Err(misused("histogram"));
    }
    let bins = match bins {
        Some(Value::List(edges)) => Bins::Between(numbers(&edges)?),
        bins => {
            let bins = bins.as_ref().map_or(Ok(10), whole)?;
            let bins = u64::try_from(bins)
                .map_err(|_| Error::text(format!("a histogram does not have {bins} bins")))?;
            let (low, high) = match range {
                Some(Value::List(ends)) => match numbers(&ends)?[..] {
                    [low, high] => (low, high),
                    _ => return Err(misused("histogram")),
                },
                Some(_) => return Err(misused("histogram")),
                // What NumPy takes where there is nothing.
                None if on.array.bytes() == 0 => (0.0, 1.0),
                None => ends(session, &on.array).await?,
            };
            Bins::Even(bins, low, high)
        }
    };
    let (counts, edges) = on.array.histogram(&bins).map_err(asked)?;
    let counts = counts.named(vec![Some("bin".to_string())]).map_err(asked)?;
    let lefts = edges.split_last().map_or(&[][..], |(_, lefts)| lefts);
    let mut labelled = Labelled::from(counts);
    labelled.name = Some("count".to_string());
    labelled.coords.insert("bin".to_string(), floats(lefts)?);
    labelled.coords.insert("edges".to_string(), floats(&edges)?);
    Ok(labelled)
}

async fn bincount(session: &SessionContext, on: &Labelled, with: &mut Bound) -> Result<Labelled> {
    let least = shape(&[Value::Number(with.number("minlength", Scalar::Signed(0))?)])?;
    with.done(&["minlength"])?;
    if !with.plain.is_empty() {
        return Err(misused("bincount"));
    }
    let least = least.first().copied().unwrap_or(0);
    let most = match on.array.bytes() {
        0 => 0,
        _ => {
            let (low, high) = ends(session, &on.array).await?;
            if low < 0.0 {
                return Err(Error::text(format!(
                    "what is counted is not negative: there is {low}"
                )));
            }
            (high as u64).saturating_add(1)
        }
    };
    match least.max(most) {
        0 => Ok(Labelled::from(floats(&[])?.cast(strata_engine::Kind::I64.into()).map_err(asked)?)),
        length => Ok(Labelled::from(on.array.bincount(length).map_err(asked)?)),
    }
}

fn misused(name: &str) -> Error {
    super::misused(VERBS, name)
}
