//! `PollFlightInfo`: a query runs in the background, and its client asks how far it is. It is there when its first
//! rows are; the others are made as they are fetched.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow_flight::sql::ProstMessageExt;
use arrow_flight::sql::TicketStatementQuery;
use arrow_flight::{FlightDescriptor, FlightInfo, PollInfo};
use futures::StreamExt;
use prost::Message;
use prost_types::Timestamp;
use tonic::Status;

use super::handle::Handle;
use super::results::{Held, State};
use super::run::{self, Running};
use super::sessions::FlightSession;
use super::{Server, infos};

/// How long an answer waits for news.
const PATIENCE: Duration = Duration::from_millis(500);

/// Has a result made in the background, unless it is already; what there is to tell in a moment.
pub(super) async fn poll(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    handle: &Handle,
    asked: FlightDescriptor,
) -> Result<PollInfo, Status> {
    let whole = session.results.get(handle)?;
    let held = whole.part(0)?;
    begin(server, session, held)?;
    let mut news = held.news();
    let _ = tokio::time::timeout(PATIENCE, async {
        while held.is_beginning() {
            if news.changed().await.is_err() {
                return;
            }
        }
    })
    .await;
    if let Some(status) = held.failure() {
        let failed = Err(status);
        whole.came_to(&failed);
        session.end_result(handle);
        return failed.map(|_| PollInfo::default());
    }
    if *news.borrow() {
        return Err(Status::cancelled("the statement was cancelled"));
    }
    let until = timestamp(whole.renew());
    let info = infos::of_result(handle, &whole, asked)?;
    let far = held.far();
    let info = far.within(infos::until(info, until));
    let progress =
        if held.is_beginning() { far.fraction.unwrap_or(0.0).clamp(0.0, 1.0) } else { 1.0 };
    let again = held.is_beginning().then(|| descriptor(handle));
    Ok(PollInfo {
        info: Some(info),
        flight_descriptor: again,
        progress: Some(progress),
        expiration_time: Some(until),
    })
}

/// An answer that is there at once.
pub(super) fn at_once(info: FlightInfo) -> PollInfo {
    PollInfo {
        info: Some(info),
        flight_descriptor: None,
        progress: Some(1.0),
        expiration_time: None,
    }
}

/// What a client asks with the next time.
fn descriptor(handle: &Handle) -> FlightDescriptor {
    let ticket = TicketStatementQuery { statement_handle: handle.bytes() };
    FlightDescriptor::new_cmd(ticket.as_any().encode_to_vec())
}

/// A time from now.
pub(super) fn timestamp(lasts: Duration) -> Timestamp {
    let now = SystemTime::now();
    Timestamp::from(now.checked_add(lasts).unwrap_or(now))
}

/// Starts to make a result in the background.
fn begin(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    held: &Arc<Held>,
) -> Result<(), Status> {
    let Some(work) = held.begin() else { return Ok(()) };
    // The task must not keep what ends it.
    let result = Arc::downgrade(held);
    let (server_, session) = (Arc::clone(server), Arc::clone(session));
    let task = server.start(async move {
        let _working = session.working();
        let started = async {
            let running = run::start(&server_, &session, work, result.clone()).await?;
            first(running).await
        };
        let came = match started.await {
            Ok(running) => State::Ready(Box::new(running)),
            Err(status) => State::Failed(status),
        };
        if let Some(held) = result.upgrade() {
            held.tell(came);
        }
    })?;
    held.run_by(task.abort_handle());
    Ok(())
}

/// Waits for the first rows.
async fn first(mut running: Running) -> Result<Running, Status> {
    // Where there are none, its end must not be asked for twice.
    let mut batches = running.batches.fuse();
    let head = batches.next().await.transpose()?;
    running.batches = futures::stream::iter(head.map(Ok)).chain(batches).boxed();
    Ok(running)
}
