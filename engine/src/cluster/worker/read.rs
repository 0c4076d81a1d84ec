//! The leaf of a stage that reads what the stage below has made, wherever it lies.
//!
//! Rows come in the order of the tasks that made them, whoever made them and however fast: a task that
//! is run again makes the same rows in the same order.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use datafusion_proto::physical_plan::PhysicalPlanDecodeContext;
use datafusion_proto::physical_plan::from_proto::parse_protobuf_partitioning;
use datafusion_proto::physical_plan::to_proto::serialize_partitioning;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tokio::sync::mpsc;

use super::exchange::{Exchange, LostRows};
use super::outputs::OutputId;
use crate::cluster::protocol::{Parts, TaskId};
use crate::wire::{WireLink, WireNode};

/// Batches that are fetched before they are needed, from each worker.
const AHEAD: usize = 4;

/// Which outputs of the stage below a part is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(in crate::cluster) enum Shape {
    /// Part `p` has the outputs `p` of all tasks: rows were spread by their keys.
    Spread = 0,
    /// Part `p` has all that task `p` made.
    Each = 1,
    /// Every part has all that all tasks made.
    All = 2,
}

/// A task of the stage below, and where what it made lies.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::cluster) struct Made {
    #[prost(message, optional, tag = "1")]
    pub(in crate::cluster) task: Option<TaskId>,
    /// The place of its worker in the list of workers.
    #[prost(uint32, tag = "2")]
    pub(in crate::cluster) worker: u32,
    /// Rows of each of its outputs.
    #[prost(uint64, repeated, tag = "3")]
    pub(in crate::cluster) rows: Vec<u64>,
}

/// A worker that has rows.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::cluster) struct Holder {
    #[prost(uint64, tag = "1")]
    pub(in crate::cluster) worker: u64,
    #[prost(string, tag = "2")]
    pub(in crate::cluster) address: String,
}

/// Where the rows of a stage lie.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::cluster) struct Sources {
    #[prost(uint64, tag = "1")]
    pub(in crate::cluster) job: u64,
    #[prost(uint32, tag = "2")]
    pub(in crate::cluster) stage: u32,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::cluster) holders: Vec<Holder>,
    /// In the order of their parts.
    #[prost(message, repeated, tag = "4")]
    pub(in crate::cluster) tasks: Vec<Made>,
    #[prost(enumeration = "Shape", tag = "5")]
    pub(in crate::cluster) shape: i32,
}

impl Sources {
    /// The tasks that have rows for a part, and which of their outputs these are.
    fn of(&self, part: usize) -> impl Iterator<Item = (&Made, &Holder, usize, u64)> {
        let shape = self.shape();
        self.tasks.iter().enumerate().flat_map(move |(at, made)| {
            let outputs = match shape {
                Shape::Spread => part..part + 1,
                Shape::Each if at != part => 0..0,
                Shape::Each => 0..1,
                Shape::All => 0..made.rows.len(),
            };
            outputs.filter_map(move |output| {
                let rows = made.rows.get(output).copied().filter(|rows| *rows > 0)?;
                Some((made, self.holders.get(made.worker as usize)?, output, rows))
            })
        })
    }
}

/// Reads what the stage below has made.
#[derive(Debug)]
pub(in crate::cluster) struct ReadStageExec {
    sources: Arc<Sources>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ReadStageExec {
    pub(in crate::cluster) fn new(
        sources: Sources,
        schema: SchemaRef,
        partitioning: Partitioning,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            partitioning,
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            sources: Arc::new(sources),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl ReadStageExec {
    /// The stage it reads.
    pub(in crate::cluster) fn stage(&self) -> u32 {
        self.sources.stage
    }

    /// Which of the stage's outputs each part is made of.
    pub(in crate::cluster) fn shape(&self) -> Shape {
        self.sources.shape()
    }
}

impl DisplayAs for ReadStageExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadStageExec: stage={}, {:?}", self.sources.stage, self.sources.shape())
    }
}

impl ExecutionPlan for ReadStageExec {
    fn name(&self) -> &'static str {
        "ReadStageExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
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
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, part: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(exchange) = context.session_config().get_extension::<Exchange>() else {
            return internal_err!("a stage runs outside of a worker");
        };
        let counted = BaselineMetrics::new(&self.metrics, part);
        let rows = rows_of(&exchange, &self.sources, part)?.inspect_ok(move |batch| {
            counted.record_output(batch.num_rows());
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// A worker, by its place among the holders, and one of the outputs of its tasks.
type From = (u32, usize);

/// Rows that come from one worker, fetched ahead of time.
type Fetched = mpsc::Receiver<Result<RecordBatch>>;

fn rows_of(
    exchange: &Arc<Exchange>,
    sources: &Sources,
    part: usize,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let here = exchange.member();
    let mut wanted: HashMap<From, Parts> = HashMap::new();
    for (made, holder, output, _) in sources.of(part) {
        if holder.worker != here {
            let parts = wanted.entry((made.worker, output)).or_insert_with(|| Parts {
                job: sources.job,
                stage: sources.stage,
                tasks: Vec::new(),
                output: output as u32,
                live: false,
            });
            parts.tasks.extend(made.task);
        }
    }
    let mut fetched: HashMap<From, Fetched> = HashMap::new();
    for (from, parts) in wanted {
        if let Some(holder) = sources.holders.get(from.0 as usize) {
            fetched.insert(from, fetch(exchange, holder.clone(), parts)?);
        }
    }
    let mut steps = Vec::new();
    for (made, holder, output, rows) in sources.of(part) {
        steps.push(Step {
            from: (made.worker, output),
            holder: holder.clone(),
            local: (holder.worker == here).then_some(OutputId {
                job: sources.job,
                stage: sources.stage,
                task: made.task.unwrap_or_default(),
            }),
            rows,
        });
    }
    let reading =
        Reading { exchange: Arc::clone(exchange), fetched, steps: steps.into_iter(), now: None };
    Ok(futures::stream::try_unfold(reading, |mut reading| async move {
        Ok(reading.next().await?.map(|batch| (batch, reading)))
    })
    .boxed())
}

/// One task's rows to read.
struct Step {
    from: From,
    holder: Holder,
    local: Option<OutputId>,
    rows: u64,
}

/// Reads task after task.
struct Reading {
    exchange: Arc<Exchange>,
    fetched: HashMap<From, Fetched>,
    steps: std::vec::IntoIter<Step>,
    now: Option<(Step, Option<BoxStream<'static, Result<RecordBatch>>>)>,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some((step, own)) = &mut self.now else {
                let Some(step) = self.steps.next() else { return Ok(None) };
                let own = match step.local {
                    Some(id) => Some(self.own(&step, id)?),
                    None => None,
                };
                self.now = Some((step, own));
                continue;
            };
            let batch = match own {
                Some(rows) => rows.next().await,
                None => match self.fetched.get_mut(&step.from) {
                    Some(rows) => rows.recv().await,
                    None => None,
                },
            };
            let Some(batch) = batch else {
                return Err(lost(&step.holder, "it has fewer rows than it said"));
            };
            let batch = batch?;
            step.rows = step.rows.saturating_sub(batch.num_rows() as u64);
            if step.rows == 0 {
                self.now = None;
            }
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn own(&self, step: &Step, id: OutputId) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let output = self.exchange.outputs.get(id);
        let rows = output.and_then(|output| Some(output.read(step.from.1)?.boxed()));
        rows.ok_or_else(|| lost(&step.holder, "it has them no more"))
    }
}

fn lost(holder: &Holder, reason: impl fmt::Display) -> DataFusionError {
    DataFusionError::External(Box::new(LostRows {
        worker: holder.worker,
        address: holder.address.clone(),
        reason: reason.to_string(),
    }))
}

fn fetch(exchange: &Arc<Exchange>, holder: Holder, parts: Parts) -> Result<Fetched> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let link = exchange.links.to(&holder.address)?;
    tokio::spawn(async move {
        let fetching = async {
            let mut rows =
                link.fetch(&parts).await.map_err(|status| lost(&holder, status.message()))?;
            while let Some(batch) = rows.next().await {
                let batch = batch.map_err(|error| lost(&holder, error))?;
                // Whoever waited for it is gone.
                if sender.send(Ok(batch)).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        if let Err(error) = fetching.await {
            let _ = sender.send(Err(error)).await;
        }
    });
    Ok(receiver)
}

/// [`ReadStageExec`] on the wire.
#[derive(Debug)]
pub(crate) struct ReadStageWire;

/// The node's own bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(message, optional, tag = "1")]
    sources: Option<Sources>,
    /// The schema, as an Arrow IPC message.
    #[prost(bytes = "vec", tag = "2")]
    schema: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    partitioning: Vec<u8>,
}

impl WireNode for ReadStageWire {
    fn name(&self) -> &'static str {
        "strata.read_stage"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, link: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(read) = node.downcast_ref::<ReadStageExec>() else { return Ok(None) };
        let partitioning =
            serialize_partitioning(&read.properties.partitioning, link.codec, link.converter)?;
        let bytes = Bytes {
            sources: Some(read.sources.as_ref().clone()),
            schema: crate::wire::schema_to_bytes(&read.schema())?,
            partitioning: partitioning.encode_to_vec(),
        };
        Ok(Some(bytes.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let external = |error: prost::DecodeError| DataFusionError::External(Box::new(error));
        let bytes = Bytes::decode(bytes).map_err(external)?;
        let schema = crate::wire::schema_from_bytes(&bytes.schema)?;
        let partitioning =
            datafusion_proto::protobuf::Partitioning::decode(bytes.partitioning.as_slice())
                .map_err(external)?;
        let context = PhysicalPlanDecodeContext::new(link.context()?, link.codec);
        let partitioning =
            parse_protobuf_partitioning(Some(&partitioning), &context, &schema, link.converter)?;
        let (Some(sources), Some(partitioning)) = (bytes.sources, partitioning) else {
            return internal_err!("a stage to be read comes without its sources");
        };
        Ok(Arc::new(ReadStageExec::new(sources, schema, partitioning)))
    }
}
