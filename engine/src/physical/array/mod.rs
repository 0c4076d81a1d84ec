//! The operators that arrays are computed by. Their rows are chunks, or pieces of chunks.
//!
//! ```text
//! array ─▶ lower ─▶ MapChunks                                  each chunk by itself
//!                   MapChunks(fold) ─▶ exchange ─▶ CombineChunks   many brought to one
//!                   ScatterChunks ─▶ exchange ─▶ GatherChunks      what is read, for chunks that lie otherwise
//! ```

/// What all operators on chunks say of themselves: their name, and no expression that another may look into.
macro_rules! operator_on_chunks {
    ($name:literal) => {
        fn name(&self) -> &'static str {
            $name
        }

        fn properties(&self) -> &Arc<PlanProperties> {
            &self.properties
        }

        fn apply_expressions(
            &self,
            _: &mut dyn FnMut(
                &datafusion::physical_expr::PhysicalExprRef,
            ) -> Result<datafusion::common::tree_node::TreeNodeRecursion>,
        ) -> Result<datafusion::common::tree_node::TreeNodeRecursion> {
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        }

        fn metrics(&self) -> Option<datafusion::physical_plan::metrics::MetricsSet> {
            Some(self.metrics.clone_inner())
        }
    };
}

mod cell_rows;
mod cells;
mod chunks;
mod columns;
mod combine;
mod computed;
mod exchange;
mod fit;
mod fold;
mod gather;
mod given;
mod keep;
mod look_up;
mod lower;
mod map;
mod pieces;
mod scatter;
mod shared;
mod shares;
mod sought;
mod tensors;
mod turn;
mod wire;
mod work;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;

pub use cell_rows::CellsExec;
pub use cells::PlaceColumn;
pub(crate) use cells::{Cells, NullsOf, ValueColumn, cell_schema};
pub(crate) use chunks::{Assembled, are_chunks};
pub use columns::coordinate_column;
pub(crate) use columns::data_type;
pub use combine::CombineChunksExec;
pub(crate) use computed::Computed;
pub(crate) use exchange::Thresholds;
pub(crate) use fit::{Beside, fitting, keeps, takes};
pub use gather::GatherChunksExec;
pub(crate) use gather::waiting;
pub(crate) use look_up::LookUp;
pub use look_up::LookUpExec;
pub(crate) use lower::Limits;
pub use map::MapChunksExec;
pub use scatter::ScatterChunksExec;
pub use shared::SharedExec;
pub(crate) use sought::PlaceKey;
pub use tensors::tensor_field;
pub(super) use wire::{
    CellsWire, CombineChunksWire, GatherChunksWire, LookUpWire, MapChunksWire, ScatterChunksWire,
    SharedWire,
};
pub(crate) use wire::{array_from, cells_from, cells_to};

/// The chunks of a batch: the number of each, and its bytes.
pub(crate) fn chunk_rows(batch: &RecordBatch) -> Result<Vec<(u64, Buffer)>> {
    let rows = chunks::rows(batch)?.into_iter();
    Ok(rows.filter_map(|(number, parts)| Some((number, parts.into_iter().next()?))).collect())
}

/// What chunks look like as rows.
pub(crate) fn chunk_schema() -> SchemaRef {
    chunks::schema(1)
}
