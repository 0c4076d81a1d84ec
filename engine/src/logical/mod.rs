//! Strata's own logical nodes, one a file.

mod array;
mod cells;

pub use array::ArrayNode;
pub(crate) use array::ArrayPlanner;
pub use cells::{CellTable, Nulls, Variable};
