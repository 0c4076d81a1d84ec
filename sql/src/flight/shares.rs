//! Results that a pool holds, in shares: each is an endpoint of its own, which clients fetch side by side, or one
//! after the other. The query runs when the first of them is asked for, and ends with the last.

use std::sync::{Arc, Weak};

use arrow::datatypes::SchemaRef;
use datafusion::catalog::information_schema::INFORMATION_SCHEMA;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use strata_engine::{is_in_memory, is_sorted};
use tokio::sync::Mutex;
use tonic::Status;

use super::admission::Permit;
use super::locks::QueryPlace;
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
    /// The right to compute, which all who read have besides.
    right: Option<Right>,
}

/// A caller's place, and the right to run.
type Right = Arc<(QueryPlace, Permit)>;

impl std::fmt::Debug for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shares({})", self.of)
    }
}

/// Work in as many shares as there are to be endpoints, and whether their reader has to keep their order.
pub(super) fn shared(server: &Server, session: &FlightSession, work: Work) -> (Vec<Work>, bool) {
    let of = session.options().endpoints.min(server.runner.shares());
    let (plan, schema) = match work {
        Work::Plans { mut plans, schema } if of > 1 && plans.len() == 1 => match plans.pop() {
            Some(plan) if has_many_rows(&plan) => (plan, schema),
            plan => return (vec![Work::Plans { plans: Vec::from_iter(plan), schema }], true),
        },
        whole => return (vec![whole], true),
    };
    let ordered = is_sorted(&plan);
    let shares = Arc::new(Shares { of, schema, state: Mutex::new(State::Waiting(plan)) });
    let share = |at| Work::Share { shares: Arc::clone(&shares), at };
    ((0..of).map(share).collect(), ordered)
}

/// Whether a pool may make so many rows of a plan that it is worth to part them.
fn has_many_rows(plan: &LogicalPlan) -> bool {
    plan.max_rows().is_none_or(|rows| rows > FEW) && reads_much(plan)
}

/// Whether a plan reads more than what this process has at hand: its tables in memory, and what it knows of all others.
fn reads_much(plan: &LogicalPlan) -> bool {
    let mut much = false;
    let looked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let is_listing = scan.table_name.schema() == Some(INFORMATION_SCHEMA);
            let is_here = source_as_provider(&scan.source).is_ok_and(|table| is_in_memory(&*table));
            much |= !is_listing && !is_here;
        }
        Ok(if much { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    much || looked.is_err()
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
        let rows = run::held_by(rows, begun.right.clone());
        let limit = Arc::clone(&begun.limit);
        let schema = Arc::clone(&self.schema);
        Ok(run::finished(rows, schema, session.options(), begun.deadline, limit))
    }

    /// Lets the right to compute go where all is computed: what is left of the rows waits with those who made it.
    pub(super) fn settle(&self) {
        if let Ok(mut state) = self.state.try_lock()
            && let State::Begun(begun) = &mut *state
            && (begun.progress)().fraction().is_some_and(|done| done >= 1.0)
        {
            begun.right = None;
        }
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
        let admitted = deadline.within(async {
            let ready = server.runner.prepare(&session.context, plan).await;
            let ready = ready.map_err(errors::status)?;
            let permit = run::admitted(server, session, ready.plan()).await?;
            Ok::<_, Status>((ready, permit))
        });
        let (ready, permit) = admitted.await??;
        let executions = ready.begin_in_shares(self.of).map_err(errors::status)?;
        let mut rows = Vec::with_capacity(executions.len());
        let mut progress: Option<ProgressOf> = None;
        for execution in executions {
            let (stream, told) = execution.split();
            progress.get_or_insert_with(|| Arc::new(told));
            rows.push(Some(stream.map(|batch| batch.map_err(errors::of_datafusion)).boxed()));
        }
        let right = Some(Arc::new((place, permit)));
        let progress = progress.ok_or_else(|| Status::internal("a query has no rows to take"))?;
        Ok(Begun { rows, deadline, limit: Limit::of(&options), progress, right })
    }
}
