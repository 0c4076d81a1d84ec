//! Windows, one group of partitions at a time. DataFusion's own operator holds its whole input, and
//! asks nobody; this one holds the partitions that are not complete yet, and asks the memory pool.
//!
//! ```text
//! sorted input  a a a | b b | c c c c | d …
//!               ╰── complete: computed ──╯ ╰ held until the next key is seen
//! ```
//!
//! A window over everything is one partition: it must fit, or is refused.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{concat, concat_batches, partition, take_record_batch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{OrderingRequirements, PhysicalExprRef};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    PlanProperties, SendableRecordBatchStream,
};
use datafusion_proto::physical_plan::PhysicalPlanDecodeContext;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::{StreamExt, TryStreamExt};
use prost::Message;

use super::compact::compact;
use crate::wire::{WireLink, WireNode};

/// Computes what a [`WindowAggExec`] computes, within the memory limit.
#[derive(Debug)]
pub struct WindowByPartitionExec {
    inner: Arc<WindowAggExec>,
    metrics: ExecutionPlanMetricsSet,
}

impl WindowByPartitionExec {
    /// Takes the place of `inner`.
    pub fn new(inner: Arc<WindowAggExec>) -> Self {
        Self { inner, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// The operator whose place it takes.
    pub fn inner(&self) -> &Arc<WindowAggExec> {
        &self.inner
    }
}

impl DisplayAs for WindowByPartitionExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(t, DisplayFormatType::TreeRender) {
            f.write_str("WindowByPartitionExec: ")?;
        }
        self.inner.fmt_as(t, f)
    }
}

impl ExecutionPlan for WindowByPartitionExec {
    fn name(&self) -> &'static str {
        "WindowByPartitionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.inner.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inner.children()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.inner.maintains_input_order()
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.inner.required_input_ordering()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.input_distribution_requirements().into_per_child()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.inner.input_distribution_requirements()
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(apply)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let inner = Arc::clone(&self.inner) as Arc<dyn ExecutionPlan>;
        let inner = inner.replace_children(children, options)?;
        match inner.downcast_ref::<WindowAggExec>() {
            Some(window) => Ok(Arc::new(Self::new(Arc::new(window.clone())))),
            None => Ok(inner),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        index: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.inner.input().execute(index, Arc::clone(&context))?;
        let consumer = MemoryConsumer::new(format!("window[{index}]"));
        let state = Windows {
            input: Some(input),
            schema: self.schema(),
            functions: self.inner.window_expr().to_vec(),
            keys: self.inner.partition_keys_of_windows(),
            held: Vec::new(),
            rows: 0,
            complete: 0,
            least: context.session_config().batch_size(),
            ready: VecDeque::new(),
            reservation: consumer.register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, index),
        };
        let batches = futures::stream::try_unfold(state, |mut state| async move {
            Ok(state.next().await?.map(|batch| (batch, state)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches.boxed())))
    }
}

/// The partition keys of an operator's windows: they are the same for all of them.
trait PartitionKeys {
    fn partition_keys_of_windows(&self) -> Vec<Arc<dyn PhysicalExpr>>;
}

impl PartitionKeys for WindowAggExec {
    fn partition_keys_of_windows(&self) -> Vec<Arc<dyn PhysicalExpr>> {
        self.window_expr().first().map(|w| w.partition_by().to_vec()).unwrap_or_default()
    }
}

struct Windows {
    /// The sorted input; none once it has ended.
    input: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    functions: Vec<Arc<dyn WindowExpr>>,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    /// Rows not computed yet, and how many there are.
    held: Vec<RecordBatch>,
    rows: usize,
    /// How many of them belong to partitions that have been seen whole.
    complete: usize,
    /// Fewer rows than this are not worth a computation.
    least: usize,
    ready: VecDeque<RecordBatch>,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Windows {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                self.metrics.record_output(batch.num_rows());
                return Ok(Some(batch));
            }
            let Some(input) = &mut self.input else { return Ok(None) };
            match input.try_next().await? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    let batch = compact(&batch)?;
                    self.reservation.try_grow(batch.get_array_memory_size())?;
                    if let Some(last) = self.last_start(&batch)? {
                        self.complete = self.rows + last;
                    }
                    self.rows += batch.num_rows();
                    self.held.push(batch);
                    if self.complete >= self.least {
                        self.compute(self.complete)?;
                    }
                }
                None => {
                    // What the input holds is free before the last rows are computed.
                    self.input = None;
                    self.compute(self.rows)?;
                }
            }
        }
    }

    /// Where in a batch its last partition starts; none where it goes on from the batch before.
    fn last_start(&self, batch: &RecordBatch) -> Result<Option<usize>> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let keys = self.key_columns(batch)?;
        let start = partition(&keys)?.ranges().last().map_or(0, |range| range.start);
        if start > 0 {
            return Ok(Some(start));
        }
        let Some(before) = self.held.last() else { return Ok(None) };
        let last_row = before.slice(before.num_rows().saturating_sub(1), 1);
        let pairs = self
            .key_columns(&last_row)?
            .iter()
            .zip(&keys)
            .map(|(before, after)| concat(&[before.as_ref(), after.slice(0, 1).as_ref()]))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((partition(&pairs)?.len() > 1).then_some(0))
    }

    fn key_columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.keys.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect()
    }

    /// Computes the windows of the first `rows` held rows, and holds the rest.
    fn compute(&mut self, rows: usize) -> Result<()> {
        let timer = self.metrics.elapsed_compute().timer();
        if rows == 0 {
            return Ok(());
        }
        let Some(first) = self.held.first() else {
            return internal_err!("rows are counted that are not held");
        };
        let all = concat_batches(&first.schema(), &self.held)?;
        let batch = all.slice(0, rows);
        let ranges: Vec<Range<usize>> = if self.keys.is_empty() {
            std::iter::once(0..rows).collect()
        } else {
            partition(&self.key_columns(&batch)?)?.ranges()
        };
        let mut columns = batch.columns().to_vec();
        for function in &self.functions {
            let parts = ranges
                .iter()
                .map(|range| function.evaluate(&batch.slice(range.start, range.len())))
                .collect::<Result<Vec<_>>>()?;
            let parts: Vec<_> = parts.iter().map(|part| part.as_ref()).collect();
            columns.push(concat(&parts)?);
        }
        let result = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        for start in (0..rows).step_by(self.least.max(1)) {
            self.ready.push_back(result.slice(start, self.least.min(rows - start)));
        }
        self.held.clear();
        if rows < all.num_rows() {
            // A copy: a slice would hold all that it was cut from.
            let rest = UInt64Array::from_iter_values(rows as u64..all.num_rows() as u64);
            self.held.push(compact(&take_record_batch(&all, &rest)?)?);
        }
        self.rows -= rows;
        self.complete = 0;
        let held: usize = self.held.iter().map(RecordBatch::get_array_memory_size).sum();
        self.reservation.try_resize(held.min(self.reservation.size()))?;
        timer.done();
        Ok(())
    }
}
/// [`WindowByPartitionExec`] on the wire: the operator whose place it takes, over nothing.
#[derive(Debug)]
pub(super) struct WindowByPartitionWire;

impl WireNode for WindowByPartitionWire {
    fn name(&self) -> &'static str {
        "strata.window_by_partition"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, link: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(window) = node.downcast_ref::<WindowByPartitionExec>() else { return Ok(None) };
        let inner = Arc::clone(&window.inner) as Arc<dyn ExecutionPlan>;
        let nothing = Arc::new(EmptyExec::new(window.inner.input().schema()));
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let alone = inner.replace_children(vec![nothing], options)?;
        let node = link.converter.execution_plan_to_proto(&alone, link.codec)?;
        Ok(Some(node.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let node = PhysicalPlanNode::decode(bytes)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let context = PhysicalPlanDecodeContext::new(link.context()?, link.codec);
        let alone = link.converter.proto_to_execution_plan(&node, &context)?;
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let inner = alone.replace_children(vec![super::only(inputs)?], options)?;
        match inner.downcast_ref::<WindowAggExec>() {
            Some(window) => Ok(Arc::new(WindowByPartitionExec::new(Arc::new(window.clone())))),
            None => internal_err!("a window came as {}", inner.name()),
        }
    }
}
