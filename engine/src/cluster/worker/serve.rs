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
use super::outputs::OutputId;
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

#[async_trait]
impl Role for WorkerRole {
    async fn answer(&self, question: Question) -> Result<Answers, Status> {
        Err(question.unknown())
    }

    async fn rows(
        &self,
        parts: Parts,
    ) -> Result<BoxStream<'static, Result<FlightData, Status>>, Status> {
        let found: Option<Vec<_>> = parts
            .tasks
            .iter()
            .map(|task| {
                let id = OutputId { job: parts.job, stage: parts.stage, task: *task };
                self.exchange.outputs.get(id)
            })
            .collect();
        let missing = || Status::not_found("this worker does not have these rows, or no more");
        let outputs = found.ok_or_else(missing)?;
        let schema = outputs.first().ok_or_else(missing)?.schema();
        let part = parts.output as usize;
        let rows: Option<Vec<_>> = outputs.iter().map(|output| output.read(part)).collect();
        let rows = futures::stream::iter(rows.ok_or_else(missing)?).flatten();
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
