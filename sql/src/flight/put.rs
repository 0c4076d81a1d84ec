//! Rows that come from a client, and prepared statements that are run for each of them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use tonic::Status;

use super::gate::Gate;
use super::prepared::Prepared;
use super::sessions::Here;
use super::{Server, errors, updates};

/// What messages with rows are called.
const SENT: &str = "what was sent";

/// The rows of messages. The first may have none, and say only what they are for.
pub(super) fn batches(
    context: &SessionContext,
    messages: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
) -> BoxStream<'static, Result<RecordBatch, Status>> {
    let pool = Arc::clone(&context.runtime_env().memory_pool);
    let unpacked = MemoryConsumer::new("rows that came packed").register(&pool);
    let mut gate = Gate::default();
    let told = messages.filter(|message| {
        let empty = matches!(message, Ok(message) if message.data_header.is_empty());
        std::future::ready(!empty)
    });
    let told = told.map(move |message| -> Result<FlightData, Status> {
        let message = message?;
        let bytes = gate.check(&message).map_err(|why| errors::malformed(SENT, why))?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        // What was unpacked before is counted by whoever has it.
        unpacked.try_resize(bytes).map_err(errors::status)?;
        Ok(message)
    });
    let rows = FlightRecordBatchStream::new_from_flight_data(told.map_err(FlightError::from));
    rows.map_err(|error| match error {
        FlightError::Tonic(status) => *status,
        other => errors::malformed(SENT, other),
    })
    .boxed()
}

/// Runs a prepared statement for each row that comes; once with what was bound before, where none comes.
pub(super) async fn each(
    server: &Arc<Server>,
    here: &Here,
    prepared: &Prepared,
    mut batches: BoxStream<'static, Result<RecordBatch, Status>>,
) -> Result<i64, Status> {
    let (session, caller, statement) = (&here.session, &here.caller, prepared.statement());
    let (mut sum, mut came) = (0i64, false);
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        if batch.num_columns() == 0 && prepared.parameters().fields().is_empty() {
            continue;
        }
        came = true;
        if batch.num_rows() > 0 {
            let values = Box::new(prepared.values(&batch)?);
            let rows = updates::update(server, session, caller, statement, Some(values)).await?;
            sum = sum.saturating_add(rows);
        }
    }
    if came {
        return Ok(sum);
    }
    let bound = prepared.bound();
    if bound.is_empty() {
        return updates::update(server, session, caller, statement, None).await;
    }
    for batch in bound.iter() {
        let values = Box::new(prepared.values(batch)?);
        let rows = updates::update(server, session, caller, statement, Some(values)).await?;
        sum = sum.saturating_add(rows);
    }
    Ok(sum)
}
