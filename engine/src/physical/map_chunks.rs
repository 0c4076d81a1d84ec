//! Computes chunks: each by a program, from what it reads and from results that are given to all. What is
//! made is the chunks themselves, or what many of them come to.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, Partitioning, PhysicalExprRef,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use super::chunks::{self, Assembled, error};
use crate::array::{Region, Tensor, cells, shape_of};
use crate::config::ByteSize;
use crate::kernels::Folded;
use crate::lazy::Array;
use crate::physical::fold::Fold;
use crate::program::Program;

/// Computes chunks.
#[derive(Debug)]
pub struct MapChunksExec {
    program: Arc<Program>,
    /// What the chunks are brought to, if they do not go on themselves.
    fold: Option<Fold>,
    /// Which chunks: ranges of their numbers.
    keys: Arc<dyn ExecutionPlan>,
    /// Results that each chunk is given whole, and what they look like.
    given: Vec<(Arc<dyn ExecutionPlan>, Array)>,
    /// The same, once somebody has asked.
    results: Arc<OnceCell<Collected>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MapChunksExec {
    pub(crate) fn new(
        program: Arc<Program>,
        fold: Option<Fold>,
        keys: Arc<dyn ExecutionPlan>,
        given: Vec<(Arc<dyn ExecutionPlan>, Array)>,
    ) -> Self {
        let schema =
            chunks::schema(fold.as_ref().map_or(1, |fold| fold.parts(program.root().kind())));
        let parts = keys.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(parts),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            program,
            fold,
            keys,
            given,
            results: Arc::default(),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn fold(&self) -> Option<&Fold> {
        self.fold.as_ref()
    }

    /// What the results look like that each chunk is given.
    pub(super) fn given(&self) -> impl Iterator<Item = &Array> {
        self.given.iter().map(|(_, array)| array)
    }
}

impl DisplayAs for MapChunksExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.program.root();
        write!(
            f,
            "MapChunksExec: {} {:?} in chunks of {}",
            root.dtype(),
            root.shape(),
            root.grid()
        )?;
        match &self.fold {
            Some(fold) => write!(f, ", {fold}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for MapChunksExec {
    fn name(&self) -> &'static str {
        "MapChunksExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.keys).chain(self.given.iter().map(|(plan, _)| plan)).collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let given = self.given.iter().map(|_| Distribution::SinglePartition);
        std::iter::once(Distribution::UnspecifiedDistribution).chain(given).collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; 1 + self.given.len()]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut children = children.into_iter();
        let Some(keys) = children.next() else {
            return internal_err!("MapChunksExec came without its keys");
        };
        let given: Vec<_> =
            children.zip(self.given.iter().map(|(_, array)| array.clone())).collect();
        if given.len() != self.given.len() {
            return internal_err!("MapChunksExec came with other inputs");
        }
        Ok(Arc::new(Self::new(Arc::clone(&self.program), self.fold.clone(), keys, given)))
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

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let consumer = MemoryConsumer::new(format!("MapChunks[{partition}]"));
        let task = Task {
            program: Arc::clone(&self.program),
            fold: self.fold.clone(),
            given: self.given.clone(),
            results: Arc::clone(&self.results),
            reservation: consumer.register(context.memory_pool()),
            schema: self.schema(),
            open: None,
            left: 0..0,
            keys: self.keys.execute(partition, Arc::clone(&context))?,
            context,
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = futures::stream::try_unfold(task, |mut task| async move {
            Ok(task.next().await?.map(|row| (row, task)))
        })
        .map(move |row: Result<RecordBatch>| row.map(|row| row.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// The results that each chunk is given, or why there are none.
type Collected = std::result::Result<(Arc<[Tensor]>, MemoryReservation), Arc<DataFusionError>>;

/// The chunks of one partition, one after the other.
struct Task {
    program: Arc<Program>,
    fold: Option<Fold>,
    given: Vec<(Arc<dyn ExecutionPlan>, Array)>,
    results: Arc<OnceCell<Collected>>,
    reservation: MemoryReservation,
    schema: SchemaRef,
    /// What is being brought together, and its number.
    open: Option<(u64, Folded)>,
    left: Range<u64>,
    keys: SendableRecordBatchStream,
    context: Arc<TaskContext>,
}

impl Task {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let given = self.given().await?;
        loop {
            let Some(number) = self.next_number().await? else {
                return self.close();
            };
            let Some(fold) = self.fold.clone() else {
                let grid = self.program.root().grid();
                let region = grid.region(&grid.place(number));
                self.reserve(&region, 0)?;
                let loaded = self.program.load(&region).await.map_err(error)?;
                let values = self.program.values(&region, loaded, &given).map_err(error)?;
                self.reservation.free();
                return chunks::row(&self.schema, number, vec![values.data().clone()]).map(Some);
            };
            let root = self.program.root().clone();
            let (kept, region) = fold.region(root.grid(), number);
            let mut done = None;
            if self.open.as_ref().is_some_and(|(open, _)| *open != kept) {
                done = self.close()?;
            }
            let values = cells(&shape_of(&region)).unwrap_or(u64::MAX) as usize;
            let grown = self.open.as_ref().map_or(0, |(_, open)| open.grown());
            let grown = grown.saturating_add(fold.becomes.keeps(root.kind(), values)) as u64;
            let states = fold.bytes(root.kind(), root.grid(), kept);
            self.reserve(&region, states.saturating_add(grown))?;
            let mut one = fold.accumulator(root.kind(), &root.shape(), &region);
            let loaded = self.program.load(&region).await.map_err(error)?;
            self.program.fold(&region, loaded, &given, &mut one).map_err(error)?;
            match &mut self.open {
                Some((_, all)) => all.merge(&one).map_err(asked)?,
                None => self.open = Some((kept, one)),
            }
            if done.is_some() {
                return Ok(done);
            }
        }
    }

    /// The results that each chunk is given.
    fn given(&self) -> BoxFuture<'static, Result<Arc<[Tensor]>>> {
        let (results, context) = (Arc::clone(&self.results), Arc::clone(&self.context));
        let given = self.given.clone();
        async move {
            // What failed has been run, and is not run again.
            let collect = async { collect(given, context).await.map_err(Arc::new) };
            match results.get_or_init(|| collect).await {
                Ok((results, _)) => Ok(Arc::clone(results)),
                Err(error) => Err(DataFusionError::Shared(Arc::clone(error))),
            }
        }
        .boxed()
    }

    async fn next_number(&mut self) -> Result<Option<u64>> {
        loop {
            if let Some(number) = self.left.next() {
                return Ok(Some(number));
            }
            let Some(batch) = self.keys.try_next().await? else { return Ok(None) };
            // One range a row, one row a batch.
            let mut ranges = chunks::ranges(&batch)?.into_iter();
            self.left = ranges.next().unwrap_or(0..0);
            if ranges.next().is_some() {
                return internal_err!("several ranges of chunks came in one batch");
            }
        }
    }

    /// Hands out what chunks were brought to.
    fn close(&mut self) -> Result<Option<RecordBatch>> {
        let Some((number, accumulator)) = self.open.take() else { return Ok(None) };
        self.reservation.free();
        let state = accumulator.to_state().into_iter().map(super::fold::buffer).collect();
        chunks::row(&self.schema, number, state).map(Some)
    }

    fn reserve(&mut self, region: &Region, beside: u64) -> Result<()> {
        let bytes = self.program.holds(region).saturating_add(beside);
        let room = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.reservation.try_resize(room).map_err(|refused| {
            let shape = shape_of(region);
            DataFusionError::ResourcesExhausted(format!(
                "a chunk of shape {shape:?} takes {} with all that it is made of, which does not fit: cut \
                 the array into smaller chunks with rechunk(…), or raise memory.limit ({refused})",
                ByteSize(bytes)
            ))
        })
    }
}

async fn collect(
    given: Vec<(Arc<dyn ExecutionPlan>, Array)>,
    context: Arc<TaskContext>,
) -> Result<(Arc<[Tensor]>, MemoryReservation)> {
    let held = MemoryConsumer::new("MapChunks, given to all").register(context.memory_pool());
    let mut results = Vec::with_capacity(given.len());
    for (plan, array) in &given {
        let mut rows = plan.execute(0, Arc::clone(&context))?;
        held.try_grow(usize::try_from(array.bytes()).unwrap_or(usize::MAX))?;
        let mut whole = Assembled::new(array.dtype(), array.grid());
        while let Some(batch) = rows.try_next().await? {
            whole.take(&batch)?;
        }
        results.push(whole.finish()?);
    }
    Ok((results.into(), held))
}

pub(super) fn asked(reason: String) -> DataFusionError {
    error(crate::array::ArrayError::Asked(reason))
}
