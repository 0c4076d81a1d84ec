//! `CREATE TABLE … AS`: rows kept in memory, counted against the memory limit for as long as the
//! table lives. One that does not fit is refused, and what had been read is let go.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::{CreateMemoryTable, LogicalPlan};
use futures::StreamExt;
use strata_engine::{HeldRows, LocalRunner, Runner};

use super::Outcome;
use crate::error::{Error, Result};
use crate::temporary;

pub(super) async fn create(session: &SessionContext, create: CreateMemoryTable) -> Result<Outcome> {
    let name = create.name.clone();
    let exists = session.table_exist(name.clone())?;
    match (exists, create.if_not_exists, create.or_replace) {
        (true, true, true) => {
            return Err(Error::text("IF NOT EXISTS and OR REPLACE exclude each other"));
        }
        (true, true, false) => return Ok(Outcome::Done(None)),
        (true, false, false) => {
            return Err(Error::text(format!("'{name}' exists already"))
                .hint("CREATE OR REPLACE TABLE replaces it"));
        }
        _ => {}
    }
    let schema = Arc::clone(create.input.schema().inner());
    let pool = Arc::clone(&session.runtime_env().memory_pool);
    let mut rows = HeldRows::new(MemoryConsumer::new(format!("table '{name}'")).register(&pool));
    if !matches!(create.input.as_ref(), LogicalPlan::EmptyRelation(_)) {
        let plan = create.input.as_ref().clone();
        let mut stream = LocalRunner.run(session, plan).await?.stream;
        while let Some(batch) = stream.next().await {
            rows.push(batch?)?;
        }
    }
    let parts = session.state().config().target_partitions();
    let is_temporary = temporary::is_name(session, &name);
    let table = rows
        .into_table(schema, parts)?
        .with_constraints(create.constraints)
        .with_defaults(create.column_defaults.into_iter().collect());
    let table = if is_temporary { table.temporary() } else { table };
    if exists {
        session.deregister_table(name.clone())?;
    }
    session.register_table(name.clone(), Arc::new(table))?;
    Ok(Outcome::Done(None))
}
