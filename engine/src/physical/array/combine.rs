//! Brings together what chunks came to, and makes chunks of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::chunks::{self, asked, error};
use super::fold::{Fold, buffer};
use crate::array::{DType, Kind, Tensor};
use crate::kernels::Folded;

/// Brings states together.
#[derive(Debug)]
pub struct CombineChunksExec {
    fold: Fold,
    /// What the values were that are brought together, and what comes of them.
    kind: Kind,
    dtype: DType,
    /// Whether all of it is brought together in one place.
    single: bool,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CombineChunksExec {
    pub(crate) fn new(
        fold: Fold,
        kind: Kind,
        dtype: DType,
        single: bool,
        input: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(chunks::schema(1)),
            input.output_partitioning().clone(),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties);
        Self {
            fold,
            kind,
            dtype,
            single,
            input,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// What is brought together, and what comes of it.
    pub(super) fn described(&self) -> (&Fold, Kind, DType, bool) {
        (&self.fold, self.kind, self.dtype, self.single)
    }
}

impl DisplayAs for CombineChunksExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CombineChunksExec: {} of {}", self.fold, self.kind)
    }
}

impl ExecutionPlan for CombineChunksExec {
    fn name(&self) -> &'static str {
        "CombineChunksExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        // All states of a chunk meet.
        vec![match self.single {
            true => Distribution::SinglePartition,
            false => Distribution::KeyPartitioned(vec![Arc::new(Column::new("chunk", 0))]),
        }]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                let fold = self.fold.clone();
                Ok(Arc::new(Self::new(fold, self.kind, self.dtype, self.single, input)))
            }
            _ => internal_err!("CombineChunksExec has one input"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let Some(input) = inputs.first() else {
            return internal_err!("CombineChunksExec has one input");
        };
        // There is at most a chunk for each state, of a value for each of its cells.
        let state = self.fold.becomes.bytes(self.kind, 1).max(1);
        let values = |bytes: &usize| bytes / state * self.dtype.width();
        let unknown = Statistics::new_unknown(&self.schema());
        let made = unknown.with_num_rows(input.num_rows.to_inexact());
        Ok(Arc::new(match input.total_byte_size.get_value().map(values) {
            Some(bytes) => made.with_total_byte_size(Precision::Inexact(bytes)),
            None => made,
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let mut input = self.input.execute(partition, chunks::one_by_one(&context))?;
        let consumer = MemoryConsumer::new(format!("CombineChunks[{partition}]"));
        let reservation = consumer.register(context.memory_pool());
        let (fold, kind, dtype) = (self.fold.clone(), self.kind, self.dtype);
        let schema = self.schema();
        let combined = async move {
            let mut all: BTreeMap<u64, Folded> = BTreeMap::new();
            while let Some(batch) = input.try_next().await? {
                for (number, parts) in chunks::rows(&batch)? {
                    let bytes: usize = parts.iter().map(|part| part.len()).sum();
                    let state = fold.state(kind, parts)?;
                    match all.get_mut(&number) {
                        Some(open) => {
                            // Some states grow with what they take in.
                            let grown = if state.grown() > 0 { bytes.saturating_mul(2) } else { 0 };
                            reservation.try_grow(grown)?;
                            open.merge(&state).map_err(asked)?;
                        }
                        None => {
                            reservation.try_grow(bytes.saturating_mul(2))?;
                            all.insert(number, state);
                        }
                    }
                }
            }
            let finished = all.into_iter().map(move |(number, state)| {
                let block = state.finish().map_err(asked)?;
                let count = block.len() as u64;
                // Times and spans are numbers until here.
                let values = Tensor::new(dtype, vec![count], buffer(block)).map_err(error)?;
                let row = chunks::row(&schema, number, vec![values.data().clone()]);
                // What is held goes with the last of it.
                let _held = &reservation;
                row
            });
            Ok::<_, DataFusionError>(futures::stream::iter(finished).boxed())
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = futures::stream::once(combined)
            .try_flatten()
            .map(move |row: Result<RecordBatch>| row.map(|row| row.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
