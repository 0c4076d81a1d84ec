//! Strata's own physical operators, one a file.

use datafusion::common::{Result, internal_err};
use datafusion::physical_plan::ExecutionPlan;

mod array;
mod atomic_write;
mod compact;
mod diagnosed;
mod packed;
mod pass_through;
mod skim;
mod verified;
mod window_by_partition;

pub(crate) use array::{
    Assembled, Beside, Cells, Computed, Limits, LookUp, NullsOf, PlaceKey, Thresholds, ValueColumn,
    are_chunks, array_from, cell_schema, cells_from, cells_to, chunk_rows, chunk_schema, data_type,
    fitting, keeps, takes, waiting,
};
pub use array::{
    CellsExec, CombineChunksExec, GatherChunksExec, LookUpExec, MapChunksExec, PlaceColumn,
    ScatterChunksExec, SharedExec, coordinate_column, tensor_field,
};
pub use atomic_write::AtomicWriteExec;
pub use compact::CompactExec;
pub use diagnosed::DiagnosedExec;
pub use packed::PackedExec;
pub use skim::SkimExec;
pub use verified::VerifiedExec;
pub use window_by_partition::WindowByPartitionExec;

use std::sync::Arc;

use crate::wire::WireNode;

/// What of these crosses the wire.
pub(crate) fn wire() -> [Arc<dyn WireNode>; 10] {
    [
        Arc::new(array::CellsWire),
        Arc::new(array::CombineChunksWire),
        Arc::new(array::GatherChunksWire),
        Arc::new(array::LookUpWire),
        Arc::new(array::MapChunksWire),
        Arc::new(array::ScatterChunksWire),
        Arc::new(array::SharedWire),
        Arc::new(compact::CompactWire),
        Arc::new(packed::PackedWire),
        Arc::new(window_by_partition::WindowByPartitionWire),
    ]
}

/// The one input of a node that came over the wire.
fn only(inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
    match inputs {
        [input] => Ok(Arc::clone(input)),
        _ => internal_err!("a node with one input came with {}", inputs.len()),
    }
}
