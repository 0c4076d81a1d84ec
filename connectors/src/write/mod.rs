//! `COPY` and `INSERT` into files, whole or not at all: the target's URL is exchanged for one whose
//! store holds every file back, and a transaction shows them together at the end.

mod copy;
mod insert;
mod partition_values;
mod transaction;

use datafusion::catalog::Session;
use datafusion::logical_expr::{LogicalPlan, WriteOp};
use strata_engine::WriteTarget;

use crate::error::Result;
use crate::stores::Stores;

/// Takes charge of a write whose target is a file or a folder.
pub(crate) async fn begin(
    plan: &LogicalPlan,
    session: &dyn Session,
) -> Result<Option<WriteTarget>> {
    let Some(stores) = session.config().get_extension::<Stores>() else { return Ok(None) };
    match plan {
        LogicalPlan::Copy(copy) => copy::begin(copy, session, &stores).await,
        LogicalPlan::Dml(dml) => match &dml.op {
            WriteOp::Insert(op) => insert::begin(dml, *op, &stores).await,
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}
