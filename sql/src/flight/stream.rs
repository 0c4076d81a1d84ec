//! Rows on their way to a client. A task on the threads that compute makes messages, one or two ahead of the client:
//! who stops reading stops what is computed, and who leaves ends it.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use strata_engine::Compression;
use tokio::sync::mpsc;
use tonic::Status;

use super::handle::Handle;
use super::results::{Held, State};
use super::run::{self, Running};
use super::sessions::FlightSession;
use super::tasks::{Ending, broken};
use super::whole::Whole;
use super::{Server, asides, errors};

/// Messages that wait to be sent.
const AHEAD: usize = 2;

pub(super) type Messages = BoxStream<'static, Result<FlightData, Status>>;

/// The messages of a result, which runs as they are read.
pub(super) fn fetch(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    handle: Handle,
    part: usize,
) -> Result<Messages, Status> {
    let whole = session.results.get(&handle)?;
    let held = Arc::clone(whole.part(part)?);
    // Who comes second has no say in what becomes of it.
    held.claim()?;
    let (sender, messages) = mpsc::channel(AHEAD);
    let task = {
        let (server, session) = (Arc::clone(server), Arc::clone(session));
        let (whole, held) = (Arc::clone(&whole), Arc::clone(&held));
        async move {
            let _working = session.working();
            let made = async {
                tokio::select! {
                    biased;
                    () = held.cancelled() => Err(Status::cancelled("the statement was cancelled")),
                    made = send(&server, &session, &whole, &held, &sender) => made,
                }
            };
            // Rows that end for another reason than that there are no more must not look so.
            let made = AssertUnwindSafe(made).catch_unwind().await;
            let made = made.unwrap_or_else(|_| Err(broken()));
            whole.came_to(&made);
            match made {
                Ok(_) => held.set_read(),
                Err(status) => drop(sender.send(Err(status)).await),
            }
        }
    };
    let task = server.spawn(task)?;
    let done = Done { session: Arc::clone(session), handle, whole, held };
    Ok(Box::pin(Fetching { messages, _task: task, _done: done }))
}

/// Batches that are there already, as messages.
pub(super) fn of_batch(batch: RecordBatch) -> Messages {
    let schema = batch.schema();
    let batches = futures::stream::once(async { Ok(batch) }).boxed();
    encode(schema, batches, IpcWriteOptions::default(), None)
}

async fn send(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    whole: &Whole,
    held: &Held,
    sender: &mpsc::Sender<Result<FlightData, Status>>,
) -> Result<u64, Status> {
    let mut running = match ready(held).await? {
        State::Waiting(work) => run::start(server, session, work, Weak::new()).await?,
        State::Ready(running) => *running,
        State::Failed(status) => return Err(status),
        State::Beginning | State::Taken => {
            return Err(Status::cancelled("the statement was cancelled"));
        }
    };
    let patience = server.sessions.idle();
    let rows = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&rows);
    let count = move |batch: &Result<RecordBatch, Status>| {
        let rows = batch.as_ref().map_or(0, RecordBatch::num_rows);
        counted.fetch_add(rows as u64, Ordering::Relaxed);
    };
    running.batches = running.batches.inspect(count).boxed();
    let mut messages = encoded(running)?;
    while let Some(message) = messages.next().await {
        // Whoever fetches one part after the other wants the others too.
        whole.renew();
        let sent = tokio::time::timeout(patience, sender.send(Ok(message?))).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Status::cancelled("the client has left")),
            Err(_) => return Err(unread(patience)),
        }
    }
    Ok(rows.load(Ordering::Relaxed))
}

fn unread(patience: Duration) -> Status {
    Status::deadline_exceeded(format!(
        "nobody read the result for {patience:?} [flight.idle], and it was ended"
    ))
}

/// What there is of a result, once it has begun where it does so in the background.
async fn ready(held: &Held) -> Result<State, Status> {
    let mut news = held.news();
    while held.is_beginning() {
        if news.changed().await.is_err() {
            return Err(Status::unavailable("the server stops"));
        }
    }
    Ok(held.take())
}

fn encoded(running: Running) -> Result<Messages, Status> {
    let compression = match running.options.compression {
        Compression::None => None,
        Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
        Compression::Zstd => Some(CompressionType::ZSTD),
    };
    let options = IpcWriteOptions::default().try_with_compression(compression);
    let options = options.map_err(|error| Status::internal(error.to_string()))?;
    Ok(encode(running.schema, running.batches, options, running.said))
}

fn encode(
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, Status>>,
    options: IpcWriteOptions,
    said: Option<String>,
) -> Messages {
    // They are cut already.
    let builder = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_options(options)
        .with_metadata(asides::of_said(said))
        .with_max_flight_data_size(usize::MAX);
    builder
        .build(batches.map(|batch| batch.map_err(FlightError::from)))
        .map(|message| {
            message.map_err(|error| match error {
                FlightError::Tonic(status) => *status,
                other => Status::internal(errors::short(other.to_string())),
            })
        })
        .boxed()
}

/// Messages, and what ends when nobody reads them any more.
struct Fetching {
    messages: mpsc::Receiver<Result<FlightData, Status>>,
    _task: Ending,
    _done: Done,
}

impl Stream for Fetching {
    type Item = Result<FlightData, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_recv(cx)
    }
}

/// Takes a result from its session when it has been fetched, or its reader has left. What was left in one part is of
/// no use without it.
struct Done {
    session: Arc<FlightSession>,
    handle: Handle,
    whole: Arc<Whole>,
    held: Arc<Held>,
}

impl Drop for Done {
    fn drop(&mut self) {
        if !self.held.is_read() {
            self.whole.end();
        }
        if !self.held.is_read() || self.whole.is_read() {
            drop(self.session.results.remove(&self.handle));
        }
    }
}
