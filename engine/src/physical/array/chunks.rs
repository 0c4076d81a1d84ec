//! Chunks as rows: which one it is, and its values. Bytes are shared, not copied.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{
    Array as _, ArrayRef, BinaryViewArray, BinaryViewBuilder, RecordBatch, UInt64Array,
};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::cast::as_uint64_array;
use datafusion::common::{Result, exec_err, internal_datafusion_err, internal_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;

use crate::array::{ArrayError, DType, Grid, Tensor, Whole, shape_of};

/// The number of a chunk, and parts of bytes that belong to it.
pub(crate) fn schema(parts: usize) -> SchemaRef {
    let mut fields = vec![Field::new("chunk", DataType::UInt64, false)];
    fields.extend((0..parts).map(|at| {
        let name = if parts == 1 { "values".to_string() } else { format!("state_{at}") };
        Field::new(name, DataType::BinaryView, false)
    }));
    Arc::new(Schema::new(fields))
}

/// Whether rows are chunks.
pub(crate) fn are_chunks(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.next().is_some_and(|field| field.name() == "chunk")
        && schema.fields().len() > 1
        && fields.all(|field| *field.data_type() == DataType::BinaryView)
}

/// One chunk as a row.
pub(crate) fn row(schema: &SchemaRef, chunk: u64, parts: Vec<Buffer>) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(vec![chunk]))];
    for part in parts {
        let Ok(length) = u32::try_from(part.len()) else {
            return exec_err!(
                "a chunk of {} bytes is too large to be passed on: give chunks of less than 4 GiB with \
                 rechunk(…)",
                part.len()
            );
        };
        let mut builder = BinaryViewBuilder::new();
        let block = builder.append_block(part);
        builder.try_append_view(block, 0, length)?;
        columns.push(Arc::new(builder.finish()));
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// The chunks of a batch: the number of each, and its parts.
pub(crate) fn rows(batch: &RecordBatch) -> Result<Vec<(u64, Vec<Buffer>)>> {
    let Some((numbers, parts)) = batch.columns().split_first() else {
        return internal_err!("chunks came without their numbers");
    };
    let numbers = as_uint64_array(numbers)?;
    let mut rows = Vec::with_capacity(numbers.len());
    for (row, number) in numbers.values().iter().enumerate() {
        let bytes = parts.iter().map(|part| {
            let Some(views) = part.as_any().downcast_ref::<BinaryViewArray>() else {
                return internal_err!("chunks came as {}", part.data_type());
            };
            Ok(bytes_of(views, row))
        });
        rows.push((*number, bytes.collect::<Result<_>>()?));
    }
    Ok(rows)
}

/// The bytes of a row; those that are few lie within the view itself.
fn bytes_of(views: &BinaryViewArray, row: usize) -> Buffer {
    let view = views.views().get(row).copied().unwrap_or_default();
    let length = view as u32 as usize;
    if length > 12 {
        let block = (view >> 64) as u32 as usize;
        let offset = (view >> 96) as u32 as usize;
        if let Some(buffer) = views.data_buffers().get(block) {
            return buffer.slice_with_length(offset, length);
        }
    }
    Buffer::from_slice_ref(views.value(row))
}

/// Chunks put together to the whole array, by as many at once as make them.
pub(crate) struct Assembled {
    dtype: DType,
    grid: Grid,
    all: All,
    left: AtomicU64,
}

enum All {
    /// The only chunk is the array.
    One(OnceLock<Tensor>),
    Many(Whole),
}

impl Assembled {
    pub(crate) fn new(dtype: DType, grid: &Grid) -> Self {
        let chunks = grid.chunks().unwrap_or(u64::MAX);
        let all = match chunks {
            1 => All::One(OnceLock::new()),
            _ => All::Many(Whole::new(dtype, grid.shape())),
        };
        Self { dtype, grid: grid.clone(), all, left: AtomicU64::new(chunks) }
    }

    /// Takes in the chunks of a batch: one part of each.
    pub(crate) fn take(&self, batch: &RecordBatch, part: usize) -> Result<()> {
        for (number, parts) in rows(batch)? {
            let Some(bytes) = parts.into_iter().nth(part) else { continue };
            let region = self.grid.region(&self.grid.place(number));
            let values = Tensor::new(self.dtype, shape_of(&region), bytes).map_err(error)?;
            match &self.all {
                All::One(one) => _ = one.set(values),
                All::Many(whole) => whole.put(&region, &values),
            }
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The whole array.
    pub(crate) fn finish(self) -> Result<Tensor> {
        let left = self.left.into_inner();
        match self.all {
            _ if left > 0 => internal_err!("{left} chunks of an array did not come"),
            All::One(one) => {
                one.into_inner().ok_or_else(|| internal_datafusion_err!("no chunk came"))
            }
            All::Many(whole) => whole.finish().map_err(error),
        }
    }
}

/// What is wrong with an array, on its way through DataFusion.
pub(crate) fn error(error: ArrayError) -> DataFusionError {
    crate::EngineError::from(error).into()
}

/// The same, where what was asked for is at fault.
pub(super) fn asked(reason: String) -> DataFusionError {
    error(ArrayError::Asked(reason))
}

/// The same session's context for what is below an exchange of chunks: exchanges gather batches by their
/// rows, and each row is a chunk.
pub(super) fn one_by_one(context: &TaskContext) -> Arc<TaskContext> {
    Arc::new(TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone().with_batch_size(1),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        context.runtime_env(),
    ))
}

/// Ranges of work: from which number to which, one for each part.
pub(crate) fn keys(all: u64, parts: usize) -> Result<Arc<dyn ExecutionPlan>> {
    ranged(all, 1, parts)
}

fn ranged(all: u64, each: u64, parts: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = key_schema();
    let parts = u64::try_from(parts).unwrap_or(1).clamp(1, all.max(1));
    let bound = |part: u64| (u128::from(all) * u128::from(part) / u128::from(parts)) as u64;
    let mut batches = Vec::new();
    for part in 0..parts {
        let (from, to) = (bound(part) * each, bound(part + 1) * each);
        let columns: Vec<ArrayRef> =
            vec![Arc::new(UInt64Array::from(vec![from])), Arc::new(UInt64Array::from(vec![to]))];
        batches.push(vec![RecordBatch::try_new(Arc::clone(&schema), columns)?]);
    }
    Ok(MemorySourceConfig::try_new_exec(&batches, schema, None)?)
}

/// Ranges of work of which every so many belong to one chunk, cut between chunks.
pub(crate) fn whole_keys(all: u64, chunks: u64, parts: usize) -> Result<Arc<dyn ExecutionPlan>> {
    ranged(chunks, all / chunks.max(1), parts)
}

fn key_schema() -> SchemaRef {
    let field = |name| Field::new(name, DataType::UInt64, false);
    Arc::new(Schema::new(vec![field("from"), field("to")]))
}

/// The ranges of a batch.
pub(crate) fn ranges(batch: &RecordBatch) -> Result<Vec<std::ops::Range<u64>>> {
    let [from, to] = batch.columns() else {
        return internal_err!("ranges of chunks came with {} columns", batch.num_columns());
    };
    let (from, to) = (as_uint64_array(from)?, as_uint64_array(to)?);
    Ok(from.values().iter().zip(to.values()).map(|(from, to)| *from..*to).collect())
}
