//! Where arrays come from.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use super::error::{ArrayError, Result};
use super::extent::Extent;
use super::grid::Grid;
use super::kind::DType;
use super::tensor::Tensor;

/// What an array looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What its values are.
    pub dtype: DType,
    /// How it is cut, and so how large it is.
    pub grid: Grid,
    /// What its dimensions are called, where they have names.
    pub dims: Vec<Option<String>>,
}

impl Form {
    /// How many values there are along each dimension.
    pub fn shape(&self) -> Vec<u64> {
        self.grid.shape()
    }
}

/// A box that is read piece by piece, one after the other along its first dimension.
pub trait Pieces: Send {
    /// The next so many places along the first dimension.
    fn next(&mut self, count: u64) -> Result<Tensor>;

    /// Fails unless the box was all there was.
    fn end(&mut self) -> Result<()>;
}

/// Something that arrays are read from: a Zarr array, a file, values in memory.
#[async_trait]
pub trait ArraySource: Debug + Send + Sync {
    /// What is there. Its chunks are what can be read without reading more than is asked for.
    fn form(&self) -> &Form;

    /// What messages and plans call it, as in `cube.zarr/temp`.
    fn title(&self) -> String;

    /// The values of a box that lies within the shape. Reads no more chunks than the box touches, and
    /// where the box is one chunk, hands out what was decoded, without a copy.
    async fn read(&self, region: &[Range<u64>]) -> Result<Tensor>;

    /// Whether a part of a chunk takes no longer to read than its own bytes: values in memory, or stored as
    /// they are.
    fn reads_parts(&self) -> bool {
        false
    }

    /// Bytes that it takes at most to read a box piece by piece along its first dimension, beside the pieces;
    /// none where it can only be read at once.
    fn piecewise(&self, region: &[Range<u64>]) -> Option<u64> {
        let _ = region;
        None
    }

    /// Starts reading a box for which [`piecewise`](Self::piecewise) says what it takes.
    async fn pieces(&self, region: &[Range<u64>]) -> Result<Box<dyn Pieces>> {
        let reason = format!("{region:?} cannot be read piece by piece");
        Err(ArrayError::Source { array: self.title(), reason })
    }

    /// Bytes that reading a box takes at most beside its values: what is stored of them, and chunks of which
    /// only a part is wanted.
    fn beside(&self, region: &[Range<u64>]) -> u64 {
        let _ = region;
        0
    }

    /// What the values of a box lie between, where they were seen before and have not changed since.
    async fn extent(&self, region: &[Range<u64>]) -> Option<Extent> {
        let _ = region;
        None
    }

    /// The same values, whose [`extent`](Self::extent) is remembered of what is read; none where nobody would.
    fn noting(&self) -> Option<Arc<dyn ArraySource>> {
        None
    }

    /// Bytes that it keeps in memory of what was read, at most, for who reads it next.
    fn keeps(&self) -> u64 {
        0
    }

    /// What tells this content from another at the same place: etags, sizes and times.
    fn version(&self) -> String {
        String::new()
    }

    /// What tells it from all other sources of its kind, in every process; none where only itself is the same.
    fn identity(&self) -> Option<Vec<u8>> {
        None
    }

    /// The URL of the folder or file that it is read from; none where it is in memory.
    fn location(&self) -> Option<String> {
        None
    }

    /// The name by which other processes know how to read its bytes.
    fn wire_name(&self) -> &'static str;

    /// What another process needs to read the same.
    fn to_wire(&self) -> Result<Vec<u8>>;
}
