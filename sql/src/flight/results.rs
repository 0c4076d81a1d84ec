//! Results that a client may fetch, whole or in shares: what is to run, what runs, and what waits to be taken. Each is
//! fetched once. It ends when it has been fetched, is cancelled, or is left for too long; what it runs ends with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::SchemaRef;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use parking_lot::Mutex;
use strata_engine::Progress;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tonic::Status;

use super::asides::Far;
use super::run::Running;
use super::shares::Shares;
use crate::Statement;
use crate::arrays::Tensors;

/// What makes rows.
#[derive(Debug)]
pub(super) enum Work {
    /// Plans, one after the other, whose schema the client was told.
    Plans {
        /// The plans, of one schema.
        plans: Vec<LogicalPlan>,
        /// What the client was told.
        schema: SchemaRef,
    },
    /// A share of the rows of a plan.
    Share {
        /// All of them.
        shares: Arc<Shares>,
        /// Which.
        at: usize,
    },
    /// An array, as tensors.
    Tensors(Tensors),
    /// A statement that does something: for each of these parameters, or once.
    Statement {
        /// The statement.
        statement: Arc<Statement>,
        /// Its parameters.
        parameters: Vec<ParamValues>,
    },
}

/// How far a result is.
pub(super) enum State {
    /// Nobody has asked for it.
    Waiting(Work),
    /// It runs in the background; who wants it waits.
    Beginning,
    /// Its first rows are there.
    Ready(Box<Running>),
    /// Why it could not run.
    Failed(Status),
    /// Somebody has it, or had it.
    Taken,
}

pub(super) type ProgressOf = Arc<dyn Fn() -> Progress + Send + Sync>;

/// A result of a session's.
pub(super) struct Held {
    state: Mutex<State>,
    /// Says that something has changed, and in the end that it was cancelled.
    news: watch::Sender<bool>,
    progress: Mutex<Option<ProgressOf>>,
    task: Mutex<Option<AbortHandle>>,
    /// Whether somebody has come for its rows, and has had them all.
    claimed: AtomicBool,
    read: AtomicBool,
    /// What the client was told of its columns, if anything.
    pub(super) schema: Option<SchemaRef>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Held {
    pub(super) fn new(work: Work) -> Arc<Self> {
        let schema = match &work {
            Work::Plans { schema, .. } => Some(Arc::clone(schema)),
            Work::Share { shares, .. } => Some(Arc::clone(shares.schema())),
            Work::Tensors(tensors) => Some(Arc::clone(tensors.schema())),
            Work::Statement { .. } => None,
        };
        Arc::new(Self {
            state: Mutex::new(State::Waiting(work)),
            news: watch::Sender::new(false),
            progress: Mutex::default(),
            task: Mutex::default(),
            claimed: AtomicBool::new(false),
            read: AtomicBool::new(false),
            schema,
        })
    }

    /// Takes what there is, for good.
    pub(super) fn take(&self) -> State {
        std::mem::replace(&mut *self.state.lock(), State::Taken)
    }

    /// Takes what is to run, to run it in the background; none where it does already.
    pub(super) fn begin(&self) -> Option<Work> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Beginning) {
            State::Waiting(work) => Some(work),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Tells what came of it.
    pub(super) fn tell(&self, came: State) {
        let mut state = self.state.lock();
        if matches!(*state, State::Beginning) {
            *state = came;
        }
        drop(state);
        self.news.send_modify(|_| {});
    }

    /// Whether it runs in the background and has nothing to show.
    pub(super) fn is_beginning(&self) -> bool {
        matches!(*self.state.lock(), State::Beginning)
    }

    /// Why it could not run, if it is that.
    pub(super) fn failure(&self) -> Option<Status> {
        match &*self.state.lock() {
            State::Failed(status) => Some(status.clone()),
            _ => None,
        }
    }

    /// Lets one come for its rows, and nobody after that.
    pub(super) fn claim(&self) -> Result<(), Status> {
        match self.claimed.swap(true, Ordering::AcqRel) {
            false => Ok(()),
            true => {
                Err(Status::not_found("this result was fetched already; run the statement again"))
            }
        }
    }

    /// Notes that all its rows were fetched.
    pub(super) fn set_read(&self) {
        self.read.store(true, Ordering::Release);
    }

    /// Whether all its rows were fetched.
    pub(super) fn is_read(&self) -> bool {
        self.read.load(Ordering::Acquire)
    }

    /// Whether somebody has come for its rows and has not had them all.
    pub(super) fn is_being_read(&self) -> bool {
        self.claimed.load(Ordering::Acquire) && !self.is_read()
    }

    /// Whether nobody has asked for it.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.state.lock(), State::Waiting(_))
    }

    /// Gives back what only a query needs that computes, where it does so no more.
    pub(super) fn settle(&self) {
        if let State::Waiting(Work::Share { shares, .. }) = &*self.state.lock() {
            shares.settle();
        }
    }

    /// What tells that something has changed.
    pub(super) fn news(&self) -> watch::Receiver<bool> {
        self.news.subscribe()
    }

    /// Waits until it is cancelled.
    pub(super) async fn cancelled(&self) {
        let mut news = self.news.subscribe();
        if news.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Who runs it, to be ended with it.
    pub(super) fn run_by(&self, task: AbortHandle) {
        *self.task.lock() = Some(task);
    }

    pub(super) fn set_progress(&self, progress: ProgressOf) {
        *self.progress.lock() = Some(progress);
    }

    /// How much of it is done, as far as that can be told.
    pub(super) fn far(&self) -> Far {
        let progress = self.progress.lock().clone();
        progress.map(|progress| Far::of(&progress())).unwrap_or_default()
    }

    /// Ends it.
    pub(super) fn end(&self) {
        self.news.send_replace(true);
        self.stop();
    }

    fn stop(&self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
        // What it runs ends without the lock.
        let ended = self.take();
        drop(ended);
    }
}
