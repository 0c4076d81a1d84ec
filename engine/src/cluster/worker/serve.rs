//! A worker's port: gives its rows to those who ask by a ticket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::FlightData;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::error::FlightError;
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tonic::Status;

use super::exchange::Exchange;
use super::live::Rows;
use super::outputs::{OutputId, Outputs};
use crate::cluster::port::{Answers, Question, Role};
use crate::cluster::protocol::Parts;

/// The most bytes in one message: far below what a client takes by default.
const MESSAGE: usize = 4 << 20;

/// A worker, as others see it.
pub(super) struct WorkerRole {
    exchange: Arc<Exchange>,
    ready: AtomicBool,
}

impl WorkerRole {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange, ready: AtomicBool::new(false) }
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// The rows that some tasks made for a part of the stages above, if all are here.
fn made(
    outputs: &Outputs,
    first: OutputId,
    others: impl Iterator<Item = OutputId>,
    part: usize,
) -> Option<Rows> {
    let first = outputs.get(first)?;
    let schema = first.schema();
    let others = others.map(|id| outputs.get(id)?.read(part));
    let rows: Option<Vec<_>> = std::iter::once(first.read(part)).chain(others).collect();
    Some((schema, futures::stream::iter(rows?).flatten().boxed()))
}

#[async_trait]
impl Role for WorkerRole {
    async fn answer(&self, question: Question) -> Result<Answers, Status> {
        Err(question.unknown())
    }

    async fn rows(
        &self,
        parts: Parts,
    ) -> Result<BoxStream<'static, Result<FlightData, Status>>, Status> {
        let Exchange { outputs, live, .. } = self.exchange.as_ref();
        let mut ids = parts.tasks.iter().map(|task| OutputId {
            job: parts.job,
            stage: parts.stage,
            task: *task,
        });
        let found = match (parts.live, ids.next()) {
            (true, Some(id)) => live.read(id, outputs).await,
            (false, Some(first)) => made(outputs, first, ids, parts.output as usize),
            (_, None) => None,
        };
        let missing = || Status::not_found("this worker does not have these rows, or no more");
        let (schema, rows) = found.ok_or_else(missing)?;
        let encoded = FlightDataEncoderBuilder::new()
            .with_schema(schema)
            .with_dictionary_handling(DictionaryHandling::Resend)
            .with_max_flight_data_size(MESSAGE)
            .with_options(IpcWriteOptions::default())
            .build(rows.map_err(|error| FlightError::ExternalError(Box::new(error))));
        Ok(encoded.map_err(Status::from).boxed())
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}
