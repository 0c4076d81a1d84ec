//! Writing Zarr v3, and adding to what is there.
//!
//! ```text
//! spec    what an array is like    stage   where it is while it is written
//! array   its chunks               store   the whole, which appears at the end
//! ```

mod array;
mod spec;
mod stage;
mod store;

pub use array::ArrayWriter;
pub use spec::{ArraySpec, Compression, Kept};
pub use store::{Existing, StoreWriter};

#[cfg(test)]
mod tests;
