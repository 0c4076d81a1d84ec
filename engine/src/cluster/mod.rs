//! The pool: a scheduler that knows which work is left, workers that do it, and clients that ask.
//!
//! ```text
//!  client ── Submit: a logical plan ──▶ scheduler: plans it, cuts it into stages (Ballista's planner)
//!    ▲                                     │   ▲
//!    │ rows (do_get)       Order: run part p │   │ Report: part p of stage s is made, or failed
//!    │                                     ▼   │
//!    └───────────────────────────────── workers ◀── do_get ──▶ workers
//! ```
//!
//! Every process has one port, which speaks Arrow Flight: questions are actions ([`protocol`]), data
//! is fetched by tickets. A worker holds one long answer open at the scheduler, by which its orders
//! come; when that breaks, the worker is lost, and what it had is made again by others.

mod client;
mod link;
mod options;
mod port;
mod protocol;
mod provision;
mod scheduler;
mod security;
mod trouble;
mod worker;

use std::sync::Arc;

use crate::wire::WireNode;

pub(crate) use client::with_rows_from_pool;
pub use client::{JobRow, Pool, PoolExec, WorkerRow};
pub use link::Address;
pub use provision::{
    Adaptive, ByCommand, BySsh, Local, LocalWorkers, Processes, Provision, WorkerCommand,
};
pub use scheduler::{Scheduler, SchedulerOptions};
pub use security::{Security, Tls, Token};
pub use worker::{Ended, Worker, WorkerOptions};

/// What of a pool's plans crosses the wire.
pub(crate) fn wire() -> [Arc<dyn WireNode>; 1] {
    [Arc::new(worker::ReadStageWire)]
}

/// What a process says it is: both ends of a link must say the same.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
