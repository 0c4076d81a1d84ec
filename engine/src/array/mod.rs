//! N-dimensional arrays in chunks: what a person holds, before anything is computed.

mod allocator;
pub mod buffers;
mod error;
mod extent;
mod grid;
pub(crate) mod huge_pages;
mod kept;
mod kind;
mod memory;
mod ndarray;
mod source;
mod tensor;
mod whole;

pub use error::ArrayError;
pub use extent::Extent;
pub use grid::{Cuts, Grid};
pub(crate) use kept::{Kept, Room, Shelf};
pub use kind::{DType, Kind, Unit};
pub use memory::{Memory, PiecesInMemory};
pub use ndarray::Native;
pub use source::{ArraySource, Form, Pieces};
pub use tensor::{Region, Tensor, cells, shape_of};
pub(crate) use whole::Whole;
