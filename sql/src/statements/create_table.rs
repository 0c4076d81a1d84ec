//! `CREATE TABLE … AS`: rows kept in memory, counted against the memory limit for as long as the
//! table lives. One that does not fit is refused, and what had been read is let go.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{CreateMemoryTable, LogicalPlan};
use futures::StreamExt;
use parking_lot::Mutex;
use strata_engine::{LocalRunner, Runner};

use super::Outcome;
use crate::error::{Error, Result};

/// What the tables of a session hold, by their names.
#[derive(Debug, Default)]
pub(crate) struct HeldTables(Mutex<HashMap<String, MemoryReservation>>);

impl HeldTables {
    /// Keeps what a table holds, in place of what one of its name held.
    pub(crate) fn hold(session: &SessionContext, name: &str, reservation: MemoryReservation) {
        if let Some(held) = held(session) {
            held.0.lock().insert(name.to_string(), reservation);
        }
    }

    /// Keeps what a table holds beside what it did already.
    pub(crate) fn hold_more(session: &SessionContext, name: &str, more: MemoryReservation) {
        if let Some(held) = held(session) {
            let mut held = held.0.lock();
            let bytes = more.size();
            match held.get(name) {
                Some(reservation) => {
                    more.free();
                    reservation.grow(bytes);
                }
                None => {
                    held.insert(name.to_string(), more);
                }
            }
        }
    }

    /// Gives back what a table held.
    pub(super) fn release(session: &SessionContext, name: &str) {
        if let Some(held) = held(session) {
            held.0.lock().remove(name);
        }
    }
}

fn held(session: &SessionContext) -> Option<Arc<HeldTables>> {
    session.state_ref().read().config().get_extension::<HeldTables>()
}

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
    let reservation = MemoryConsumer::new(format!("table '{name}'")).register(&pool);
    // Several partitions, so that reading the table uses every core.
    let count = session.state().config().target_partitions().max(1);
    let mut partitions: Vec<Vec<RecordBatch>> = vec![Vec::new(); count];
    if !matches!(create.input.as_ref(), LogicalPlan::EmptyRelation(_)) {
        let plan = create.input.as_ref().clone();
        let mut stream = LocalRunner.run(session, plan).await?.stream;
        let mut next = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            reservation.try_grow(batch.get_array_memory_size())?;
            if let Some(partition) = partitions.get_mut(next % count) {
                partition.push(batch);
            }
            next += 1;
        }
    }
    let table = MemTable::try_new(schema, partitions)?
        .with_constraints(create.constraints)
        .with_column_defaults(create.column_defaults.into_iter().collect());
    if exists {
        session.deregister_table(name.clone())?;
    }
    session.register_table(name.clone(), Arc::new(table))?;
    HeldTables::hold(session, name.table(), reservation);
    Ok(Outcome::Done(None))
}
