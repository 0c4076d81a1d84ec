//! Running a plan: the [`Runner`] seam, and the runner for this machine's cores. The runner for a
//! pool of workers stands behind the same seam.

mod array;
mod cluster;
mod frugal;
mod local;
mod memory;
mod progress;
mod scratch;
mod spill;
mod truths;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::internal_datafusion_err;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use parking_lot::Mutex;

pub use array::Planned;
pub use cluster::PoolRunner;
pub use local::LocalRunner;
pub(crate) use memory::StrataPool;
pub use progress::{Progress, ScanProgress};
pub use scratch::Scratch;
pub(crate) use spill::SpillFolder;

use crate::error::Result;
use crate::layers::LayerGraph;
use crate::session::SessionSettings;

/// Turns a logical plan into a stream of record batches.
///
/// Narrow on purpose: another engine can stand behind it. Dropping the [`Execution`] cancels it.
#[async_trait]
pub trait Runner: std::fmt::Debug + Send + Sync {
    /// `local`, or where the pool is.
    fn name(&self) -> &str;

    /// In how many shares rows can be had that are worth to be read side by side.
    fn shares(&self) -> usize {
        1
    }

    /// What a query is expected to hold, as a share of the memory that there is for all queries together; 0 where that
    /// cannot be told, and more than 1 of what will have to spill.
    async fn share_of_memory(
        &self,
        session: &SessionContext,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> f64 {
        let limit = session.settings().strata().memory.limit.bytes();
        let projected = LayerGraph::of(plan).map_or(0, |graph| graph.projected());
        projected as f64 / limit.max(1) as f64
    }

    /// Plans `plan`, as the session's settings say, and does not begin.
    async fn prepare(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Ready>;

    /// Starts running `plan`, as the session's settings say.
    async fn run(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Execution> {
        self.prepare(session, plan).await?.begin()
    }
}

/// A query that is planned and has not begun, for whoever decides when it does.
pub struct Ready {
    physical: Arc<dyn ExecutionPlan>,
    begin: Box<Begin>,
}

/// Begins a plan, with its rows in as many shares as are wanted, or fewer.
type Begin = dyn FnOnce(Arc<dyn ExecutionPlan>, usize) -> Result<Vec<Execution>> + Send;

impl Ready {
    pub(crate) fn new(
        physical: Arc<dyn ExecutionPlan>,
        begin: impl FnOnce(Arc<dyn ExecutionPlan>, usize) -> Result<Vec<Execution>> + Send + 'static,
    ) -> Self {
        Self { physical, begin: Box::new(begin) }
    }

    /// What will run.
    pub fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.physical
    }

    /// Begins.
    pub fn begin(self) -> Result<Execution> {
        let mut begun = (self.begin)(self.physical, 1)?;
        let nothing = || internal_datafusion_err!("a query has begun and has no rows");
        begun.pop().ok_or_else(|| nothing().into())
    }

    /// Begins, with the rows in so many shares where a pool has them, or else in one. They may be read side by side,
    /// and are the whole in its order one after the other. The query ends when all are dropped.
    pub fn begin_in_shares(self, shares: usize) -> Result<Vec<Execution>> {
        (self.begin)(self.physical, shares.max(1))
    }
}

/// A query on its way: its results as they come, and how far it is.
pub struct Execution {
    /// The results, in order. Dropping it cancels the query.
    pub stream: SendableRecordBatchStream,
    /// The physical plan that runs now: a second try runs another.
    plan: Arc<Mutex<Arc<dyn ExecutionPlan>>>,
}

impl Execution {
    /// The physical plan that runs, with its metrics as they stand.
    pub fn plan(&self) -> Arc<dyn ExecutionPlan> {
        Arc::clone(&self.plan.lock())
    }

    /// Parts the results from a handle that tells how far they are, for whoever shows both.
    pub fn split(self) -> (SendableRecordBatchStream, impl Fn() -> Progress + Send + Sync) {
        let plan = self.plan;
        (self.stream, move || Progress::of(&plan.lock()))
    }

    /// Parts the results from the plan that makes them, whichever it is by then.
    pub(crate) fn split_plan(
        self,
    ) -> (SendableRecordBatchStream, impl Fn() -> Arc<dyn ExecutionPlan> + Send + Sync) {
        let plan = self.plan;
        (self.stream, move || Arc::clone(&plan.lock()))
    }

    /// How far the query is, at any time while it runs.
    pub fn progress(&self) -> Progress {
        Progress::of(&self.plan())
    }
}
