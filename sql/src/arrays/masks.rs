//! Subscripts that are arrays: truth values choose the places where they are true, whole numbers are places.
//! How many places there are is known once they are computed.

use datafusion::execution::context::SessionContext;
use strata_engine::{DType, Index, Kind, Labelled, Slice, Tensor};

use super::asked;
use crate::error::{Error, Result};

/// Fails where there are more or fewer truth values than places along their dimension.
pub(super) fn fits(truths: u64, along: Option<(usize, u64)>) -> Result<()> {
    match along {
        Some((axis, length)) if length != truths => Err(Error::text(format!(
            "a mask of {truths} truth values does not fit axis {axis} of length {length}"
        ))),
        _ => Ok(()),
    }
}

/// A subscript for one dimension.
pub(super) async fn index(
    session: &SessionContext,
    places: &Labelled,
    along: Option<(usize, u64)>,
) -> Result<Index> {
    let array = &places.array;
    if array.ndim() != 1 {
        return Err(Error::text(format!(
            "a subscript among others has one dimension, and this has shape {:?}",
            array.shape()
        ))
        .hint("a mask of the array's own shape stands alone: x[x > 0]"));
    }
    Ok(match array.dtype() {
        DType::Plain(Kind::Bool) => {
            fits(array.shape().iter().product(), along)?;
            array.true_places(session).await?
        }
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
    let places = mask.reshape(&[-1]).map_err(asked)?.true_places(session).await?;
    let row = on.reshape(&[-1]).map_err(asked)?;
    row.index(&[places]).map(Labelled::from).map_err(asked)
}

/// Whether a subscript is a mask of the whole array, which it chooses values of.
pub(super) fn is_whole(on: &Labelled, mask: &Labelled) -> bool {
    mask.array.dtype() == DType::Plain(Kind::Bool) && on.array.ndim() > 1 && mask.array.ndim() > 1
}

fn whole(places: &Tensor) -> Result<Vec<i64>> {
    match places.values() {
        Slice::I64(places) => Ok(places.to_vec()),
        _ => Err(Error::text("places are whole numbers")),
    }
}
