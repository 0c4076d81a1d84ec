//! Work by labels: values whose labels are alike brought to one, and values that do not all count the same. Verbs
//! give what is not an array yet, and what reduces goes on from there.

mod coarsen;
mod grouping;
mod interp;
mod keys;
mod periods;
mod rolling;
mod weighted;

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, DType, DatePart, Labelled, Scalar};

use super::arguments::{axis, whole};
use super::bind::{bind, bind_arguments};
use super::{HeldArrays, Value, asked, misused};
use crate::error::Result;
use crate::parse::{TermArgument, TermValue};

pub(crate) use grouping::Grouping;
pub(crate) use rolling::Rolling;
pub(crate) use weighted::Weighted;

/// These verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("coarsen", "coarsen(lat => 5).mean()"),
    ("groupby", "groupby(time.month).mean(), or any array along one dimension"),
    ("interp", "interp(lat => 12.5, lon => (1.0, 2.5), method => 'nearest')"),
    ("resample", "resample(time => '1MS').mean()"),
    ("rolling", "rolling(time => 30, min_periods => 1, center => true).mean()"),
    ("weighted", "weighted(cos(lat * 0.01745329252)).mean(lat, lon)"),
];

/// Whether this is one of these verbs.
pub(super) fn is_verb(verb: &str) -> bool {
    VERBS.iter().any(|(own, _)| own.eq_ignore_ascii_case(verb))
}

/// What such a verb makes of an array.
pub(super) async fn call(
    session: &SessionContext,
    on: Labelled,
    verb: &str,
    arguments: &[TermArgument],
) -> Result<Value> {
    let verb = verb.to_ascii_lowercase();
    let grouping = match verb.as_str() {
        "groupby" => grouping::groupby(session, on, arguments).await?,
        "weighted" => {
            let [TermArgument { name: None, value: TermValue::Term(term), .. }] = arguments else {
                return Err(misused(VERBS, &verb));
            };
            let weights = bind(&beside(session, &on)?, term).await?.array()?;
            return Ok(Value::Weighted(Box::new(Weighted { on, weights })));
        }
        "interp" => {
            let with = bind_arguments(session, arguments, true).await?;
            return interp::interp(session, on, with).await.map(Value::Array);
        }
        "rolling" => {
            let with = bind_arguments(session, arguments, true).await?;
            return Ok(Value::Rolling(Box::new(rolling::rolling(on, with)?)));
        }
        _ => {
            let mut with = bind_arguments(session, arguments, true).await?;
            let Some((dim, value, at)) = with.named.pop() else {
                return Err(misused(VERBS, &verb));
            };
            with.done(&[])?;
            let along = axis(&on, &Value::Text(dim.clone())).map_err(|error| error.at(at))?;
            match (verb.as_str(), value) {
                ("resample", Value::Text(text)) => {
                    let made = periods::resample(session, on, along, dim, &text).await;
                    made.map_err(|error| error.at(at))?
                }
                ("coarsen", many) => {
                    coarsen::coarsen(session, on, along, dim, whole(&many)?).await?
                }
                _ => return Err(misused(VERBS, &verb)),
            }
        }
    };
    Ok(Value::Grouped(Box::new(grouping)))
}

/// The coordinate of a dimension, or its places where it has none.
fn coordinate(on: &Labelled, axis: usize) -> Result<Array> {
    let dim = on.array.dims().get(axis).and_then(Option::as_ref);
    if let Some(coord) = dim.and_then(|dim| on.coords.get(dim)) {
        return Ok(coord.clone());
    }
    let length = on.array.shape().get(axis).copied().unwrap_or(0);
    let (zero, one) = (Scalar::Signed(0), Scalar::Signed(1));
    Array::arange(zero, Scalar::Unsigned(length), one).map_err(asked)
}

/// A session in which the names of an array's dimensions are its coordinates.
fn beside(session: &SessionContext, on: &Labelled) -> Result<SessionContext> {
    let mut known = Vec::new();
    for (at, dim) in on.array.dims().iter().enumerate() {
        let Some(dim) = dim else { continue };
        let array = coordinate(on, at)?.named(vec![Some(dim.clone())]).map_err(asked)?;
        known.push((dim.clone(), Value::Array(Labelled::from(array))));
    }
    Ok(HeldArrays::beside(session, known.into_iter()))
}

/// A part of each time, if that is what a field of an array is.
pub(super) fn date_part(of: &Labelled, name: &str) -> Option<Result<Labelled>> {
    let part = DatePart::from_name(name)?;
    matches!(of.array.dtype(), DType::Time(_)).then(|| {
        let made = of.array.date_part(part).map_err(asked)?;
        Ok(Labelled { name: Some(name.to_string()), ..of.made(made, None) })
    })
}
