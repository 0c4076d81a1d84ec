//! Brings together what chunks came to, and makes chunks of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::chunks::{self, asked, error};
use super::fold::{Fold, buffer};
use crate::array::{DType, Kind, Tensor};
use crate::kernels::Folded;

/// How all states of a chunk meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meet {
    /// There is one partition.
    Single,
    /// They are sent to the same partition. Where it is known how many there are, a chunk is done when they
    /// have come.
    Sent { each: Option<u64> },
    /// They follow each other in the partition that made them.
    InARow,
}

/// Brings states together.
#[derive(Debug)]
pub struct CombineChunksExec {
    fold: Fold,
    /// What the values were that are brought together, and what the results are.
    kind: Kind,
    dtypes: Vec<DType>,
    meet: Meet,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CombineChunksExec {
    pub(super) fn new(
        fold: Fold,
        kind: Kind,
        dtypes: Vec<DType>,
        meet: Meet,
        input: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(chunks::schema(dtypes.len())),
            input.output_partitioning().clone(),
            match meet {
                Meet::Single | Meet::Sent { each: None } => EmissionType::Final,
                Meet::Sent { .. } | Meet::InARow => EmissionType::Incremental,
            },
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties);
        Self {
            fold,
            kind,
            dtypes,
            meet,
            input,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// What is brought together, and what comes of it.
    pub(super) fn described(&self) -> (&Fold, Kind, &[DType], Meet) {
        (&self.fold, self.kind, &self.dtypes, self.meet)
    }
}

impl DisplayAs for CombineChunksExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CombineChunksExec: {} of {}", self.fold, self.kind)
    }
}

impl ExecutionPlan for CombineChunksExec {
    operator_on_chunks!("CombineChunksExec");

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        // All states of a chunk meet.
        vec![match self.meet {
            Meet::Single => Distribution::SinglePartition,
            Meet::Sent { .. } => {
                Distribution::KeyPartitioned(vec![Arc::new(Column::new("chunk", 0))])
            }
            Meet::InARow => Distribution::UnspecifiedDistribution,
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
                Ok(Arc::new(Self::new(fold, self.kind, self.dtypes.clone(), self.meet, input)))
            }
            _ => internal_err!("CombineChunksExec has one input"),
        }
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
        let state = self.fold.cell_bytes(self.kind);
        let width: usize = self.dtypes.iter().map(|dtype| dtype.width()).sum();
        let values = |bytes: &usize| bytes / state * width;
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
        let consumer = MemoryConsumer::new(format!("CombineChunks[{partition}]"));
        let task = Task {
            fold: self.fold.clone(),
            kind: self.kind,
            dtypes: self.dtypes.clone(),
            meet: self.meet,
            open: BTreeMap::new(),
            left: Vec::new(),
            ended: false,
            reservation: consumer.register(context.memory_pool()),
            states: self.input.execute(partition, chunks::one_by_one(&context))?,
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = futures::stream::try_unfold(task, |mut task| async move {
            Ok(task.next().await?.map(|row| (row, task)))
        })
        .map(move |row: Result<RecordBatch>| row.map(|row| row.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// What a chunk has come to.
struct Open {
    state: Folded,
    /// How many states it is of, and the bytes that are reserved for it.
    states: u64,
    bytes: usize,
}

/// The chunks of one partition.
struct Task {
    fold: Fold,
    kind: Kind,
    dtypes: Vec<DType>,
    meet: Meet,
    open: BTreeMap<u64, Open>,
    /// States that came and were not looked at.
    left: Vec<(u64, Vec<Buffer>)>,
    ended: bool,
    reservation: MemoryReservation,
    states: SendableRecordBatchStream,
}

impl Task {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.ended {
                return match self.open.pop_first() {
                    Some((number, open)) => self.finish(number, open).map(Some),
                    None => Ok(None),
                };
            }
            if let Some((number, parts)) = self.left.pop() {
                let done = self.take(number, parts)?;
                if let Some((number, open)) = done {
                    return self.finish(number, open).map(Some);
                }
                continue;
            }
            match self.states.try_next().await? {
                Some(batch) => {
                    self.left = chunks::rows(&batch)?;
                    self.left.reverse();
                }
                None => self.ended = true,
            }
        }
    }

    /// Takes in a state; gives a chunk of which there will be no more.
    fn take(&mut self, number: u64, parts: Vec<Buffer>) -> Result<Option<(u64, Open)>> {
        let came: usize = parts.iter().map(|part| part.len()).sum();
        let bytes = came.saturating_mul(2);
        let state = self.fold.state(self.kind, parts)?;
        let Some(open) = self.open.get_mut(&number) else {
            let before = match self.meet {
                Meet::InARow => self.open.pop_first(),
                Meet::Single | Meet::Sent { .. } => None,
            };
            self.reservation.try_grow(bytes)?;
            self.open.insert(number, Open { state, states: 1, bytes });
            return Ok(match self.meet {
                Meet::Sent { each: Some(1) } => self.open.remove_entry(&number),
                _ => before,
            });
        };
        // Some states grow with what they take in.
        let grown = if state.grown() > 0 { bytes } else { 0 };
        self.reservation.try_grow(grown)?;
        open.bytes = open.bytes.saturating_add(grown);
        open.states += 1;
        open.state.merge(&state).map_err(asked)?;
        let done = self.meet == Meet::Sent { each: Some(open.states) };
        Ok(if done { self.open.remove_entry(&number) } else { None })
    }

    fn finish(&mut self, number: u64, open: Open) -> Result<RecordBatch> {
        let blocks = open.state.finish().map_err(asked)?;
        if blocks.len() != self.dtypes.len() {
            return internal_err!("chunks came to {} results", blocks.len());
        }
        // Times and spans are numbers until here.
        let values = self.dtypes.iter().zip(blocks).map(|(dtype, block)| {
            let count = block.len() as u64;
            let values = Tensor::new(*dtype, vec![count], buffer(block)).map_err(error)?;
            Ok(values.data().clone())
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        self.reservation.shrink(open.bytes);
        chunks::row(&chunks::schema(values.len()), number, values)
    }
}
