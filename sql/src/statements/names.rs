//! `name = chain`: a name for rows, computed when it is used. It is a view, so SQL reads it as it
//! reads any table.

use datafusion::dataframe::DataFrame;
use datafusion::datasource::TableType;
use datafusion::execution::context::SessionContext;
use sqlparser::ast::Ident;

use super::{Outcome, bare, size};
use crate::arrays::HeldArrays;
use crate::error::{Error, Result};
use crate::parse::Chain;
use crate::temporary;
use crate::verbs::{self, normalized};

pub(super) async fn bind_name(
    session: &SessionContext,
    name: &Ident,
    chain: &Chain,
) -> Result<Outcome> {
    let name = normalized(&session.state(), name);
    // A chain may use the name's earlier meaning: it is bound before the name changes.
    let frame = verbs::bind(session, chain).await?;
    name_rows(session, &name, frame).await?;
    HeldArrays::remove(session, &name);
    Ok(Outcome::Done(None))
}

/// Gives rows a name, unless a table has it.
pub(crate) async fn name_rows(
    session: &SessionContext,
    name: &str,
    frame: DataFrame,
) -> Result<()> {
    size::refuse_endless(frame.logical_plan())?;
    temporary::refuse_lasting(name, frame.logical_plan())?;
    if session.table_exist(bare(name))? {
        let existing = session.table_provider(bare(name)).await?;
        if existing.table_type() != TableType::View {
            return Err(Error::text(format!("'{name}' is a table"))
                .hint("choose another name, or DROP TABLE it first"));
        }
        session.deregister_table(bare(name))?;
    }
    session.register_table(bare(name), frame.into_view())?;
    Ok(())
}
