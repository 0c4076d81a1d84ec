//! What is done with the values of chunks: pure functions on runs of values of one kind. Nothing here
//! knows of plans, files or threads. Which function does the work is looked up once for a run, never
//! for a value.

mod binary;
mod block;
mod cast;
mod element;
mod number;
mod philox;
mod random;
mod reduce;
mod rounding;
mod select;
mod strided;
mod unary;

pub use binary::Binary;
pub(crate) use binary::BinaryKernel;
pub(crate) use block::each_kind;
pub use block::{Block, Slice};
pub(crate) use cast::cast;
pub use random::Distribution;
pub(crate) use reduce::Accumulator;
pub use reduce::Reduce;
pub(crate) use select::select;
pub(crate) use strided::{append, gather, is_row_major, place, repeated, row_major};
pub use unary::Unary;
pub(crate) use unary::UnaryKernel;
