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
pub(crate) mod asides;
mod caller;
mod errors;
#[cfg(test)]
mod fuzz;
mod gate;
mod handle;
mod infos;
mod ingest;
pub(crate) mod locks;
mod lz4;
mod metadata;
pub(crate) mod options;
mod plain;
mod poll;
mod prepared;
mod put;
mod results;
mod run;
mod service;
mod sessions;
mod shares;
mod split;
mod statements;
mod stream;
mod tasks;
mod updates;
mod uploads;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use axum::http::StatusCode;
use axum::routing::get;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use strata_engine::{Runner, SessionSettings, Tls};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server as Transport;
use tonic::transport::server::TcpIncoming;

pub(crate) use caller::{Caller, Role};
pub(crate) use sessions::COOKIE;

use admission::{Admission, Limits};
use locks::Locks;
use service::Service;
use sessions::Sessions;

use crate::error::{Error, Result};
use crate::shell::Workers;

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
    /// Who is let in, and to what.
    pub(crate) locks: Arc<Locks>,
    /// The server's certificates.
    pub(crate) tls: Option<Tls>,
    /// The largest message that is read: rows of a tensor's size.
    pub(crate) message: usize,
}

/// What all methods share.
#[derive(Debug)]
struct Server {
    sessions: Sessions,
    admission: Arc<Admission>,
    runner: Arc<dyn Runner>,
    workers: Workers,
    locks: Arc<Locks>,
}

/// Answers clients until `ended`; then nobody new, and what runs is ended after `flight.grace`.
pub(crate) async fn serve(
    listener: TcpListener,
    serving: Serving,
    ended: impl Future<Output = ()>,
) -> Result<()> {
    let Serving { session, runner, workers, locks, tls, message } = serving;
    let limits = limits(&session);
    let grace = session.settings().strata().flight.grace.limit();
    let server = Arc::new(Server {
        sessions: Sessions::new(session),
        admission: Admission::new(limits),
        runner,
        workers,
        locks: Arc::clone(&locks),
    });
    let flight = FlightServiceServer::new(Service(Arc::clone(&server)))
        .max_decoding_message_size(message)
        .max_encoding_message_size(usize::MAX);
    let (ends, ending) = watch::channel(false);
    let routes = uploads::watched(routes(flight, ending.clone()));
    let routes = locks::guarded(routes, &locks);
    let broken = |error: tonic::transport::Error| {
        Error::from(DataFusionError::IoError(std::io::Error::other(error)))
    };
    let mut transport = Transport::builder();
    if let Some(tls) = &tls {
        transport = transport.tls_config(tls.for_server()?).map_err(broken)?;
    }
    let serving = transport
        .accept_http1(true)
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(PING))
        .http2_keepalive_timeout(Some(PING))
        .initial_stream_window_size(Some(4 << 20))
        .initial_connection_window_size(Some(16 << 20))
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            async {
                ended.await;
                ends.send_replace(true);
            },
        );
    let swept = async {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            server.sessions.sweep();
        }
    };
    let patience = async {
        let mut ending = ending.clone();
        let told = ending.wait_for(|ends| *ends).await.is_ok();
        match grace {
            Some(grace) if told => tokio::time::sleep(grace).await,
            _ => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = serving => served.map_err(broken),
        () = swept => Ok(()),
        () = patience => Ok(()),
    };
    locks.finish();
    served
}

/// Flight, and two addresses that tell a supervisor whether the process lives and whether it is of use.
fn routes(flight: FlightServiceServer<Service>, ending: watch::Receiver<bool>) -> axum::Router {
    let ready = move || {
        let ends = *ending.borrow();
        async move {
            match ends {
                false => (StatusCode::OK, "ready\n"),
                true => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            }
        }
    };
    Routes::new(flight)
        .into_axum_router()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
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
    }
}
