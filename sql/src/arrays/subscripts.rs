//! `x[1:5, ::-1, mask]`: the part of an array that subscripts name.

use datafusion::execution::context::SessionContext;
use strata_engine::{Index, Labelled, Scalar};

use super::arguments::whole;
use super::bind::bind;
use super::{Value, asked, masks};
use crate::error::Result;
use crate::parse::{Subscript, Term};

/// The part that subscripts name.
pub(super) async fn part(
    session: &SessionContext,
    on: &Term,
    subscripts: &[Subscript],
) -> Result<Value> {
    let on = bind(session, on).await?.array()?;
    if let [Subscript::One(term)] = subscripts {
        let index = match bind(session, term).await? {
            Value::Array(mask) if masks::is_whole(&on, &mask) => {
                return masks::masked(session, &on, &mask).await.map(Value::Array);
            }
            one => place(session, one, along(&on, subscripts, 0)).await?,
        };
        return on.index(&[index]).map(Value::Array).map_err(asked);
    }
    let mut indexes = Vec::with_capacity(subscripts.len());
    for (at, subscript) in subscripts.iter().enumerate() {
        indexes.push(index(session, subscript, along(&on, subscripts, at)).await?);
    }
    on.index(&indexes).map(Value::Array).map_err(asked)
}

/// The dimension that a subscript is about, and its length; none where there are more subscripts than dimensions.
fn along(on: &Labelled, subscripts: &[Subscript], at: usize) -> Option<(usize, u64)> {
    let takes = |subscript: &&Subscript| !matches!(subscript, Subscript::New | Subscript::Rest);
    let (before, from) = subscripts.split_at(at);
    let shape = on.array.shape();
    // Behind an ellipsis, counted from the end.
    let axis = match before.iter().any(|subscript| matches!(subscript, Subscript::Rest)) {
        true => shape.len().checked_sub(from.iter().filter(takes).count())?,
        false => before.iter().filter(takes).count(),
    };
    Some((axis, *shape.get(axis)?))
}

async fn index(
    session: &SessionContext,
    subscript: &Subscript,
    along: Option<(usize, u64)>,
) -> Result<Index> {
    let bound = |value: Value| whole(&value).map(Some);
    match subscript {
        Subscript::Rest => Ok(Index::Rest),
        Subscript::New => Ok(Index::New),
        Subscript::One(term) => place(session, bind(session, term).await?, along).await,
        Subscript::Slice(start, stop, step) => {
            let mut parts = [None, None, None];
            for (part, term) in parts.iter_mut().zip([start, stop, step]) {
                if let Some(term) = term {
                    *part = bound(bind(session, term).await?)?;
                }
            }
            let [start, stop, step] = parts;
            Ok(Index::Slice { start, stop, step })
        }
    }
}

/// A place, or places, along one dimension.
async fn place(
    session: &SessionContext,
    value: Value,
    along: Option<(usize, u64)>,
) -> Result<Index> {
    let truth = |value: &Value| match value {
        Value::Number(Scalar::Bool(truth)) => Some(*truth),
        _ => None,
    };
    match value {
        Value::List(all) => match all.iter().map(truth).collect::<Option<Vec<bool>>>() {
            Some(truths) if !truths.is_empty() => {
                masks::fits(truths.len() as u64, along)?;
                let places = truths.iter().enumerate().filter(|(_, truth)| **truth);
                Ok(Index::of_places(places.map(|(at, _)| at as i64).collect()))
            }
            _ => all.iter().map(whole).collect::<Result<_>>().map(Index::Places),
        },
        Value::Array(places) => masks::index(session, &places, along).await,
        one => Ok(Index::At(whole(&one)?)),
    }
}
