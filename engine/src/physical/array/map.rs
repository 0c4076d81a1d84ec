//! Computes chunks: each by a program, from what it reads and from results that are given to all. What is
//! made is the chunks themselves, or what many of them come to.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, RecordOutput, Time,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::chunks;
use super::given::Given;
use super::shares::Shares;
use super::turn::Turn;
use super::work::{Made, Work};
use crate::program::Loaded;

/// Says of a chunk, by its number, whether it is wanted.
#[derive(Clone)]
struct Wanted(Arc<dyn Fn(u64) -> bool + Send + Sync>);

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wanted")
    }
}

/// Computes chunks.
#[derive(Debug)]
pub struct MapChunksExec {
    work: Work,
    /// Which chunks: ranges of their numbers.
    keys: Arc<dyn ExecutionPlan>,
    given: Given,
    /// How tasks share them, where they run in one process.
    shares: Option<Arc<Shares>>,
    /// Which of them are wanted, where not all are.
    wanted: Option<Wanted>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MapChunksExec {
    pub(crate) fn new(work: Work, keys: Arc<dyn ExecutionPlan>, given: Given) -> Self {
        let parts = keys.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(work.schema()),
            Partitioning::UnknownPartitioning(parts),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        let properties = Arc::new(properties);
        Self { work, keys, given, shares: None, wanted: None, properties, metrics }
    }

    /// The same, whose tasks take from each other what is left, so many numbers in a row together: for a plan
    /// that runs where it was made. Elsewhere a task that is run again must do what it did.
    pub(super) fn sharing(self, unit: u64) -> Self {
        Self { shares: Some(Arc::new(Shares::new(unit))), ..self }
    }

    /// The same as it runs, of chunks that are wanted: for an operator above that knows so while it runs.
    pub(super) fn choosing(&self, wanted: Arc<dyn Fn(u64) -> bool + Send + Sync>) -> Self {
        Self {
            work: self.work.clone(),
            keys: Arc::clone(&self.keys),
            given: self.given.clone(),
            shares: self.shares.clone(),
            wanted: Some(Wanted(wanted)),
            properties: Arc::clone(&self.properties),
            metrics: self.metrics.clone(),
        }
    }

    /// Says that the plan stands in several places, which may run at the same time.
    pub(super) fn stands_again(&self) {
        if let Some(shares) = &self.shares {
            shares.keep_apart();
        }
    }

    /// What is done.
    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    /// The results that each chunk is given.
    pub(super) fn given(&self) -> &Given {
        &self.given
    }
}

impl DisplayAs for MapChunksExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapChunksExec: {}", self.work)
    }
}

impl ExecutionPlan for MapChunksExec {
    operator_on_chunks!("MapChunksExec");

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.keys).chain(self.given.plans().map(|(plan, _)| plan)).collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let given = self.given.plans().map(|_| Distribution::SinglePartition);
        std::iter::once(Distribution::UnspecifiedDistribution).chain(given).collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; 1 + self.given.len()]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some((keys, given)) = children.split_first() else {
            return internal_err!("MapChunksExec came without its keys");
        };
        let given = self.given.made_by(given)?;
        let shares = self.shares.as_ref().map(|shares| Arc::new(shares.afresh()));
        let again = Self::new(self.work.clone(), Arc::clone(keys), given);
        Ok(Arc::new(Self { shares, ..again }))
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(self.work.statistics(args, self.properties.partitioning.partition_count())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let consumer = MemoryConsumer::new(format!("MapChunks[{partition}]"));
        let mut task = Task {
            chunks: MetricBuilder::new(&self.metrics).counter("chunks", partition),
            computing: Time::new(),
            work: self.work.clone(),
            given: self.given.clone(),
            reservation: consumer.register(context.memory_pool()),
            open: None,
            left: 0..0,
            turn: Turn::begin(),
            wanted: self.wanted.clone(),
            shares: self.shares.clone().and_then(|shares| Share::begin(shares, partition)),
            keys: self.keys.execute(partition, Arc::clone(&context))?,
            context,
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        task.computing = baseline.elapsed_compute().clone();
        let rows = futures::stream::try_unfold(task, |mut task| async move {
            Ok(task.next().await?.map(|row| (row, task)))
        })
        .map(move |row: Result<RecordBatch>| row.map(|row| row.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// The chunks of one partition, one after the other.
struct Task {
    work: Work,
    given: Given,
    reservation: MemoryReservation,
    /// What is being brought together.
    open: Option<Made>,
    left: Range<u64>,
    turn: Turn,
    /// How many chunks there were, and how long they took with what was read for them.
    chunks: Count,
    computing: Time,
    wanted: Option<Wanted>,
    shares: Option<Share>,
    keys: SendableRecordBatchStream,
    context: Arc<TaskContext>,
}

/// What is a task's own of what all share.
struct Share {
    task: usize,
    all: Arc<Shares>,
}

impl Share {
    fn begin(all: Arc<Shares>, task: usize) -> Option<Self> {
        all.begin(task).then(|| Self { task, all })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.end(self.task);
    }
}

impl Task {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let given = self.given.collected(&self.context).await?;
        while let Some(number) = self.next_number().await? {
            self.turn.pass().await;
            if self.wanted.as_ref().is_some_and(|Wanted(is_wanted)| !is_wanted(number)) {
                continue;
            }
            self.work.reserve(number, self.open.as_ref(), &self.reservation)?;
            let computing = self.computing.timer();
            let made = self.work.run(number, Loaded::new(), &given).await?;
            computing.done();
            self.chunks.add(1);
            let done = match &mut self.open {
                _ if self.work.fold().is_none() => Some(made),
                None => self.open.replace(made),
                Some(open) => open.take_in(made)?.and_then(|next| self.open.replace(next)),
            };
            if let Some(done) = done {
                return self.hand_out(done);
            }
        }
        match self.open.take() {
            Some(done) => self.hand_out(done),
            None => Ok(None),
        }
    }

    fn hand_out(&self, made: Made) -> Result<Option<RecordBatch>> {
        if self.open.is_none() {
            self.reservation.free();
        }
        made.row(&self.work.schema()).map(Some)
    }

    async fn next_number(&mut self) -> Result<Option<u64>> {
        loop {
            if let Some(number) = self.left.next() {
                return Ok(Some(number));
            }
            let Some(batch) = self.keys.try_next().await? else {
                let Some(Share { task, all }) = &self.shares else { return Ok(None) };
                match all.take(*task) {
                    Some(next) => self.left = next,
                    None => return Ok(None),
                }
                continue;
            };
            // One range a row, one row a batch.
            let mut ranges = chunks::ranges(&batch)?.into_iter();
            let range = ranges.next().unwrap_or(0..0);
            if ranges.next().is_some() {
                return internal_err!("several ranges of chunks came in one batch");
            }
            match &self.shares {
                Some(Share { task, all }) => all.put(*task, range),
                None => self.left = range,
            }
        }
    }
}
