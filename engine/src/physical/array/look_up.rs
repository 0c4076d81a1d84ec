//! What is at the places that rows name: a join of rows and cells that reads the chunks in which such places are, and
//! of them the cells there.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{concat_batches, take};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::{Distribution, EquivalenceProperties};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::cells::{Cells, boxes, cell_schema, picked, place_columns, value_columns};
use super::map::MapChunksExec;
use super::sought::{PlaceKey, Sought};
use crate::array::{Region, Tensor};

/// Which rows come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LookUp {
    /// Each row beside each cell that it asks for.
    Both,
    /// These, and rows that ask for nothing that is there, beside NULLs.
    AllRows,
    /// Cells that some row asks for.
    CellsAlone,
}

/// Looks up cells.
#[derive(Debug)]
pub struct LookUpExec {
    how: LookUp,
    keys: Arc<[PlaceKey]>,
    /// How many columns of the rows come out; those behind are only looked at.
    width: usize,
    cells: Arc<Cells>,
    rows: Arc<dyn ExecutionPlan>,
    chunks: Arc<dyn ExecutionPlan>,
    sought: Arc<OnceCell<Found>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// The rows, or why there are none.
type Found = std::result::Result<Arc<Sought>, Arc<DataFusionError>>;

impl LookUpExec {
    pub(crate) fn new(
        how: LookUp,
        keys: Arc<[PlaceKey]>,
        width: usize,
        cells: Arc<Cells>,
        rows: Arc<dyn ExecutionPlan>,
        chunks: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let schema = schema(how, width, &cells, &rows.schema());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            chunks.output_partitioning().clone(),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        Self { how, keys, width, cells, rows, chunks, sought: Arc::default(), properties, metrics }
    }

    /// What is looked up, and how.
    pub(super) fn told(&self) -> (LookUp, &[PlaceKey], usize, &Cells) {
        (self.how, &self.keys, self.width, &self.cells)
    }
}

/// The columns of the rows, and those of the cells.
fn schema(how: LookUp, width: usize, cells: &Cells, rows: &SchemaRef) -> SchemaRef {
    let cells = cell_schema(cells);
    let fields = rows.fields().iter().take(width).chain(cells.fields());
    match how {
        LookUp::CellsAlone => cells,
        LookUp::Both | LookUp::AllRows => {
            Arc::new(Schema::new(fields.map(|field| Field::clone(field)).collect::<Vec<_>>()))
        }
    }
}

impl DisplayAs for LookUpExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.rows.schema();
        let place = |key: &PlaceKey| {
            let field = schema.fields().get(key.column).map_or("?", |field| field.name().as_str());
            let of = self.cells.places.iter().find(|place| place.axis == key.axis);
            format!("{field} along {}", of.map_or("?", |place| place.name.as_str()))
        };
        let how = match self.how {
            LookUp::Both => "",
            LookUp::AllRows => "; all rows",
            LookUp::CellsAlone => "; cells alone",
        };
        let keys = self.keys.iter().map(place).collect::<Vec<_>>().join(", ");
        write!(f, "LookUpExec: {keys}{how}")
    }
}

impl ExecutionPlan for LookUpExec {
    operator_on_chunks!("LookUpExec");

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.rows, &self.chunks]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition, Distribution::UnspecifiedDistribution]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([rows, chunks]) = <[_; 2]>::try_from(children) else {
            return internal_err!("LookUpExec has two inputs");
        };
        let (keys, cells) = (Arc::clone(&self.keys), Arc::clone(&self.cells));
        Ok(Arc::new(Self::new(self.how, keys, self.width, cells, rows, chunks)))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        // As if each row had one place along each dimension that it names.
        let named = |axis: &usize| !self.keys.iter().any(|key| key.axis == *axis);
        let lengths = self.cells.grid.shape();
        let free = (0..lengths.len()).filter(named).filter_map(|axis| lengths.get(axis));
        let each = free.fold(1_u64, |all, length| all.saturating_mul(*length));
        let parts = match args.partition() {
            Some(_) => self.chunks.output_partitioning().partition_count().max(1),
            None => 1,
        };
        let rows = inputs.first().and_then(|rows| rows.num_rows.get_value().copied());
        let rows = match rows {
            Some(rows) => Precision::Inexact(
                rows.saturating_mul(usize::try_from(each).unwrap_or(usize::MAX)).div_ceil(parts),
            ),
            None => Precision::Absent,
        };
        Ok(Arc::new(Statistics::new_unknown(&self.schema()).with_num_rows(rows)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let task = Task {
            how: self.how,
            keys: Arc::clone(&self.keys),
            width: self.width,
            cells: Arc::clone(&self.cells),
            size: context.session_config().batch_size().max(1),
            schema: self.schema(),
        };
        let (rows, chunks) = (Arc::clone(&self.rows), Arc::clone(&self.chunks));
        let found = Arc::clone(&self.sought);
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let out = async move {
            // What failed has been run, and is not run again.
            let seek = async { task.seek(rows, &context).await.map(Arc::new).map_err(Arc::new) };
            let sought = match found.get_or_init(|| seek).await {
                Ok(sought) => Arc::clone(sought),
                Err(error) => return Err(DataFusionError::Shared(Arc::clone(error))),
            };
            task.run(sought, &chunks, partition, context)
        };
        let out = futures::stream::once(out).try_flatten();
        let out =
            out.map(move |batch: Result<RecordBatch>| batch.map(|b| b.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), out)))
    }
}

/// One partition of chunks.
#[derive(Debug, Clone)]
struct Task {
    how: LookUp,
    keys: Arc<[PlaceKey]>,
    width: usize,
    cells: Arc<Cells>,
    size: usize,
    schema: SchemaRef,
}

impl Task {
    /// Collects the rows, and finds where they belong.
    async fn seek(
        &self,
        rows: Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
    ) -> Result<Sought> {
        let held = MemoryConsumer::new("rows that look up cells").register(context.memory_pool());
        let schema = rows.schema();
        let mut stream = rows.execute(0, Arc::clone(context))?;
        let mut batches = Vec::new();
        while let Some(batch) = stream.try_next().await? {
            // As they come, and as one.
            held.try_grow(batch.get_array_memory_size().saturating_mul(2))?;
            batches.push(batch);
        }
        let rows = concat_batches(&schema, &batches)?;
        let once = self.how == LookUp::CellsAlone;
        Sought::of(rows, &self.keys, &self.cells.grid, once, held)
    }

    /// The rows of a partition of chunks.
    fn run(
        self,
        sought: Arc<Sought>,
        chunks: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = match chunks.downcast_ref::<MapChunksExec>() {
            Some(map) if map.work().fold().is_none() => {
                let (sought, cells) = (Arc::clone(&sought), Arc::clone(&self.cells));
                let wants = move |number: u64| sought.wants(&cells.grid, number);
                map.choosing(Arc::new(wants)).execute(partition, context)?
            }
            _ => chunks.execute(partition, context)?,
        };
        // Rows that meet nothing belong to no chunk.
        let alone = match self.how == LookUp::AllRows && partition == 0 {
            true => sought.alone.len(),
            false => 0,
        };
        let size = self.size;
        let first = {
            let (task, sought) = (self.clone(), Arc::clone(&sought));
            (0..alone).step_by(size).map(move |from| {
                let rows = sought.alone.get(from..(from + size).min(alone)).unwrap_or_default();
                task.alone(&sought, rows)
            })
        };
        let schema = Arc::clone(&self.schema);
        let rest = input
            .map(move |batch| {
                let all = boxes(&self.cells, &batch?)?;
                let (task, sought) = (self.clone(), Arc::clone(&sought));
                let batches = all.into_iter().flat_map(move |(number, region, values)| {
                    let (task, sought) = (task.clone(), Arc::clone(&sought));
                    let within = sought.within(&task.cells.grid, number, &region);
                    let count = within.len();
                    (0..count).step_by(size).map(move |from| {
                        let pairs = (from..(from + size).min(count)).filter_map(|at| within.at(at));
                        let pairs = pairs.filter(|(_, cell)| task.cells.has_row(&values, *cell));
                        let (rows, which): (Vec<u32>, Vec<usize>) = pairs.unzip();
                        task.met(&sought, &rows, &region, &values, &which)
                    })
                });
                Ok::<_, DataFusionError>(futures::stream::iter(batches))
            })
            .try_flatten();
        let all = futures::stream::iter(first).chain(rest);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
    }

    /// Rows beside the cells that they ask for.
    fn met(
        &self,
        sought: &Sought,
        rows: &[u32],
        region: &Region,
        values: &Tensor,
        which: &[usize],
    ) -> Result<RecordBatch> {
        let mut columns = self.columns(sought, rows)?;
        columns.extend(place_columns(&self.cells, region, which.iter().copied())?);
        let values = picked(&self.cells, values, which)?;
        columns.extend(value_columns(&self.cells, &values, 0..which.len())?);
        self.batch(columns, rows.len())
    }

    /// Rows beside NULLs.
    fn alone(&self, sought: &Sought, rows: &[u32]) -> Result<RecordBatch> {
        let mut columns = self.columns(sought, rows)?;
        let cells = cell_schema(&self.cells);
        let nulls =
            cells.fields().iter().map(|field| new_null_array(field.data_type(), rows.len()));
        columns.extend(nulls);
        self.batch(columns, rows.len())
    }

    /// What comes out of rows.
    fn columns(&self, sought: &Sought, rows: &[u32]) -> Result<Vec<ArrayRef>> {
        if self.how == LookUp::CellsAlone {
            return Ok(Vec::new());
        }
        let at = UInt32Array::from(rows.to_vec());
        let columns = sought.rows.columns().iter().take(self.width);
        columns.map(|column| Ok(take(column, &at, None)?)).collect()
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let rows = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)?)
    }
}
