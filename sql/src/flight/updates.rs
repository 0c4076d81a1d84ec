//! Statements that are sent for what they do: how many rows it was about is all that a client hears.

use std::sync::{Arc, Weak};

use arrow::array::RecordBatch;
use arrow::array::cast::AsArray;
use arrow::datatypes::UInt64Type;
use datafusion::common::ParamValues;
use futures::StreamExt;
use tonic::Status;

use super::Server;
use super::caller::Caller;
use super::results::Work;
use super::run;
use super::sessions::FlightSession;
use crate::Statement;
use crate::statements::Intent;

/// Values for the parameters of a statement, row by row.
pub(super) type Values<'a> = Box<dyn Iterator<Item = Result<ParamValues, Status>> + Send + 'a>;

/// What is told of a statement that made rows, and changed none.
const UNKNOWN: i64 = -1;

/// Runs a statement to its end, for each of its parameters, or once where they are none; how many rows it was about.
pub(super) async fn update(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    caller: &Caller,
    statement: &Arc<Statement>,
    parameters: Option<Values<'_>>,
) -> Result<i64, Status> {
    let intent = super::statements::meant(session, caller, statement).await?;
    let mut sum = 0i64;
    let mut each = parameters.unwrap_or_else(|| Box::new(std::iter::empty()));
    let mut next = each.next().transpose()?;
    loop {
        let work = match &intent {
            Intent::Reads(plan) | Intent::Writes(plan) => {
                let plan = run::bound(plan.clone(), next.as_ref())?;
                let schema = super::statements::schema(session, Some(&plan));
                Work::Plans { plans: vec![plan], schema }
            }
            Intent::Does(_) => Work::Statement {
                statement: Arc::clone(statement),
                parameters: next.take().into_iter().collect(),
            },
        };
        sum = sum.saturating_add(count(server, session, work).await?);
        next = match each.next() {
            Some(values) => Some(values?),
            None => break,
        };
    }
    Ok(match intent {
        Intent::Reads(_) => UNKNOWN,
        Intent::Writes(_) => sum,
        Intent::Does(_) => 0,
    })
}

/// Runs something to its end; the sum of the counts that it tells.
async fn count(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    work: Work,
) -> Result<i64, Status> {
    let mut running = run::start(server, session, work, Weak::new()).await?;
    let mut rows = 0i64;
    while let Some(batch) = running.batches.next().await {
        rows = rows.saturating_add(counted(&batch?));
    }
    Ok(rows)
}

/// What a row that tells how many were written says.
fn counted(batch: &RecordBatch) -> i64 {
    let told = batch.column_by_name("count").and_then(|column| {
        let counts = column.as_primitive_opt::<UInt64Type>()?;
        Some(counts.iter().flatten().sum::<u64>())
    });
    i64::try_from(told.unwrap_or(0)).unwrap_or(i64::MAX)
}
