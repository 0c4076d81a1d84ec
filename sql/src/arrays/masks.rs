//! Subscripts that are arrays: truth values choose the places where they are true, whole numbers are places.
//! How many places there are is known once they are computed.

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, DType, Index, Kind, Labelled, Slice, Tensor};

use super::asked;
use crate::error::{Error, Result};

/// A subscript for one dimension.
pub(super) async fn index(session: &SessionContext, places: &Labelled) -> Result<Index> {
    let array = &places.array;
    if array.ndim() != 1 {
        return Err(Error::text(format!(
            "a subscript among others has one dimension, and this has shape {:?}",
            array.shape()
        ))
        .hint("a mask of the array's own shape stands alone: x[x > 0]"));
    }
    Ok(match array.dtype() {
        DType::Plain(Kind::Bool) => in_a_row(&true_places(session, array).await?),
        DType::Plain(kind) if !kind.is_float() => {
            let places = array.cast(Kind::I64.into()).map_err(asked)?.compute(session).await?;
            Index::Places(whole(&places)?)
        }
        other => return Err(Error::text(format!("an array of {other} is no subscript"))),
    })
}

/// The values where a mask of the same shape is true, in a row.
pub(super) async fn masked(
    session: &SessionContext,
    on: &Labelled,
    mask: &Labelled,
) -> Result<Labelled> {
    let (on, mask) = (&on.array, &mask.array);
    if on.shape() != mask.shape() {
        return Err(Error::text(format!(
            "a mask of shape {:?} does not fit an array of shape {:?}",
            mask.shape(),
            on.shape()
        )));
    }
    let places = true_places(session, &mask.reshape(&[-1]).map_err(asked)?).await?;
    let row = on.reshape(&[-1]).map_err(asked)?;
    row.index(&[in_a_row(&places)]).map(Labelled::from).map_err(asked)
}

/// Whether a subscript is a mask of the whole array, which it chooses values of.
pub(super) fn is_whole(on: &Labelled, mask: &Labelled) -> bool {
    mask.array.dtype() == DType::Plain(Kind::Bool) && on.array.ndim() > 1 && mask.array.ndim() > 1
}

async fn true_places(session: &SessionContext, mask: &Array) -> Result<Vec<i64>> {
    let mask = mask.compute(session).await?;
    let Slice::Bool(truths) = mask.values() else {
        return Err(Error::text("a mask is made of truth values"));
    };
    let truths = truths.iter().enumerate().filter(|(_, truth)| **truth != 0);
    Ok(truths.map(|(at, _)| at as i64).collect())
}

/// Places; those that follow one another as a slice, which names them all at once.
fn in_a_row(places: &[i64]) -> Index {
    match (places.first(), places.last()) {
        (Some(first), Some(last)) if last - first + 1 == places.len() as i64 => {
            Index::Slice { start: Some(*first), stop: Some(last + 1), step: None }
        }
        _ => Index::Places(places.to_vec()),
    }
}

fn whole(places: &Tensor) -> Result<Vec<i64>> {
    match places.values() {
        Slice::I64(places) => Ok(places.to_vec()),
        _ => Err(Error::text("places are whole numbers")),
    }
}
