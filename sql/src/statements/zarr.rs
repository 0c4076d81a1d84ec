//! `CREATE EXTERNAL TABLE … STORED AS ZARR`: a name for the rows of a store, which are made when they are asked for.

use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::CreateExternalTable;

use super::Outcome;
use crate::arrays::external;
use crate::error::{Error, Result};

pub(super) async fn create(
    session: &SessionContext,
    create: &CreateExternalTable,
) -> Result<Outcome> {
    let name = create.name.to_string();
    let parts = [!create.columns.is_empty(), !create.table_partition_cols.is_empty()];
    if parts.contains(&true) || !create.options.is_empty() || !create.order_exprs.is_empty() {
        return Err(Error::text("a store of arrays says itself what it has")
            .hint(format!("write CREATE EXTERNAL TABLE {name} STORED AS ZARR LOCATION '…'")));
    }
    if session.table_exist(name.as_str())? {
        if create.if_not_exists {
            return Ok(Outcome::Done(None));
        }
        if !create.or_replace {
            return Err(Error::text(format!("'{name}' exists already"))
                .hint("CREATE OR REPLACE EXTERNAL TABLE replaces it"));
        }
        session.deregister_table(name.as_str())?;
    }
    let [location] = &create.locations[..] else {
        return Err(Error::text("a store of arrays lies in one place"));
    };
    let frame = external(session, location).await?;
    session.register_table(name.as_str(), frame.into_view())?;
    Ok(Outcome::Done(None))
}
