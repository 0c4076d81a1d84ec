//! Values in memory, and where they belong.

use std::ops::Range;

use datafusion::arrow::buffer::Buffer;

use super::buffers;
use super::error::{ArrayError, Result};
use super::kind::{DType, Kind};
use crate::kernels::{Block, Slice, each_kind};

/// A box within an array: a range along each dimension.
pub type Region = Vec<Range<u64>>;

/// How many cells a shape has; none beyond what can be counted.
pub fn cells(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1_u64, |cells, length| cells.checked_mul(*length))
}

/// The shape of a region.
pub fn shape_of(region: &[Range<u64>]) -> Vec<u64> {
    region.iter().map(|range| range.end.saturating_sub(range.start)).collect()
}

/// Values of a box, the last dimension running fastest. Clones share the values.
#[derive(Debug, Clone)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<u64>,
    data: Buffer,
}

impl Tensor {
    /// Values of this shape, from their bytes in this machine's order. They must be as many as the
    /// shape has cells.
    pub fn new(dtype: DType, shape: Vec<u64>, data: Buffer) -> Result<Self> {
        let cells = cells(&shape).and_then(|cells| cells.checked_mul(dtype.width() as u64));
        if cells != Some(data.len() as u64) {
            return Err(ArrayError::asked(format!(
                "{} bytes are no {shape:?} values of {dtype}",
                data.len()
            )));
        }
        // Whoever looks at them as numbers finds them at an address that numbers have.
        let data = match data.as_ptr().align_offset(dtype.width()) {
            0 => data,
            _ => Buffer::from_slice_ref(data.as_slice()),
        };
        Ok(Self { dtype, shape, data })
    }

    /// Values of this shape.
    pub fn from_block(dtype: DType, shape: Vec<u64>, block: Block) -> Result<Self> {
        let kind = block.kind();
        let data = buffers::shared(block);
        if kind != dtype.kind() {
            return Err(ArrayError::asked(format!("{kind} are no values of {dtype}")));
        }
        Self::new(dtype, shape, data)
    }

    /// What the values are.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many there are along each dimension.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Their bytes, in this machine's order.
    pub fn data(&self) -> &Buffer {
        &self.data
    }

    /// The values.
    pub fn values(&self) -> Slice<'_> {
        macro_rules! typed {
            ($($kind:ident: $type:ty),*) => {
                match self.dtype.kind() {
                    $(Kind::$kind => Slice::$kind(self.data.typed_data()),)*
                }
            };
        }
        each_kind!(typed)
    }

    /// The same values in another shape of as many cells.
    pub fn reshaped(self, shape: Vec<u64>) -> Result<Self> {
        Self::new(self.dtype, shape, self.data)
    }

    /// The same bytes, meaning something else of the same kind.
    pub fn meaning(self, dtype: DType) -> Result<Self> {
        Self::new(dtype, self.shape, self.data)
    }
}
