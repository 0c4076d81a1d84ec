//! `coarsen(lat => 5)`: groups of so many neighbours.

use datafusion::execution::context::SessionContext;
use strata_engine::{Binary, DType, Kind, Labelled, Reduce, Scalar};

use super::coordinate;
use super::grouping::Grouping;
use crate::arrays::asked;
use crate::error::{Error, Result};

/// So many places as one; those that are left at the end are left out. A coordinate becomes its mean.
pub(super) async fn coarsen(
    session: &SessionContext,
    on: Labelled,
    axis: usize,
    dim: String,
    many: i64,
) -> Result<Grouping> {
    let length = on.array.shape().get(axis).copied().unwrap_or(0);
    let many = match u64::try_from(many) {
        Ok(many @ 1..) => many,
        _ => return Err(Error::text(format!("{many} places are not taken as one"))),
    };
    let groups = u32::try_from(length / many)
        .map_err(|_| Error::text(format!("{} groups are too many", length / many)))?;
    let label = |at: u64| u32::try_from(at / many).ok().filter(|label| *label < groups);
    let labels: Vec<Option<u32>> = (0..length).map(label).collect();
    let coord = coordinate(&on, axis)?;
    let dtype = coord.dtype();
    let counts = match dtype {
        DType::Plain(_) => coord,
        _ => coord.cast(Kind::I64.into()).map_err(asked)?,
    };
    let means = counts.group(Reduce::Mean, false, 0, (&labels, groups), &[]).map_err(asked)?;
    let means = match dtype {
        DType::Plain(_) => means,
        _ => {
            // Of a time that is none comes none.
            let none = counts.binary_with(Binary::Eq, Scalar::Signed(i64::MIN), false);
            let none =
                none.and_then(|none| none.group(Reduce::Any, false, 0, (&labels, groups), &[]));
            let counts = means.cast(Kind::I64.into()).map_err(asked)?;
            let counts = none.and_then(|none| counts.with_no_time_where(&none)).map_err(asked)?;
            counts.cast(dtype).map_err(asked)?
        }
    };
    let keys = means.compute(session).await?;
    Ok(Grouping { on, axis, name: dim, labels, keys })
}
