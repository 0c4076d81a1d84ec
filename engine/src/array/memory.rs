//! An array whose values are in memory.

use std::ops::Range;

use async_trait::async_trait;
use datafusion::execution::memory_pool::MemoryReservation;

use super::buffers;
use super::error::{ArrayError, Result};
use super::extent::Extent;
use super::grid::Grid;
use super::kind::DType;
use super::source::{ArraySource, Form, Pieces};
use super::tensor::{Region, Tensor, cells, shape_of};
use crate::kernels::{gather, is_row_major, row_major};

/// So many values are gone through to know what they lie between.
const FEW: u64 = 4096;

/// Values in memory, and how they are cut.
#[derive(Debug)]
pub struct Memory {
    values: Tensor,
    form: Form,
    /// What they take, where somebody counts it.
    _held: Option<MemoryReservation>,
}

impl Memory {
    /// The name of these on the wire.
    pub const WIRE: &'static str = "memory";

    /// Values, cut like this.
    pub fn new(values: Tensor, grid: Grid) -> Self {
        let dims = vec![None; values.shape().len()];
        Self { form: Form { dtype: values.dtype(), grid, dims }, values, _held: None }
    }

    /// The same, which are counted as long as they are there.
    pub(crate) fn counted(self, held: MemoryReservation) -> Self {
        Self { _held: Some(held), ..self }
    }

    /// The values.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// From what [`to_wire`](ArraySource::to_wire) gave.
    pub fn from_wire(bytes: &[u8]) -> Result<Self> {
        let unread = || ArrayError::asked("values in memory came in bytes that are not ours");
        let length = bytes.first_chunk::<8>().ok_or_else(unread)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| unread())?;
        let rest = bytes.get(8..).ok_or_else(unread)?;
        let (head, values) = rest.split_at_checked(length).ok_or_else(unread)?;
        let (dtype, grid): (DType, Grid) = serde_json::from_slice(head).map_err(|_| unread())?;
        let values = datafusion::arrow::buffer::Buffer::from(values.to_vec());
        let shape = grid.shape();
        Ok(Self::new(Tensor::new(dtype, shape, values)?, grid))
    }
}

#[async_trait]
impl ArraySource for Memory {
    fn form(&self) -> &Form {
        &self.form
    }

    fn title(&self) -> String {
        "memory".to_string()
    }

    async fn read(&self, region: &[Range<u64>]) -> Result<Tensor> {
        self.values.shown(region)
    }

    fn reads_parts(&self) -> bool {
        true
    }

    fn piecewise(&self, _: &[Range<u64>]) -> Option<u64> {
        Some(0)
    }

    async fn pieces(&self, region: &[Range<u64>]) -> Result<Box<dyn Pieces>> {
        Ok(Box::new(PiecesInMemory::new(self.values.clone(), region.to_vec())))
    }

    async fn extent(&self, region: &[Range<u64>]) -> Option<Extent> {
        let few = cells(&shape_of(region)).is_some_and(|cells| cells <= FEW);
        if few { Extent::of(self.values.shown(region).ok()?.values()) } else { None }
    }

    fn wire_name(&self) -> &'static str {
        Self::WIRE
    }

    fn to_wire(&self) -> Result<Vec<u8>> {
        let unsent = |error: serde_json::Error| ArrayError::asked(error.to_string());
        let head = serde_json::to_vec(&(self.form.dtype, &self.form.grid)).map_err(unsent)?;
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(self.values.data());
        Ok(bytes)
    }
}

/// A box within values in memory, piece by piece: a piece whose values lie in a row is a part of them.
pub struct PiecesInMemory {
    values: Tensor,
    left: Region,
}

impl PiecesInMemory {
    /// A box that lies within the values.
    pub fn new(values: Tensor, region: Region) -> Self {
        Self { values, left: region }
    }
}

impl Pieces for PiecesInMemory {
    fn next(&mut self, count: u64) -> Result<Tensor> {
        let mut piece = self.left.clone();
        if let (Some(piece), Some(left)) = (piece.first_mut(), self.left.first_mut()) {
            piece.end = left.start.saturating_add(count).min(left.end);
            left.start = piece.end;
        }
        self.values.shown(&piece)
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Tensor {
    /// The values of a box within these, which they are still a part of where they lie in a row.
    pub fn shown(&self, region: &[Range<u64>]) -> Result<Self> {
        let lengths = |shape: &[u64]| shape.iter().map(|n| *n as usize).collect::<Vec<_>>();
        let strides = row_major(&lengths(self.shape()));
        let shape = shape_of(region);
        let part = lengths(&shape);
        if !is_row_major(&part, &strides) || part.contains(&0) {
            return self.part(region);
        }
        let width = self.dtype().width();
        let starts = region.iter().zip(&strides);
        let first: usize =
            starts.map(|(range, stride)| range.start as usize * stride.unsigned_abs()).sum();
        let length = part.iter().product::<usize>() * width;
        Self::new(self.dtype(), shape, self.data().slice_with_length(first * width, length))
    }

    /// The values of a box within these, in memory of their own unless they are all.
    pub fn part(&self, region: &[Range<u64>]) -> Result<Self> {
        let shape = shape_of(region);
        if region.iter().zip(self.shape()).all(|(range, length)| *range == (0..*length)) {
            return Ok(self.clone());
        }
        let lengths = |shape: &[u64]| shape.iter().map(|n| *n as usize).collect::<Vec<_>>();
        let (whole, part) = (lengths(self.shape()), lengths(&shape));
        let strides = row_major(&whole);
        let starts = region.iter().zip(&strides);
        let first: usize =
            starts.map(|(range, stride)| range.start as usize * stride.unsigned_abs()).sum();
        let count = part.iter().product();
        let mut out = buffers::room(self.dtype().kind(), count);
        gather(self.values(), first, &strides, &part, (0, count), &mut out);
        Self::from_block(self.dtype(), shape, out)
    }
}
