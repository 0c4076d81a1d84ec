//! `strata serve`: Arrow Flight SQL for any client, in front of the embedded runner or of a pool. Tables, both
//! languages and arrays are what they are in the shell, as all of them come as text.
//!
//! ```text
//! client ── Flight ── service ─┬─ GetFlightInfo ── statements (plan) ── results (kept) ── ticket
//!                              ├─ DoGet ── results ── admission ── run ── plain, split ── stream ── client
//!                              ├─ PollFlightInfo ── poll (runs in the background)
//!                              ├─ DoPut ─┬─ updates, put (prepared statements)
//!                              │         └─ ingest
//!                              └─ DoAction ── actions, options
//! ```
//!
//! Two kinds of threads: some answer, and those of the session compute, read and plan. What belongs to whom, and for
//! how long, is in [`sessions`].

mod actions;
mod admission;
mod caller;
mod errors;
mod handle;
mod infos;
mod ingest;
mod metadata;
mod options;
mod plain;
mod poll;
mod prepared;
mod put;
mod results;
mod run;
mod service;
mod sessions;
mod split;
mod statements;
mod stream;
mod tasks;
mod updates;

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use strata_engine::{Runner, SessionSettings, Token};
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server as Transport;
use tonic::transport::server::TcpIncoming;

use admission::{Admission, Limits};
use caller::Door;
use service::Service;
use sessions::Sessions;

use crate::error::{Error, Result};
use crate::shell::Workers;

/// The largest message that is read: rows of a tensor's size.
const LARGEST: usize = 272 << 20;
/// How long a caller may be silent before it is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// How often what nobody uses is looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// What is served, to whom.
pub(crate) struct Serving {
    /// Tables and settings.
    pub(crate) session: SessionContext,
    /// What runs queries.
    pub(crate) runner: Arc<dyn Runner>,
    /// The threads that compute.
    pub(crate) workers: Workers,
    /// What callers show; everybody is let in where there is none.
    pub(crate) token: Option<Token>,
}

/// What all methods share.
#[derive(Debug)]
struct Server {
    sessions: Sessions,
    admission: Arc<Admission>,
    runner: Arc<dyn Runner>,
    workers: Workers,
}

/// Answers clients until `ended`; what runs then is ended.
pub(crate) async fn serve(
    listener: TcpListener,
    serving: Serving,
    ended: impl Future<Output = ()>,
) -> Result<()> {
    let Serving { session, runner, workers, token } = serving;
    let limits = limits(&session);
    let server = Arc::new(Server {
        sessions: Sessions::new(session),
        admission: Admission::new(limits),
        runner,
        workers,
    });
    let flight = FlightServiceServer::new(Service(Arc::clone(&server)))
        .max_decoding_message_size(LARGEST)
        .max_encoding_message_size(usize::MAX);
    let guarded = InterceptedService::new(flight, Door::new(token));
    let serving = Transport::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(PING))
        .http2_keepalive_timeout(Some(PING))
        .initial_stream_window_size(Some(4 << 20))
        .initial_connection_window_size(Some(16 << 20))
        .add_service(guarded)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    let swept = async {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            server.sessions.sweep();
        }
    };
    tokio::select! {
        served = serving => served.map_err(|error| {
            Error::from(DataFusionError::IoError(std::io::Error::other(error)))
        }),
        () = swept => Ok(()),
        () = ended => Ok(()),
    }
}

fn limits(session: &SessionContext) -> Limits {
    let settings = session.settings();
    let (strata, cores) = (settings.strata(), session.state().config().target_partitions());
    let running = match strata.flight.running {
        0 => cores.max(1) * 2,
        some => some,
    };
    Limits {
        running,
        waiting: strata.flight.waiting,
        patience: strata.flight.patience.limit().unwrap_or(Duration::from_secs(365 * 86400)),
        memory: strata.memory.limit.bytes(),
    }
}
