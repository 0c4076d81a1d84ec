//! The plan of a query that a pool runs: one partition, or some shares, of rows that workers make. Its inputs are
//! what the query reads, so that whoever looks at the plan sees the files; they are not run here.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;
use parking_lot::Mutex;
use prost::Message;

use super::Pool;
use super::answer::{self, Answer};
use super::fetch::{self, Share};
use crate::cluster::protocol::{Running, Submit, update};
use crate::layers::{LayerGraph, is_plumbing};
use crate::run::ScanProgress;
use crate::wire::differing;

/// What people see of a query in `SHOW JOBS`.
const TITLE: usize = 200;

/// Has a pool run a query.
#[derive(Debug)]
pub struct PoolExec {
    pool: Arc<Pool>,
    submit: Submit,
    scans: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
    told: Arc<Mutex<Told>>,
    /// What all shares of the rows are of, while somebody reads one.
    running: Mutex<Weak<Answer>>,
}

/// What the scheduler told of a query that runs, or has run.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) running: Running,
    /// Somebody wants to know its layers.
    pub(super) measure: bool,
    pub(super) layers: Option<LayerGraph>,
}

impl PoolExec {
    pub(super) fn new(
        pool: Arc<Pool>,
        plan: &LogicalPlan,
        bytes: Bytes,
        scans: Vec<Arc<dyn ExecutionPlan>>,
        state: &SessionState,
    ) -> Result<Self> {
        let schema: SchemaRef = Arc::clone(plan.schema().inner());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let settings: HashMap<String, String> = differing(state.config_options());
        let title = plan.display().to_string().chars().take(TITLE).collect();
        Ok(Self {
            pool,
            submit: Submit { plan: bytes, settings, title, explain: false, measure: false },
            scans,
            properties: Arc::new(properties),
            told: Arc::default(),
            running: Mutex::default(),
        })
    }

    /// What the rows are of. The query runs as soon as one share is read, and ends with the last.
    fn answer(&self) -> Arc<Answer> {
        let new =
            || Answer::new(Arc::clone(&self.pool), self.submit.clone(), Arc::clone(&self.told));
        // Who reads all rows once more asks once more.
        if self.of() == 1 {
            return new();
        }
        let mut running = self.running.lock();
        running.upgrade().unwrap_or_else(|| {
            let answer = new();
            *running = Arc::downgrade(&answer);
            answer
        })
    }

    /// In how many shares the rows come.
    fn of(&self) -> usize {
        self.properties.partitioning.partition_count()
    }

    /// A plan with its rows in so many partitions, which are to be begun together and may be read side by side: they are
    /// the whole in its order one after the other. None where rows are made here of what the pool has.
    pub(crate) fn in_shares(
        plan: &Arc<dyn ExecutionPlan>,
        of: usize,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(pool) = plan.downcast_ref::<Self>() {
            let partitions = Partitioning::UnknownPartitioning(of);
            let properties = PlanProperties::clone(&pool.properties).with_partitioning(partitions);
            return Ok(Some(Arc::new(Self {
                pool: Arc::clone(&pool.pool),
                submit: pool.submit.clone(),
                scans: pool.scans.clone(),
                properties: Arc::new(properties),
                told: Arc::clone(&pool.told),
                running: Mutex::default(),
            })));
        }
        let ([input], true) = (&plan.children()[..], is_plumbing(plan)) else { return Ok(None) };
        let input = Self::in_shares(input, of)?;
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        input.map(|input| Arc::clone(plan).replace_children(vec![input], options)).transpose()
    }

    /// The plan's part that a pool runs.
    pub fn within(plan: &Arc<dyn ExecutionPlan>) -> Option<&Self> {
        let below = || plan.children().into_iter().find_map(Self::within);
        plan.downcast_ref::<Self>().or_else(below)
    }

    /// The bytes by which the scheduler is asked.
    pub fn question(&self) -> Vec<u8> {
        self.submit.encode_to_vec()
    }

    /// How far the pool is, as one scan whose files are tasks.
    pub(crate) fn progress(&self) -> ScanProgress {
        let running = self.told.lock().running;
        ScanProgress {
            rows: running.rows,
            total_rows: None,
            bytes: running.bytes,
            total_bytes: 1,
            files: running.tasks_done,
            total_files: running.tasks,
        }
    }

    /// The layers as the pool would run them.
    pub async fn layers(&self) -> crate::Result<LayerGraph> {
        let question = Submit { explain: true, ..self.submit.clone() };
        let mut updates = self.pool.link.listen(&question).await?;
        match updates.try_next().await?.and_then(|update| update.state) {
            Some(update::State::Finished(finished)) if finished.layers.is_empty() => {
                Err(crate::EngineError::Pool(
                    "one worker plans this query for itself, and its layers are known when it has run: \
                     EXPLAIN ANALYZE LAYERS shows them"
                        .to_string(),
                ))
            }
            Some(update::State::Finished(finished)) => LayerGraph::from_json(&finished.layers),
            Some(update::State::Failed(failed)) => Err(answer::error(failed).into()),
            _ => Err(crate::EngineError::Pool("the scheduler did not say its layers".to_string())),
        }
    }

    /// Asks for what the layers come to, before the query's first row is asked for.
    pub fn measure(&self) {
        self.told.lock().measure = true;
    }

    /// The layers with what they came to, if that was asked for, after the query has run.
    pub fn measured(&self) -> Option<LayerGraph> {
        self.told.lock().layers.clone()
    }
}

impl DisplayAs for PoolExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolExec: {}", self.pool.address())
    }
}

impl ExecutionPlan for PoolExec {
    fn name(&self) -> &'static str {
        "PoolExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.scans.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // What it reads was sent already.
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, at: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (schema, share) = (self.schema(), Share { at, of: self.of() });
        let rows = fetch::rows(self.answer(), share, Arc::clone(&schema), &context)?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
