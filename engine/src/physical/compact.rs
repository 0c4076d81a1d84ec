//! Frees batches of texts from buffers they show little of.
//!
//! A batch of views holds every buffer that any of its rows points into: after a merge of sorted
//! runs, a piece of each. Whoever keeps several such batches is charged for all of them, again and
//! again, and is refused memory that nobody uses.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, GenericByteViewArray, RecordBatch};
use datafusion::arrow::datatypes::{ByteViewType, DataType};
use datafusion::common::Result;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::pass_through::{PassThroughExec, Step};
use crate::wire::{WireLink, WireNode};

/// Passes its input's rows on in buffers of their own.
pub type CompactExec = PassThroughExec<Compact>;

/// The step of [`CompactExec`].
#[derive(Debug)]
pub struct Compact;

impl CompactExec {
    /// Compacts what `input` makes.
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        Self::over(input, Compact)
    }
}

impl Step for Compact {
    const NAME: &'static str = "CompactExec";

    fn pass(
        &self,
        _: &Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        rows.map(|batch| compact(&batch?)).boxed()
    }

    fn renew(&self) -> Self {
        Self
    }
}

/// [`CompactExec`] on the wire.
#[derive(Debug)]
pub(super) struct CompactWire;

impl WireNode for CompactWire {
    fn name(&self) -> &'static str {
        "strata.compact"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        Ok(node.downcast_ref::<CompactExec>().map(|_| Vec::new()))
    }

    fn decode(
        &self,
        _: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(CompactExec::new(super::only(inputs)?)))
    }
}

/// Texts as views may hold far more than they show, and what they hold is counted with every batch
/// that shares it: those are copied.
pub(super) fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => {
            let views = column.as_string_view();
            if is_sparse(views) { Arc::new(views.gc()) } else { Arc::clone(column) }
        }
        DataType::BinaryView => {
            let views = column.as_binary_view();
            if is_sparse(views) { Arc::new(views.gc()) } else { Arc::clone(column) }
        }
        _ => Arc::clone(column),
    });
    Ok(RecordBatch::try_new(batch.schema(), columns.collect())?)
}

fn is_sparse<T: ByteViewType>(views: &GenericByteViewArray<T>) -> bool {
    let held: usize = views.data_buffers().iter().map(|buffer| buffer.len()).sum();
    held > 2 * views.total_buffer_bytes_used()
}
