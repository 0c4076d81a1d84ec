//! Strata's own logical nodes, one a file.

mod array;

pub use array::ArrayNode;
pub(crate) use array::ArrayPlanner;
