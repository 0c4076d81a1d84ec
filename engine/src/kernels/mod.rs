//! What is done with the values of chunks: pure functions on runs of values of one kind. Nothing here
//! knows of plans, files or threads. Which function does the work is looked up once for a run, never
//! for a value.

/// Something that is compiled for the vectors that there are, too, and done by these.
macro_rules! by_vectors {
    ($does:expr) => {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || $does,
        )
    };
}

mod binary;
mod block;
mod cast;
mod digitize;
mod element;
mod floats;
mod fourier;
mod lanes;
mod matrix;
mod near;
mod number;
mod packed;
mod philox;
mod random;
mod reduce;
mod rounding;
mod select;
mod strided;
mod summary;
mod unary;

pub use binary::Binary;
pub(crate) use binary::BinaryKernel;
pub(crate) use block::each_kind;
pub use block::{Block, Slice};
pub(crate) use cast::cast;
pub(crate) use digitize::{digitize, falling};
pub(crate) use floats::Floats;
pub(crate) use fourier::{
    Fourier, Moved, correlate, correlate_beside, transform, transform_beside,
};
pub(crate) use lanes::Lanes;
pub use lanes::{Interpolation, Scan};
pub(crate) use lanes::{Shape, along, scan, totals};
pub(crate) use matrix::{Dense, Lie, bases, product, product_beside, triangles};
pub use near::Moving;
pub(crate) use near::{Lies, Near};
pub use packed::Bits;
pub(crate) use packed::{pack, unpack};
pub use random::Distribution;
pub(crate) use reduce::Accumulator;
pub use reduce::Reduce;
pub(crate) use select::select;
pub(crate) use strided::{
    append, append_bits, gather, is_row_major, of_bits, place, place_bytes, repeated, row_major,
};
pub(crate) use summary::{Becomes, Edges, Folded, Grouped, Summary};
pub use unary::Unary;
pub(crate) use unary::UnaryKernel;
