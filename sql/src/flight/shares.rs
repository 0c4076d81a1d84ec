//! Results that a pool holds, in shares: each is an endpoint of its own, which clients fetch side by side, or one
//! after the other. The query runs when the first of them is asked for, and ends with the last.

use std::sync::{Arc, Weak};

use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use tokio::sync::Mutex;
use tonic::Status;

use super::results::{Held, ProgressOf, Work};
use super::run::{self, Deadline, Limit, Rows, Running};
use super::sessions::FlightSession;
use super::{Server, errors};

/// A result that has no more rows than this is not worth to be parted.
const FEW: usize = 100_000;

/// The rows of a plan, for so many to fetch.
pub(super) struct Shares {
    of: usize,
    schema: SchemaRef,
    state: Mutex<State>,
}

enum State {
    Waiting(LogicalPlan),
    Begun(Begun),
    Failed(Status),
}

struct Begun {
    /// What nobody has taken.
    rows: Vec<Option<Rows>>,
    /// The statement has one time and one limit, however many fetch.
    deadline: Deadline,
    limit: Arc<Limit>,
    progress: ProgressOf,
}

impl std::fmt::Debug for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shares({})", self.of)
    }
}

/// Work in as many shares as there are to be endpoints.
pub(super) fn shared(server: &Server, session: &FlightSession, work: Work) -> Vec<Work> {
    let of = session.options().endpoints.min(server.runner.shares());
    match work {
        Work::Plans { plans, schema } if of > 1 && plans.iter().all(has_many_rows) => {
            let [plan] = plans.as_slice() else { return vec![Work::Plans { plans, schema }] };
            let state = Mutex::new(State::Waiting(plan.clone()));
            let shares = Arc::new(Shares { of, schema, state });
            (0..of).map(|at| Work::Share { shares: Arc::clone(&shares), at }).collect()
        }
        whole => vec![whole],
    }
}

fn has_many_rows(plan: &LogicalPlan) -> bool {
    plan.max_rows().is_none_or(|rows| rows > FEW)
}

/// Whether the rows of a result have an order that its reader has to keep.
pub(super) fn is_ordered(work: &Work) -> bool {
    let Work::Share { shares, .. } = work else { return true };
    match shares.state.try_lock().as_deref() {
        Ok(State::Waiting(plan)) => is_sorted(plan),
        _ => true,
    }
}

fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Limit(_) => {
            plan.inputs().into_iter().all(is_sorted)
        }
        _ => false,
    }
}

impl Shares {
    /// What clients are told of the columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Takes a share, for good. The query begins with the first.
    pub(super) async fn take(
        &self,
        at: usize,
        server: &Arc<Server>,
        session: &FlightSession,
        held: &Weak<Held>,
    ) -> Result<Running, Status> {
        let mut state = self.state.lock().await;
        if let State::Waiting(plan) = &*state {
            *state = match self.begin(plan.clone(), server, session).await {
                Ok(begun) => State::Begun(begun),
                Err(status) => State::Failed(status),
            };
        }
        let begun = match &mut *state {
            State::Begun(begun) => begun,
            State::Failed(status) => return Err(status.clone()),
            State::Waiting(_) => return Err(Status::internal("a query has not begun")),
        };
        if let Some(held) = held.upgrade() {
            held.set_progress(Arc::clone(&begun.progress));
        }
        // Who planned for fewer has put all rows into the first.
        let rows = begun.rows.get_mut(at).and_then(Option::take);
        let rows = rows.unwrap_or_else(|| futures::stream::empty().boxed());
        let limit = Arc::clone(&begun.limit);
        let schema = Arc::clone(&self.schema);
        Ok(run::finished(rows, schema, session.options(), begun.deadline, limit))
    }

    async fn begin(
        &self,
        plan: LogicalPlan,
        server: &Arc<Server>,
        session: &FlightSession,
    ) -> Result<Begun, Status> {
        let options = session.options();
        let deadline = Deadline::of(&options);
        let place = server.locks.query(&session.caller)?;
        let ready = server.runner.prepare(&session.context, plan).await.map_err(errors::status)?;
        let permit = deadline.within(run::admitted(server, session, ready.plan())).await??;
        let right = Arc::new((place, permit));
        let executions = ready.begin_in_shares(self.of).map_err(errors::status)?;
        let mut rows = Vec::with_capacity(executions.len());
        let mut progress: Option<ProgressOf> = None;
        for execution in executions {
            let (stream, told) = execution.split();
            progress.get_or_insert_with(|| Arc::new(told));
            let stream = stream.map(|batch| batch.map_err(errors::of_datafusion));
            rows.push(Some(run::held_by(stream, Arc::clone(&right))));
        }
        let progress = progress.ok_or_else(|| Status::internal("a query has no rows to take"))?;
        Ok(Begun { rows, deadline, limit: Limit::of(&options), progress })
    }
}
