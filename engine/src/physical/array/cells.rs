//! The cells of chunks as rows.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, DurationMicrosecondArray, DurationMillisecondArray,
    DurationNanosecondArray, DurationSecondArray, Int64Array, PrimitiveArray, RecordBatch,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use datafusion::arrow::buffer::{NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
    SchemaRef, TimeUnit, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::chunks::{self, error};
use crate::array::{DType, Grid, Region, Tensor, Unit, shape_of};
use crate::kernels::{Block, Slice, gather};

/// What the rows of an array's cells look like.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    /// The column of the values.
    pub(crate) name: String,
    /// The column of each dimension, and what it has at each place; the number of the place, if nothing.
    pub(crate) coords: Vec<(String, Option<Tensor>)>,
    pub(crate) dtype: DType,
    pub(crate) grid: Grid,
}

/// The columns of cells.
pub(crate) fn cell_schema(cells: &Cells) -> SchemaRef {
    let field = |(name, coord): &(String, Option<Tensor>)| {
        let kind = coord.as_ref().map_or(DataType::Int64, |coord| data_type(coord.dtype()));
        Field::new(name, kind, true)
    };
    let mut fields: Vec<Field> = cells.coords.iter().map(field).collect();
    fields.push(Field::new(&cells.name, data_type(cells.dtype), true));
    Arc::new(Schema::new(fields))
}

/// What a table has in place of values of a type.
fn data_type(dtype: DType) -> DataType {
    use crate::array::Kind;
    let unit = |unit| match unit {
        Unit::Seconds => TimeUnit::Second,
        Unit::Milliseconds => TimeUnit::Millisecond,
        Unit::Microseconds => TimeUnit::Microsecond,
        Unit::Nanoseconds => TimeUnit::Nanosecond,
    };
    match dtype {
        DType::Time(of) => DataType::Timestamp(unit(of), None),
        DType::Span(of) => DataType::Duration(unit(of)),
        DType::Plain(kind) => match kind {
            Kind::Bool => DataType::Boolean,
            Kind::I8 => DataType::Int8,
            Kind::I16 => DataType::Int16,
            Kind::I32 => DataType::Int32,
            Kind::I64 => DataType::Int64,
            Kind::U8 => DataType::UInt8,
            Kind::U16 => DataType::UInt16,
            Kind::U32 => DataType::UInt32,
            Kind::U64 => DataType::UInt64,
            Kind::F32 => DataType::Float32,
            Kind::F64 => DataType::Float64,
        },
    }
}

/// Values as a column. Times and spans that are none are NULL.
fn column(dtype: DType, block: Block) -> ArrayRef {
    macro_rules! plain {
        ($type:ty, $values:expr) => {
            Arc::new(PrimitiveArray::<$type>::new(ScalarBuffer::from($values), None))
        };
    }
    match (dtype, block) {
        (DType::Time(unit), Block::I64(values)) => {
            let (values, nulls) = counted(values);
            match unit {
                Unit::Seconds => Arc::new(TimestampSecondArray::new(values, nulls)),
                Unit::Milliseconds => Arc::new(TimestampMillisecondArray::new(values, nulls)),
                Unit::Microseconds => Arc::new(TimestampMicrosecondArray::new(values, nulls)),
                Unit::Nanoseconds => Arc::new(TimestampNanosecondArray::new(values, nulls)),
            }
        }
        (DType::Span(unit), Block::I64(values)) => {
            let (values, nulls) = counted(values);
            match unit {
                Unit::Seconds => Arc::new(DurationSecondArray::new(values, nulls)),
                Unit::Milliseconds => Arc::new(DurationMillisecondArray::new(values, nulls)),
                Unit::Microseconds => Arc::new(DurationMicrosecondArray::new(values, nulls)),
                Unit::Nanoseconds => Arc::new(DurationNanosecondArray::new(values, nulls)),
            }
        }
        (_, Block::Bool(values)) => {
            Arc::new(values.iter().map(|value| Some(*value != 0)).collect::<BooleanArray>())
        }
        (_, Block::I8(values)) => plain!(Int8Type, values),
        (_, Block::I16(values)) => plain!(Int16Type, values),
        (_, Block::I32(values)) => plain!(Int32Type, values),
        (_, Block::I64(values)) => plain!(Int64Type, values),
        (_, Block::U8(values)) => plain!(UInt8Type, values),
        (_, Block::U16(values)) => plain!(UInt16Type, values),
        (_, Block::U32(values)) => plain!(UInt32Type, values),
        (_, Block::U64(values)) => plain!(UInt64Type, values),
        (_, Block::F32(values)) => plain!(Float32Type, values),
        (_, Block::F64(values)) => plain!(Float64Type, values),
    }
}

/// A coordinate's values as a column of a table.
pub fn coordinate_column(values: &Tensor) -> ArrayRef {
    column(values.dtype(), values.values().to_block())
}

fn counted(values: Vec<i64>) -> (ScalarBuffer<i64>, Option<NullBuffer>) {
    let none = values.contains(&i64::MIN);
    let nulls = none.then(|| values.iter().map(|value| *value != i64::MIN).collect());
    (ScalarBuffer::from(values), nulls)
}

/// Rows of the cells of chunks.
#[derive(Debug)]
pub struct CellsExec {
    cells: Arc<Cells>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CellsExec {
    pub(crate) fn new(cells: Arc<Cells>, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(cell_schema(&cells)),
            input.output_partitioning().clone(),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties);
        Self { cells, input, properties, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// What the rows look like.
    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }
}

impl DisplayAs for CellsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.cells.coords.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.chain([self.cells.name.as_str()]).collect();
        write!(f, "CellsExec: {}", names.join(", "))
    }
}

impl ExecutionPlan for CellsExec {
    fn name(&self) -> &'static str {
        "CellsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(Arc::clone(&self.cells), input))),
            _ => internal_err!("CellsExec has one input"),
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

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let all = crate::array::cells(&self.cells.grid.shape()).unwrap_or(u64::MAX);
        let all = usize::try_from(all).unwrap_or(usize::MAX);
        let parts = self.input.output_partitioning().partition_count().max(1);
        let rows = match args.partition() {
            Some(_) => Precision::Inexact(all.div_ceil(parts)),
            None => Precision::Exact(all),
        };
        Ok(Arc::new(Statistics::new_unknown(&self.schema()).with_num_rows(rows)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let size = context.session_config().batch_size().max(1);
        let input = self.input.execute(partition, context)?;
        let (cells, schema) = (Arc::clone(&self.cells), self.schema());
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = input
            .map(move |batch| {
                let chunks = chunks::rows(&batch?)?;
                let mut all = Vec::new();
                for (number, parts) in chunks {
                    let Some(bytes) = parts.into_iter().next() else { continue };
                    let region = cells.grid.region(&cells.grid.place(number));
                    let values =
                        Tensor::new(cells.dtype, shape_of(&region), bytes).map_err(error)?;
                    all.push((region, values));
                }
                let (cells, schema) = (Arc::clone(&cells), Arc::clone(&schema));
                let batches = all.into_iter().flat_map(move |(region, values)| {
                    let (cells, schema) = (Arc::clone(&cells), Arc::clone(&schema));
                    let count = values.values().len();
                    let starts = (0..count).step_by(size);
                    starts.map(move |from| {
                        rows(&cells, &schema, &region, &values, from..(from + size).min(count))
                    })
                });
                Ok::<_, datafusion::error::DataFusionError>(futures::stream::iter(batches))
            })
            .try_flatten()
            .map(move |batch: Result<RecordBatch>| batch.map(|b| b.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// Some cells of a chunk.
fn rows(
    cells: &Cells,
    schema: &SchemaRef,
    region: &Region,
    values: &Tensor,
    range: Range<usize>,
) -> Result<RecordBatch> {
    let lengths: Vec<usize> = shape_of(region).iter().map(|length| *length as usize).collect();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(lengths.len() + 1);
    for (axis, (place, (_, coord))) in region.iter().zip(&cells.coords).enumerate() {
        // What the places are along this dimension, shown along all others.
        let along = match coord {
            Some(coord) => coord.part(std::slice::from_ref(place)).map_err(error)?,
            None => {
                let places = Block::I64(place.clone().map(|at| at as i64).collect());
                let count = place.end - place.start;
                Tensor::from_block(DType::Plain(crate::array::Kind::I64), vec![count], places)
                    .map_err(error)?
            }
        };
        let strides: Vec<isize> = (0..lengths.len()).map(|at| isize::from(at == axis)).collect();
        let mut out = Block::empty(along.dtype().kind());
        gather(along.values(), 0, &strides, &lengths, (range.start, range.end), &mut out);
        columns.push(match coord {
            Some(coord) => column(coord.dtype(), out),
            None => match out {
                Block::I64(places) => Arc::new(Int64Array::from(places)),
                _ => return internal_err!("places are whole numbers"),
            },
        });
    }
    let part: Slice<'_> = values.values().range(range.start, range.end);
    columns.push(column(cells.dtype, part.to_block()));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}
