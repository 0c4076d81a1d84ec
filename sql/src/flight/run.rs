//! Running what a result is made of: it is admitted, begins within its time, and its rows come as a stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ParamValues;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use strata_engine::{ByteSize, FlightOptions};
use tokio::time::Instant;
use tonic::Status;

use super::admission::Permit;
use super::results::{Held, Work};
use super::sessions::FlightSession;
use super::{Server, errors, plain, split};
use crate::statements::execute;
use crate::{Outcome, Statement};

/// Rows as they come.
pub(super) type Rows = BoxStream<'static, Result<RecordBatch, Status>>;

/// The rows of something that runs.
pub(super) struct Running {
    /// What the client is told of its columns.
    pub(super) schema: SchemaRef,
    /// The rows, in these columns, in batches that fit into messages.
    pub(super) batches: Rows,
    pub(super) options: FlightOptions,
    /// What the statement has to say beside its rows.
    pub(super) said: Option<String>,
}

/// When a statement has had its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Option<Instant>,
    after: Duration,
}

impl Deadline {
    pub(super) fn of(options: &FlightOptions) -> Self {
        let at = options.timeout.limit().and_then(|limit| Instant::now().checked_add(limit));
        Self { at, after: options.timeout.0 }
    }

    /// What comes of something within the time.
    pub(super) async fn within<T>(self, work: impl Future<Output = T>) -> Result<T, Status> {
        match self.at {
            None => Ok(work.await),
            Some(at) => tokio::time::timeout_at(at, work).await.map_err(|_| self.over()),
        }
    }

    fn over(self) -> Status {
        Status::deadline_exceeded(format!(
            "the statement took longer than {:?} and was ended; SET flight.timeout gives it more",
            self.after
        ))
    }
}

/// Begins to run something. What only reads begins with the first batch that is asked for; what a statement does is
/// done when this returns.
pub(super) async fn start(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    work: Work,
    held: Weak<Held>,
) -> Result<Running, Status> {
    if let Work::Share { shares, at } = &work {
        return shares.take(*at, server, session, &held).await;
    }
    let options = session.options();
    let deadline = Deadline::of(&options);
    let place = server.locks.query(&session.caller)?;
    let mut said = None;
    let (schema, batches) = match work {
        Work::Share { .. } => return Err(Status::internal("a share begins with its like")),
        Work::Plans { plans, schema } => {
            (schema, one_after_the_other(server, session, plans, held))
        }
        Work::Tensors(tensors) => {
            let permit = deadline.within(server.admission.admit(0.0)).await??;
            let schema = Arc::clone(tensors.schema());
            let rows = tensors.rows(session.context.clone());
            let rows = rows.map(|batch| batch.map_err(errors::status));
            (schema, with_permit(rows, permit))
        }
        Work::Statement { statement, parameters } => {
            let permit = deadline.within(server.admission.admit(0.0)).await??;
            let run = every(server, &session.context, &statement, &parameters, &held);
            let (schema, batches, told) = deadline.within(run).await??;
            said = told;
            (plain::schema(&schema, options.views), with_permit(batches, permit))
        }
    };
    let limit = Limit::of(&options);
    let running = finished(held_by(batches, place), schema, options, deadline, limit);
    Ok(Running { said, ..running })
}

/// The rows of plans, each of which begins when the one before has ended.
fn one_after_the_other(
    server: &Arc<Server>,
    session: &Arc<FlightSession>,
    plans: Vec<LogicalPlan>,
    held: Weak<Held>,
) -> Rows {
    let (server, session) = (Arc::clone(server), Arc::clone(session));
    let each = futures::stream::iter(plans).then(move |plan| {
        let (server, session, held) = (Arc::clone(&server), Arc::clone(&session), held.clone());
        async move { rows(&server, &session, plan, &held).await }
    });
    each.try_flatten().boxed()
}

/// The rows of a plan, as soon as it may run.
async fn rows(
    server: &Server,
    session: &FlightSession,
    plan: LogicalPlan,
    held: &Weak<Held>,
) -> Result<Rows, Status> {
    let ready = server.runner.prepare(&session.context, plan).await.map_err(errors::status)?;
    let permit = admitted(server, session, ready.plan()).await?;
    let (stream, progress) = ready.begin().map_err(errors::status)?.split();
    if let Some(held) = held.upgrade() {
        held.set_progress(Arc::new(progress));
    }
    Ok(with_permit(stream.map(|batch| batch.map_err(errors::of_datafusion)), permit))
}

/// Rows that end the right to run when they end.
fn with_permit(
    stream: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
    permit: Permit,
) -> Rows {
    held_by(stream, permit)
}

/// Rows with something that goes when they end.
pub(super) fn held_by(
    stream: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
    held: impl Send + 'static,
) -> Rows {
    stream
        .map(move |batch| {
            let _held = &held;
            batch
        })
        .boxed()
}

/// Waits until a query may run, by what it is expected to hold: here, or in the pool.
pub(super) async fn admitted(
    server: &Server,
    session: &FlightSession,
    plan: &Arc<dyn ExecutionPlan>,
) -> Result<Permit, Status> {
    let share = server.runner.share_of_memory(&session.context, plan).await;
    server.admission.admit(share).await
}

/// Runs a statement for each of its parameters; the rows are the last one's. What it writes is there when this
/// returns, and so is what it has to say.
async fn every(
    server: &Server,
    context: &SessionContext,
    statement: &Statement,
    parameters: &[ParamValues],
    held: &Weak<Held>,
) -> Result<(SchemaRef, Rows, Option<String>), Status> {
    let mut last: (SchemaRef, Rows) = (Arc::new(Schema::empty()), futures::stream::empty().boxed());
    let mut said = None;
    for at in 0..parameters.len().max(1) {
        let plan = match execute(context, statement).await.map_err(errors::status)? {
            Outcome::Rows(plan) => plan,
            Outcome::Done(told) => {
                said = told;
                continue;
            }
        };
        let plan = bound(plan, parameters.get(at))?;
        let writes = matches!(plan, LogicalPlan::Dml(_) | LogicalPlan::Copy(_));
        let run = server.runner.run(context, plan).await.map_err(errors::status)?;
        let (stream, progress) = run.split();
        if let Some(held) = held.upgrade() {
            held.set_progress(Arc::new(progress));
        }
        let schema = stream.schema();
        let rows = stream.map(|batch| batch.map_err(errors::of_datafusion));
        if !writes && at + 1 >= parameters.len() {
            return Ok((schema, rows.boxed(), said));
        }
        let rows: Vec<RecordBatch> = rows.try_collect().await?;
        last = (schema, futures::stream::iter(rows.into_iter().map(Ok)).boxed());
    }
    Ok((last.0, last.1, said))
}

/// A plan with values in place of its parameters.
pub(super) fn bound(
    plan: LogicalPlan,
    values: Option<&ParamValues>,
) -> Result<LogicalPlan, Status> {
    match values {
        Some(values) => plan.with_param_values(values.clone()).map_err(errors::status),
        None => Ok(plan),
    }
}

/// Rows as they leave: in plain columns, cut for messages, no more than are allowed, within the time.
pub(super) fn finished(
    batches: Rows,
    schema: SchemaRef,
    options: FlightOptions,
    deadline: Deadline,
    limit: Arc<Limit>,
) -> Running {
    let most = usize::try_from(options.message.0).unwrap_or(usize::MAX);
    let told = Arc::clone(&schema);
    let cut = batches.flat_map(move |batch| {
        let batch = batch.and_then(|batch| {
            let batch = plain::batch(&batch, &told)
                .map_err(|error| errors::status(datafusion::error::DataFusionError::from(error)))?;
            limit.count(&batch)?;
            Ok(batch)
        });
        match batch {
            Ok(batch) => futures::stream::iter(split::split(batch, most)).map(Ok).left_stream(),
            Err(status) => futures::stream::once(async { Err(status) }).right_stream(),
        }
    });
    let timed = futures::stream::unfold((cut.boxed(), false), move |(mut cut, over)| async move {
        if over {
            return None;
        }
        match deadline.within(cut.next()).await {
            Ok(next) => next.map(|next| {
                let over = next.is_err();
                (next, (cut, over))
            }),
            Err(status) => Some((Err(status), (cut, true))),
        }
    });
    Running { schema, batches: timed.boxed(), options, said: None }
}

/// How large a result may be, all that fetch it together.
#[derive(Debug)]
pub(super) struct Limit {
    most: (u64, ByteSize),
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Limit {
    pub(super) fn of(options: &FlightOptions) -> Arc<Self> {
        let most = (options.rows, options.bytes);
        Arc::new(Self { most, rows: AtomicU64::new(0), bytes: AtomicU64::new(0) })
    }

    fn count(&self, batch: &RecordBatch) -> Result<(), Status> {
        if self.most == (0, ByteSize(0)) {
            return Ok(());
        }
        let add = |to: &AtomicU64, more: usize| {
            to.fetch_add(more as u64, Ordering::Relaxed).saturating_add(more as u64)
        };
        let seen = (add(&self.rows, batch.num_rows()), add(&self.bytes, split::size(batch)));
        let most = match self.most {
            (rows, _) if rows > 0 && seen.0 > rows => format!("{rows} rows [flight.rows]"),
            (_, bytes) if bytes.0 > 0 && seen.1 > bytes.0 => format!("{bytes} [flight.bytes]"),
            _ => return Ok(()),
        };
        Err(Status::resource_exhausted(format!(
            "the result has more than {most}; ask for less of it, with LIMIT or an aggregation"
        )))
    }
}
