//! Zarr: n-dimensional arrays in chunks, each an object of a store
//! (<https://zarr-specs.readthedocs.io>). Versions 2 and 3, sharded or not, in folders, object stores
//! and ZIP archives.
//!
//! ```text
//! metadata   the documents of a node;  json, values, v2, v3: what they say, as a layout
//! gate       what an array may claim: sizes that can be counted, codecs that are known
//! codecs     from stored bytes to values and back
//! chunks     the reads that bring chunks; shard: the index of several in one object
//! cf         what numbers mean: scales, missing values;  since: times;  encode: the way back
//! pieces     a chunk that is decoded as it is needed
//! array      boxes of values;  hierarchy: arrays and groups
//! write      arrays and groups that appear when they are complete;  save: what is computed, into them
//! ```
//!
//! Files come from anywhere. What is read is counted before memory is taken for it, and what is wrong
//! with one chunk is an error that names it.

mod array;
mod cf;
mod chunks;
mod codecs;
mod dataset;
mod encode;
mod gate;
mod hierarchy;
mod json;
mod layout;
mod metadata;
mod pieces;
mod save;
mod seen;
mod shard;
mod since;
mod v2;
mod v3;
mod values;
mod write;

pub use crate::chunked::place::Place;
use crate::chunked::{boxes, place};
pub use array::ZarrArray;
pub(crate) use codecs::InMemory;
pub use dataset::{Opened, Variables, variables};
pub(crate) use dataset::{located, store_of, store_to_write};
pub use hierarchy::{Group, Node, open};
pub use save::{Lengths, Mode, Saved, Saves, Saving, Start, save};
pub(crate) use values::Stored;
pub use write::{ArraySpec, ArrayWriter, Compression, Existing, Kept, StoreWriter};

#[cfg(test)]
mod damaged;
#[cfg(test)]
mod tests;
