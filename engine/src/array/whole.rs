//! An array in memory that several put together at once: its rows lie in bands, each of which one at a time
//! writes to.
//!
//! ```text
//! band 0 ─ rows 0–3 ──┐
//! band 1 ─ rows 4–7   ├─ one allocation, cut while it is written to, and joined when all is there
//! band 2 ─ rows 8–9 ──┘
//! ```

use std::ops::Range;

use bytes::BytesMut;
use datafusion::arrow::buffer::Buffer;
use parking_lot::Mutex;

use super::error::Result;
use super::huge_pages;
use super::kind::DType;
use super::tensor::{Tensor, shape_of};
use crate::kernels::place_bytes;

/// A band is no smaller: what is small is written at once.
const BAND: usize = 1 << 20;

/// As many bands as make it unlikely that two want the same.
const BANDS: usize = 64;

/// An array that is being put together.
#[derive(Debug)]
pub(crate) struct Whole {
    dtype: DType,
    shape: Vec<u64>,
    /// How many indices of the first dimension a band has; the last may have fewer.
    rows: u64,
    bands: Vec<Mutex<BytesMut>>,
}

impl Whole {
    /// All zeros. There must be the memory for it.
    pub(crate) fn new(dtype: DType, shape: Vec<u64>) -> Self {
        let rows = shape.first().copied().unwrap_or(1);
        let cells: u64 = shape.iter().product();
        let bytes = cells as usize * dtype.width();
        let bands = (bytes / BAND).clamp(1, BANDS) as u64;
        let each = rows.div_ceil(bands).max(1);
        let row = if rows == 0 { 0 } else { bytes / rows as usize };
        // Zeros of the system's, which nobody writes.
        let mut rest = BytesMut::zeroed(bytes);
        huge_pages::ask_for(&mut rest);
        let mut bands = Vec::new();
        for first in (0..rows).step_by(each as usize) {
            let length = each.min(rows - first) as usize * row;
            bands.push(Mutex::new(rest.split_to(length)));
        }
        Self { dtype, shape, rows: each, bands }
    }

    /// Writes a region's values.
    pub(crate) fn put(&self, region: &[Range<u64>], values: &Tensor) {
        let part = shape_of(region);
        let (first, rows) = match region.first() {
            Some(range) => (range.start, range.end - range.start),
            None => (0, 1),
        };
        if rows == 0 {
            return;
        }
        let row = values.data().len() / rows as usize;
        let after = self.shape.get(1..).unwrap_or_default();
        let offset = region.get(1..).unwrap_or_default().iter().map(|range| range.start);
        let mut at = first;
        while at < first + rows {
            let band = at / self.rows;
            let end = (band + 1).saturating_mul(self.rows).min(first + rows);
            let range = (at - first) as usize * row..(end - first) as usize * row;
            let (Some(lock), Some(values)) =
                (self.bands.get(band as usize), values.data().get(range))
            else {
                return;
            };
            let shape = [&[end - at], part.get(1..).unwrap_or_default()].concat();
            let offset: Vec<u64> = std::iter::once(at % self.rows).chain(offset.clone()).collect();
            let mut into = lock.lock();
            let whole = [&[self.rows], after].concat();
            place_bytes(values, &shape, &mut into, &whole, &offset, self.dtype.width());
            at = end;
        }
    }

    /// The array, once all of it has been put.
    pub(crate) fn finish(self) -> Result<Tensor> {
        let mut bands = self.bands.into_iter().map(Mutex::into_inner);
        let mut all = bands.next().unwrap_or_default();
        for band in bands {
            all.unsplit(band);
        }
        Tensor::new(self.dtype, self.shape, Buffer::from(all.freeze()))
    }
}
