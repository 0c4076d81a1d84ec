//! The one codec. What DataFusion and Ballista can turn into bytes, they do; whatever else a plan of
//! ours holds is a node that is registered here, by a name and a version. A process that does not know
//! the name, or knows another version of it, says so and does not guess.
//!
//! A table crosses as its scan: which files, which rows in memory, which series. Whoever makes the plan
//! looks at the table once, and all workers read the same.

mod codec;
mod registry;
mod scanned;
mod settings;

pub use registry::{FindsSource, Wire, WireLink, WireNode};
pub(crate) use scanned::{ScannedTable, project};
pub(crate) use settings::{differing, overlaid};

use std::sync::Arc;

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::bytes::{
    logical_plan_from_bytes_with_extension_codec, logical_plan_to_bytes_with_extension_codec,
    physical_plan_from_bytes_with_extension_codec, physical_plan_to_bytes_with_extension_codec,
};

use codec::{LogicalCodec, PhysicalCodec};

impl Wire {
    /// What a session's extensions registered.
    pub fn of(session: &SessionContext) -> Arc<Self> {
        session.state_ref().read().config().get_extension::<Self>().unwrap_or_default()
    }

    /// A logical plan as bytes. Its tables must be scans already.
    pub fn logical_to_bytes(self: &Arc<Self>, plan: &LogicalPlan) -> Result<Bytes> {
        logical_plan_to_bytes_with_extension_codec(plan, &LogicalCodec(Arc::clone(self)))
    }

    /// A logical plan from bytes.
    pub fn logical_from_bytes(
        self: &Arc<Self>,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<LogicalPlan> {
        let codec = LogicalCodec(Arc::clone(self));
        logical_plan_from_bytes_with_extension_codec(bytes, context, &codec)
    }

    /// A physical plan as bytes.
    pub fn physical_to_bytes(self: &Arc<Self>, plan: Arc<dyn ExecutionPlan>) -> Result<Bytes> {
        physical_plan_to_bytes_with_extension_codec(plan, &PhysicalCodec(Arc::clone(self)))
    }

    /// A physical plan from bytes.
    pub fn physical_from_bytes(
        self: &Arc<Self>,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let codec = PhysicalCodec(Arc::clone(self));
        physical_plan_from_bytes_with_extension_codec(bytes, context, &codec)
    }
}

/// A schema as bytes.
pub(crate) fn schema_to_bytes(schema: &SchemaRef) -> Result<Vec<u8>> {
    Ok(StreamWriter::try_new(Vec::new(), schema)?.into_inner()?)
}

/// A schema from bytes.
pub(crate) fn schema_from_bytes(bytes: &[u8]) -> Result<SchemaRef> {
    Ok(StreamReader::try_new(std::io::Cursor::new(bytes), None)?.schema())
}

/// A column as bytes.
pub(crate) fn column_to_bytes(values: &ArrayRef) -> Result<Vec<u8>> {
    let batch = RecordBatch::try_from_iter_with_nullable([("", Arc::clone(values), true)])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

/// A column from bytes.
pub(crate) fn column_from_bytes(bytes: &[u8]) -> Result<ArrayRef> {
    let mut batches = StreamReader::try_new(std::io::Cursor::new(bytes), None)?;
    match (batches.next().transpose()?, batches.next()) {
        (Some(batch), None) if batch.num_columns() == 1 => Ok(Arc::clone(batch.column(0))),
        _ => internal_err!("a column came otherwise than as one batch"),
    }
}
