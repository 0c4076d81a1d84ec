//! Zarr: n-dimensional arrays in chunks, each an object of a store
//! (<https://zarr-specs.readthedocs.io>). Versions 2 and 3, sharded or not, in folders, object stores
//! and ZIP archives.
//!
//! ```text
//! place      where it lies: folder or archive; every read passes there, and is counted
//! archive    reading from an archive;  zip: what its directory says
//! metadata   the documents of a node;  json, values, v2, v3: what they say, as a layout
//! gate       what an array may claim: sizes that can be counted, codecs that are known
//! codecs     from stored bytes to values and back
//! chunks     the reads that bring chunks; shard: the index of several in one object
//! pieces     a chunk that is decoded as it is needed
//! array      boxes of values;  hierarchy: arrays and groups
//! write      arrays and groups that appear when they are complete
//! ```
//!
//! Files come from anywhere. What is read is counted before memory is taken for it, and what is wrong
//! with one chunk is an error that names it.

mod archive;
mod array;
mod boxes;
mod chunks;
mod codecs;
mod dataset;
mod gate;
mod hierarchy;
mod json;
mod layout;
mod metadata;
mod pieces;
mod place;
mod pool;
mod save;
mod shard;
mod v2;
mod v3;
mod values;
mod write;
mod zip;

pub use array::ZarrArray;
pub(crate) use dataset::store_of;
pub use dataset::{Opened, Variables, variables};
pub use hierarchy::{Group, Node, open};
pub use place::Place;
pub use save::{Saved, save};
pub use write::{ArraySpec, ArrayWriter, Compression, Existing, StoreWriter};

#[cfg(test)]
mod tests;
