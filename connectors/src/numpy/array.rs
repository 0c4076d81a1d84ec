//! The values of a `.npy` file that is read from, by ranges.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use strata_engine::{
    ArrayError, ArraySource, DType, Form, Grid, Kind, Region, Tensor, cells, cut_evenly, shape_of,
};
use url::Url;

use super::header::Header;
use crate::chunked::boxes;
use crate::chunked::place::{Part, Place};
use strata_engine::buffers;

/// How many reads are on their way at a time.
const AT_ONCE: usize = 4;

/// As much more than what is asked for is read where that saves reads.
const SLACK: u64 = 1 << 20;

/// The values of a file in the order they lie there: the last dimension runs fastest. Those in the order
/// of Fortran have their dimensions the other way round here.
#[derive(Clone)]
pub struct NpyArray {
    place: Place,
    header: Header,
    form: Form,
    version: String,
}

/// What another process must know to read the same.
#[derive(Serialize, Deserialize)]
struct OnTheWire {
    url: String,
    path: String,
    version: String,
    whole: bool,
    header: Header,
}

impl NpyArray {
    /// The name by which other processes know it.
    pub const WIRE_NAME: &'static str = "npy";

    /// `whole` for a file of which no part can be read without the rest.
    pub(super) fn new(place: Place, mut header: Header, version: String, whole: bool) -> Self {
        if header.fortran {
            header.fortran = false;
            header.shape.reverse();
        }
        let (shape, dtype) = (&header.shape, header.dtype);
        let grid = if whole { Grid::whole(shape) } else { cut_evenly(shape, dtype) };
        let form = Form { dtype, grid, dims: vec![None; shape.len()] };
        Self { place, header, form, version }
    }

    /// Reads what [`ArraySource::to_wire`] wrote, with the store of a URL.
    pub fn from_wire(
        bytes: &[u8],
        resolve: impl FnOnce(&Url) -> Result<Arc<dyn ObjectStore>, ArrayError>,
    ) -> Result<Self, ArrayError> {
        let unread =
            |reason: String| ArrayError::asked(format!("a .npy file came over damaged: {reason}"));
        let told: OnTheWire =
            serde_json::from_slice(bytes).map_err(|error| unread(error.to_string()))?;
        if told.header.end().is_none() {
            return Err(unread(format!("a shape of {:?}", told.header.shape)));
        }
        let url = Url::parse(&told.url).map_err(|error| unread(error.to_string()))?;
        let place = Place::within(&url, resolve(&url)?, &told.path)?;
        Ok(Self::new(place, told.header, told.version, told.whole))
    }

    fn width(&self) -> u64 {
        self.header.dtype.width() as u64
    }

    fn fault(&self, reason: impl ToString) -> ArrayError {
        ArrayError::Source { array: self.title(), reason: reason.to_string() }
    }

    /// The box that lies in a row in the file and holds this one.
    fn row(&self, region: &[Range<u64>]) -> Region {
        let first = region.iter().position(|range| range.end - range.start > 1);
        let kept = first.map_or(region.len(), |first| first + 1);
        let whole = self.header.shape.iter().map(|length| 0..*length);
        region.iter().take(kept).cloned().chain(whole.skip(kept)).collect()
    }

    /// Boxes that are each read at once: of rows that hold not much else than what is asked for.
    fn pieces(&self, region: &[Range<u64>]) -> Vec<Region> {
        let bytes = |region: &[Range<u64>]| {
            cells(&shape_of(region)).unwrap_or(u64::MAX).saturating_mul(self.width())
        };
        let (mut pieces, mut left) = (Vec::new(), vec![region.to_vec()]);
        while let Some(piece) = left.pop() {
            let along = piece.iter().position(|range| range.end - range.start > 1);
            let much =
                bytes(&self.row(&piece)) > bytes(&piece).saturating_mul(2).saturating_add(SLACK);
            match along {
                Some(along) if much => {
                    let (mut first, mut second) = (piece.clone(), piece);
                    if let (Some(a), Some(b)) = (first.get_mut(along), second.get_mut(along)) {
                        let middle = a.start + (a.end - a.start) / 2;
                        (a.end, b.start) = (middle, middle);
                    }
                    left.extend([first, second]);
                }
                _ => pieces.push(piece),
            }
        }
        pieces
    }

    /// The values of a box that lies in a row.
    async fn fetch(&self, row: &[Range<u64>]) -> Result<Bytes, ArrayError> {
        let along = row.iter().zip(&self.header.shape);
        let first = along.fold(0, |at, (range, length)| at * length + range.start);
        let count = cells(&shape_of(row)).unwrap_or(u64::MAX).saturating_mul(self.width());
        // It lies within what can be counted: the whole shape does.
        let start = self.header.start + first * self.width();
        let range = start..start.saturating_add(count);
        let found = self.place.read("", Part::Range(range.clone()), count).await;
        let found = found.map_err(|error| self.fault(error))?;
        let found = found.ok_or_else(|| self.fault("it is gone"))?;
        if found.version != self.version {
            return Err(self.fault("it was replaced while it was read: run the query again"));
        }
        if found.bytes.len() as u64 != count {
            let got = found.bytes.len();
            return Err(self.fault(format!(
                "it ends within its values: {count} bytes are wanted from {start} on, and {got} are there"
            )));
        }
        self.decoded(found.bytes)
    }

    /// Stored bytes as values of this machine.
    fn decoded(&self, bytes: Bytes) -> Result<Bytes, ArrayError> {
        let width = self.header.dtype.width();
        let swaps = self.header.big != cfg!(target_endian = "big") && width > 1;
        let times = self.header.times != 1;
        let truths =
            self.header.dtype == DType::Plain(Kind::Bool) && bytes.iter().any(|byte| *byte > 1);
        if !swaps && !times && !truths {
            return Ok(bytes);
        }
        let mut values = buffers::take(bytes.len());
        values.copy_from_slice(&bytes);
        drop(bytes);
        if swaps {
            values.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        if truths {
            values.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
        if times {
            for value in values.as_chunks_mut::<8>().0 {
                let stored = i64::from_ne_bytes(*value);
                let time = if stored == i64::MIN {
                    Some(stored)
                } else {
                    stored.checked_mul(self.header.times)
                };
                let time = time.ok_or_else(|| {
                    self.fault(format!(
                        "its time {stored} is beyond what {} can count",
                        self.header.dtype
                    ))
                })?;
                *value = time.to_ne_bytes();
            }
        }
        Ok(buffers::share(values))
    }

    /// The values of a box, of a row that holds it.
    fn cut(
        &self,
        region: &[Range<u64>],
        (row, values): (&[Range<u64>], &[u8]),
        (to, shape, start): (&mut [u8], &[u64], &[u64]),
    ) {
        let from: Vec<u64> = region.iter().zip(row).map(|(a, b)| a.start - b.start).collect();
        let row = shape_of(row);
        boxes::copy(
            self.header.dtype.width(),
            &shape_of(region),
            (values, &row, &from),
            (to, shape, start),
        );
    }
}

impl fmt::Debug for NpyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NpyArray").field("title", &self.title()).field("form", &self.form).finish()
    }
}

#[async_trait]
impl ArraySource for NpyArray {
    fn form(&self) -> &Form {
        &self.form
    }

    fn title(&self) -> String {
        self.place.title()
    }

    fn location(&self) -> Option<String> {
        Some(self.place.url().to_string())
    }

    async fn read(&self, region: &[Range<u64>]) -> Result<Tensor, ArrayError> {
        let shape = &self.header.shape;
        let within =
            |(range, length): (&Range<u64>, &u64)| range.start <= range.end && range.end <= *length;
        if region.len() != shape.len() || !region.iter().zip(shape).all(within) {
            return Err(self.fault(format!("{region:?} does not lie within {shape:?}")));
        }
        let (dtype, shape) = (self.header.dtype, shape_of(region));
        if shape.contains(&0) {
            return Tensor::new(dtype, shape, Buffer::from(Vec::<u8>::new()));
        }
        // What lies in a row is handed out as it was read.
        if self.row(region) == region {
            return Tensor::new(dtype, shape, Buffer::from(self.fetch(region).await?));
        }
        let bytes = cells(&shape).unwrap_or(u64::MAX).saturating_mul(self.width());
        let taken =
            usize::try_from(bytes).map_err(|error| error.to_string()).and_then(buffers::try_take);
        let mut to =
            taken.map_err(|reason| self.fault(format!("{reason}; ask for less at once")))?;
        let mut read = stream::iter(self.pieces(region))
            .map(|piece| async move {
                let row = self.row(&piece);
                let values = self.fetch(&row).await?;
                Ok::<_, ArrayError>((piece, row, values))
            })
            .buffer_unordered(AT_ONCE);
        while let Some((piece, row, values)) = read.try_next().await? {
            let start: Vec<u64> =
                piece.iter().zip(region).map(|(a, b)| a.start - b.start).collect();
            self.cut(&piece, (&row, &values), (&mut to, &shape, &start));
        }
        Tensor::new(dtype, shape, Buffer::from(buffers::share(to)))
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn identity(&self) -> Option<Vec<u8>> {
        self.to_wire().ok()
    }

    fn wire_name(&self) -> &'static str {
        Self::WIRE_NAME
    }

    fn to_wire(&self) -> Result<Vec<u8>, ArrayError> {
        let told = OnTheWire {
            url: self.place.url().to_string(),
            path: self.place.path().to_string(),
            version: self.version.clone(),
            whole: self.form.grid == Grid::whole(&self.header.shape),
            header: self.header.clone(),
        };
        serde_json::to_vec(&told).map_err(|error| ArrayError::asked(error.to_string()))
    }
}
