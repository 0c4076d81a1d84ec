//! `from_function(i * 10 + j, i => 3, j => 4)`: a formula of the place of each value, whose dimensions are
//! named behind it.

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, Kind, cut_evenly};

use super::arguments::{Bound, whole};
use super::bind::{bind, bind_arguments};
use super::{HeldArrays, Value, asked};
use crate::error::{Error, Result};
use crate::parse::{TermArgument, TermValue};

/// What else is said by name, and is no dimension.
const OPTIONS: &[&str] = &["chunks", "dtype"];

/// The array of a formula.
pub(super) async fn from_function(
    session: &SessionContext,
    arguments: &[TermArgument],
) -> Result<Value> {
    let Some((formula, named)) = arguments.split_first() else { return Err(misused()) };
    let (None, TermValue::Term(term)) = (&formula.name, &formula.value) else {
        return Err(misused());
    };
    let mut with = bind_arguments(session, named, false).await?;
    if !with.plain.is_empty() {
        return Err(misused());
    }
    let (options, dims): (Vec<_>, Vec<_>) = std::mem::take(&mut with.named)
        .into_iter()
        .partition(|(name, ..)| OPTIONS.iter().any(|option| option.eq_ignore_ascii_case(name)));
    let mut with = Bound { plain: Vec::new(), named: options };
    let mut shape = Vec::with_capacity(dims.len());
    for (_, length, at) in &dims {
        let length = whole(length).map_err(|error| error.at(*at))?;
        shape.push(
            u64::try_from(length).map_err(|_| {
                Error::text(format!("{length} is no length of a dimension")).at(*at)
            })?,
        );
    }
    let grid = match with.has("chunks") {
        true => with.grid(&shape, Kind::F64.into())?,
        false => cut_evenly(&shape, Kind::F64.into()),
    };
    let names: Vec<_> = dims.into_iter().map(|(name, ..)| Some(name)).collect();
    let places = Array::places(&grid, &names).map_err(asked)?;
    let known = names.iter().flatten().cloned().zip(places);
    let known = known.map(|(name, places)| (name, Value::Array(places.into())));
    let made = bind(&HeldArrays::beside(session, known), term).await?.array()?;
    let made = match with.has("dtype") {
        true => made.array.cast(with.dtype("dtype", made.array.kind())?).map_err(asked)?,
        false => made.array,
    };
    with.done(OPTIONS)?;
    let filled = made.broadcast_to(&shape).and_then(|made| made.rechunk(grid)?.named(names));
    Ok(Value::Array(filled.map_err(asked)?.into()))
}

fn misused() -> Error {
    Error::text("it is called otherwise").hint("write from_function(i * 10 + j, i => 3, j => 4)")
}
