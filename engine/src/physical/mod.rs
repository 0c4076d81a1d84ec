//! Strata's own physical operators, one a file.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};
use datafusion::physical_plan::ExecutionPlan;

mod atomic_write;
mod cells;
mod chunk_wire;
mod chunks;
mod combine_chunks;
mod compact;
mod diagnosed;
mod fold;
mod lower;
mod map_chunks;
mod packed;
mod pass_through;
mod skim;
mod verified;
mod window_by_partition;

pub use atomic_write::AtomicWriteExec;
pub(crate) use cells::{Cells, cell_schema};
pub use cells::{CellsExec, coordinate_column};
pub(crate) use chunk_wire::{array_from, cells_from, cells_to};
pub use combine_chunks::CombineChunksExec;
pub use compact::CompactExec;
pub use diagnosed::DiagnosedExec;
pub(crate) use lower::{Limits, lower};
pub use map_chunks::MapChunksExec;
pub use packed::PackedExec;
pub use skim::SkimExec;
pub use verified::VerifiedExec;
pub use window_by_partition::WindowByPartitionExec;

use std::sync::Arc;

use crate::wire::WireNode;

/// What of these crosses the wire.
pub(crate) fn wire() -> [Arc<dyn WireNode>; 6] {
    [
        Arc::new(chunk_wire::CellsWire),
        Arc::new(chunk_wire::CombineChunksWire),
        Arc::new(chunk_wire::MapChunksWire),
        Arc::new(compact::CompactWire),
        Arc::new(packed::PackedWire),
        Arc::new(window_by_partition::WindowByPartitionWire),
    ]
}

pub(crate) use chunks::Assembled;

/// The chunks of a batch: the number of each, and its bytes.
pub(crate) fn chunk_rows(batch: &RecordBatch) -> Result<Vec<(u64, Buffer)>> {
    let rows = chunks::rows(batch)?.into_iter();
    Ok(rows.filter_map(|(number, parts)| Some((number, parts.into_iter().next()?))).collect())
}

/// What chunks look like as rows.
pub(crate) fn chunk_schema() -> SchemaRef {
    chunks::schema(1)
}

/// The one input of a node that came over the wire.
fn only(inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
    match inputs {
        [input] => Ok(Arc::clone(input)),
        _ => internal_err!("a node with one input came with {}", inputs.len()),
    }
}
