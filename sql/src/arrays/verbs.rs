//! What is done to an array with a verb.

use datafusion::execution::context::SessionContext;
use futures::FutureExt;
use strata_engine::{Binary, Grid, Index, Labelled, Pad, Reduce, Scalar, Unary, nearest};

use super::align::align;
use super::arguments::{Bound, axes, axis, cuts, dtype, whole};
use super::bind::binary_of;
use super::{
    Value, asked, attributes, datasets, filters, fourier, labelled, matrices, packing, shapes,
    statistics,
};
use crate::error::{Error, Result};

/// The verbs that are no functions of values, each with how it is written.
const VERBS: &[(&str, &str)] = &[
    ("all", "all(lat, lon)"),
    ("any", "any(lat, lon)"),
    ("argmax", "argmax(time)"),
    ("argmin", "argmin(time)"),
    ("cast", "cast('f32')"),
    ("clip", "clip(0, 1)"),
    ("count", "count(time)"),
    ("flip", "flip(lat)"),
    ("isel", "isel(time => 0)"),
    ("max", "max(time)"),
    ("mean", "mean(lat, lon)"),
    ("min", "min(time)"),
    ("named", "named('anomaly')"),
    ("pad", "pad(time => (1, 2), mode => 'constant', value => 0)"),
    ("prod", "prod(0)"),
    ("rechunk", "rechunk(time => -1, lat => 37)"),
    ("reshape", "reshape(2, -1)"),
    ("roll", "roll(3, time)"),
    ("save", "save('anomaly.zarr', overwrite => true)"),
    ("sel", "sel(time BETWEEN '2020-01-01' AND '2020-01-31', lat > 60)"),
    ("squeeze", "squeeze()"),
    ("std", "std(time, ddof => 1)"),
    ("sum", "sum(0, 1)"),
    ("to_array", "to_array(day, region, value => amount)"),
    ("to_table", "to_table()"),
    ("transpose", "transpose(lon, lat, time)"),
    ("var", "var(time)"),
];

macro_rules! families {
    ($($family:ident),*) => {
        /// The verbs of all families, each with how it is written.
        fn of_families() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
            [$($family::VERBS),*].into_iter().flatten()
        }

        /// What a verb makes of an array, if it is of a family.
        async fn of_family(
            session: &SessionContext,
            on: &Labelled,
            verb: &str,
            with: &mut Bound,
        ) -> Result<Option<Value>> {
            $(if $family::VERBS.iter().any(|(own, _)| *own == verb) {
                return $family::call(session, on, verb, with).await.map(Some);
            })*
            Ok(None)
        }
    };
}
families!(attributes, filters, fourier, packing, shapes, statistics);

/// Verbs beside reductions whose last arguments are dimensions, which may be written as `axis => 0`.
const ALONG: &[&str] = &[
    "argsort",
    "argtopk",
    "cumprod",
    "cumsum",
    "flip",
    "median",
    "quantile",
    "repeat",
    "roll",
    "sort_along",
    "squeeze",
    "tile",
    "topk",
];

/// Whether arrays have this verb.
pub(crate) fn is_verb(name: &str) -> bool {
    verb_names().any(|verb| verb.eq_ignore_ascii_case(name))
}

/// All verbs of arrays.
pub(crate) fn verb_names() -> impl Iterator<Item = &'static str> {
    let own = VERBS.iter().chain(of_families()).chain(matrices::FUNCTIONS);
    let own = own.chain(labelled::VERBS).chain(datasets::VERBS);
    let own = own.map(|(name, _)| *name);
    let values = Unary::ALL.iter().map(|unary| unary.name());
    own.chain(values).chain(Binary::ALL.iter().map(|binary| binary.name()))
}

/// Whether the arguments of a verb are conditions in SQL.
pub(crate) fn takes_conditions(verb: &str) -> bool {
    verb.eq_ignore_ascii_case("sel")
}

pub(super) fn reduce_of(verb: &str, ddof: u32) -> Option<Reduce> {
    Some(match verb {
        "sum" => Reduce::Sum,
        "prod" => Reduce::Prod,
        "mean" => Reduce::Mean,
        "var" => Reduce::Var { ddof },
        "std" => Reduce::Std { ddof },
        "min" => Reduce::Min,
        "max" => Reduce::Max,
        "argmin" => Reduce::ArgMin,
        "argmax" => Reduce::ArgMax,
        "any" => Reduce::Any,
        "all" => Reduce::All,
        "count" => Reduce::Count,
        _ => return None,
    })
}

/// What a verb makes of an array.
pub(super) async fn call(
    session: &SessionContext,
    on: Labelled,
    verb: &str,
    mut with: Bound,
) -> Result<Value> {
    let verb = verb.to_ascii_lowercase();
    // As NumPy has it.
    if ALONG.contains(&verb.as_str()) || reduce_of(&verb, 0).is_some() {
        let axis = with.take("axis");
        with.plain.extend(axis);
    }
    if reduce_of(&verb, 0).is_some() {
        let ddof = u32::try_from(with.whole("ddof", 0)?)
            .map_err(|_| Error::text("ddof => is 0 or more"))?;
        let (skip, keep) = (with.flag("skip_nan")?, with.flag("keepdims")?);
        with.done(&["ddof", "skip_nan", "keepdims"])?;
        let axes = axes(&on, &with.plain)?;
        let Some(reduce) = reduce_of(&verb, ddof) else { return Err(unknown(&verb)) };
        return on.reduce(reduce, skip, &axes, keep).map(Value::Array).map_err(asked);
    }
    if matrices::is_function(&verb) {
        with.plain.insert(0, Value::Array(on));
        return matrices::call(&verb, with);
    }
    if let Some(made) = of_family(session, &on, &verb, &mut with).boxed().await? {
        return Ok(made);
    }
    let made = match verb.as_str() {
        "cast" => match &with.plain[..] {
            [one] => on.cast(dtype(one)?),
            _ => return Err(misused(&verb)),
        },
        "clip" => {
            let [low, high] = <[Value; 2]>::try_from(std::mem::take(&mut with.plain))
                .map_err(|_| misused(&verb))?;
            let above = binary_of(Binary::Maximum, Value::Array(on), low)?;
            return binary_of(Binary::Minimum, above, high);
        }
        "flip" => {
            let axes = axes(&on, &with.plain)?;
            let all = axes.is_empty();
            let backwards = Index::Slice { start: None, stop: None, step: Some(-1) };
            let one = |at| if all || axes.contains(&at) { backwards.clone() } else { Index::ALL };
            on.index(&(0..on.array.ndim()).map(one).collect::<Vec<_>>())
        }
        "isel" => {
            let mut subscripts = vec![Index::ALL; on.array.ndim()];
            for (name, value, at) in std::mem::take(&mut with.named) {
                let axis = axis(&on, &Value::Text(name)).map_err(|error| error.at(at))?;
                let index = match value {
                    Value::List(all) => {
                        Index::Places(all.iter().map(whole).collect::<Result<_>>()?)
                    }
                    one => Index::At(whole(&one)?),
                };
                if let Some(subscript) = subscripts.get_mut(axis) {
                    *subscript = index;
                }
            }
            // One list of places at a time.
            let mut selected = on.clone();
            for (axis, subscript) in subscripts.into_iter().enumerate().rev() {
                let mut one = vec![Index::ALL; axis];
                one.push(subscript);
                selected = selected.index(&one).map_err(asked)?;
            }
            return Ok(Value::Array(selected));
        }
        "named" => match &with.plain[..] {
            [Value::Text(name)] => Ok(Labelled { name: Some(name.clone()), ..on }),
            _ => return Err(misused(&verb)),
        },
        "pad" => return pad(&on, with).map(Value::Array),
        "rechunk" => return rechunk(&on, with).map(Value::Array),
        "reshape" => {
            let lengths: Vec<Value> = match &with.plain[..] {
                [Value::List(all)] => all.clone(),
                all => all.to_vec(),
            };
            let lengths = lengths.iter().map(whole).collect::<Result<Vec<i64>>>()?;
            on.array.reshape(&lengths).map(Labelled::from)
        }
        "roll" => match &with.plain[..] {
            [shift, along] => on.array.roll(whole(shift)?, axis(&on, along)?).map(Labelled::from),
            _ => return Err(misused(&verb)),
        },
        "squeeze" => {
            let shape = on.array.shape();
            let named = axes(&on, &with.plain)?;
            on.array.squeeze(&named).map_err(asked)?;
            let goes = |at: &usize, length: &u64| match named.is_empty() {
                true => *length == 1,
                false => named.contains(at),
            };
            let one = |(at, length): (usize, &u64)| match goes(&at, length) {
                true => Index::At(0),
                false => Index::ALL,
            };
            on.index(&shape.iter().enumerate().map(one).collect::<Vec<_>>())
        }
        "save" => {
            return Err(Error::text("it ends a statement, and nothing goes on after it"));
        }
        "without" => {
            return Err(Error::text("this is one array, and it leaves arrays out of several"));
        }
        "transpose" => {
            let order = match with.plain.is_empty() {
                true => (0..on.array.ndim()).rev().collect(),
                false => axes(&on, &with.plain)?,
            };
            on.transpose(&order)
        }
        _ => return of_values(session, on, &verb, with).await,
    };
    with.done(&[])?;
    made.map(Value::Array).map_err(asked)
}

/// A function of values, written as a verb of the first.
async fn of_values(
    session: &SessionContext,
    on: Labelled,
    verb: &str,
    with: Bound,
) -> Result<Value> {
    with.done(&[])?;
    match (Unary::from_name(verb), Binary::from_name(verb), with.plain.into_iter().next()) {
        (Some(unary), _, None) => on.unary(unary).map(Value::Array).map_err(asked),
        (_, Some(binary), Some(other)) => {
            let mut sides = [Value::Array(on), other];
            align(session, &mut sides).await?;
            let [on, other] = sides;
            binary_of(binary, on, other)
        }
        (None, None, _) => Err(unknown(verb)),
        _ => Err(misused(verb)),
    }
}

/// More places: so many before and after each dimension, or some that are named.
fn pad(on: &Labelled, mut with: Bound) -> Result<Labelled> {
    let value = with.number("value", Scalar::Signed(0))?;
    let pad = match with.take("mode") {
        None => Pad::Constant(value),
        Some(Value::Text(mode)) => match mode.as_str() {
            "constant" => Pad::Constant(value),
            "edge" => Pad::Edge,
            "reflect" => Pad::Reflect,
            "symmetric" => Pad::Symmetric,
            "wrap" => Pad::Wrap,
            other => {
                return Err(Error::text(format!("there is no mode '{other}'"))
                    .hint("there are constant, edge, reflect, symmetric and wrap"));
            }
        },
        Some(_) => return Err(Error::text("mode => is a text, as in 'edge'")),
    };
    let mut widths = match &with.plain[..] {
        [] => vec![(0, 0); on.array.ndim()],
        [both] => vec![width(both)?; on.array.ndim()],
        _ => return Err(misused("pad")),
    };
    for (name, value, at) in std::mem::take(&mut with.named) {
        let axis = axis(on, &Value::Text(name)).map_err(|error| error.at(at))?;
        if let Some(own) = widths.get_mut(axis) {
            *own = width(&value).map_err(|error| error.at(at))?;
        }
    }
    on.pad(&widths, pad).map_err(asked)
}

/// How many places more: before and after, or as many on both sides.
fn width(value: &Value) -> Result<(u64, u64)> {
    let one = |value: &Value| {
        let places = whole(value)?;
        u64::try_from(places)
            .map_err(|_| Error::text(format!("{places} places cannot be added: give 0 or more")))
    };
    match value {
        Value::List(both) => match &both[..] {
            [before, after] => Ok((one(before)?, one(after)?)),
            _ => Err(misused("pad")),
        },
        both => Ok((one(both)?, one(both)?)),
    }
}

/// Other chunks: of named dimensions, or of all in their order.
fn rechunk(on: &Labelled, mut with: Bound) -> Result<Labelled> {
    let mut grid = on.array.grid().clone();
    let shape = on.array.shape();
    let lengths: Vec<Value> = match &with.plain[..] {
        [Value::List(all)] => all.clone(),
        all => all.to_vec(),
    };
    let named = std::mem::take(&mut with.named).into_iter();
    let named = named.map(|(name, value, at)| {
        Ok((axis(on, &Value::Text(name)).map_err(|error| error.at(at))?, value))
    });
    let mut wanted: Vec<(usize, Value)> = lengths.into_iter().enumerate().collect();
    if !wanted.is_empty() && wanted.len() != shape.len() {
        return Err(Error::text(format!(
            "{} lengths for {} dimensions",
            wanted.len(),
            shape.len()
        )));
    }
    wanted.extend(named.collect::<Result<Vec<_>>>()?);
    for (axis, piece) in wanted {
        if let (Some(cut), Some(length)) = (grid.0.get_mut(axis), shape.get(axis)) {
            *cut = cuts(*length, &piece)?;
        }
    }
    on.rechunk(Grid(grid.0)).map_err(asked)
}

fn unknown(verb: &str) -> Error {
    let error = Error::text(format!("arrays have no verb '{verb}'"));
    match nearest(verb, verb_names()) {
        _ if crate::verbs::find_verb(verb).is_some() => {
            error.hint(format!("tables have: name the array, as in t = …; t.{verb}(…)"))
        }
        Some(close) => error.hint(format!("did you mean '{close}'?")),
        None => error,
    }
}

fn misused(name: &str) -> Error {
    super::misused(VERBS, name)
}
