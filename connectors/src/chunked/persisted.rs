//! Arrays that are computed once and stay in memory, each chunk packed by itself, and unpacked whenever it is read.
//! Their memory is counted, and given back with the last who holds them.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::buffer::Buffer;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use strata_engine::{
    Array, ArrayError, ArraySource, DType, EngineError, Form, Grid, Pieces, PiecesInMemory, Region,
    Tensor, buffers, cells, shape_of,
};

use super::boxes;
use super::written::each_chunk;
use crate::zarr::InMemory;

/// How chunks are packed while they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Not at all.
    None,
    /// By LZ4: quickly.
    Lz4,
    /// By Zstandard: into less.
    Zstd,
}

impl Codec {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::None, Self::Lz4, Self::Zstd];

    /// The name, as in `lz4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    fn packing(self, dtype: DType) -> Result<Option<Arc<InMemory>>, ArrayError> {
        match self {
            Self::None => Ok(None),
            way => {
                let packing = InMemory::new(way.name(), dtype.width());
                packing.map(|packing| Some(Arc::new(packing))).map_err(ArrayError::Asked)
            }
        }
    }
}

/// Computes an array and keeps it in memory, packed like this.
pub async fn persist(
    session: &SessionContext,
    array: &Array,
    codec: Codec,
) -> Result<Array, EngineError> {
    let packing = codec.packing(array.dtype())?;
    let held = MemoryConsumer::new("persist").register(&session.runtime_env().memory_pool);
    let count = match cells(&array.shape()) {
        Some(0) => 0,
        _ => array
            .grid()
            .chunks()
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(usize::MAX),
    };
    held.try_grow(count.saturating_mul(size_of::<Buffer>()))?;
    // What is not packed is known before it is computed.
    let counted = packing.is_none();
    if counted {
        let bytes = usize::try_from(array.bytes()).unwrap_or(usize::MAX);
        held.try_grow(bytes).map_err(|error| unfit(&error))?;
    }
    let chunks = vec![Buffer::default(); count];
    let kept = Arc::new(Mutex::new(Keeping { chunks, counted, held }));
    let grid = array.grid().clone();
    // What is packed is no longer than what it is packed of, or next to nothing.
    let largest = grid.largest().unwrap_or(u64::MAX).saturating_mul(array.dtype().width() as u64);
    let beside = if packing.is_some() { largest } else { 0 };
    each_chunk(session, array, beside, |region, values: Tensor| {
        let number = grid.boxes(&region).next().map_or(0, |(number, _)| number as usize);
        let (kept, packing) = (Arc::clone(&kept), packing.clone());
        async move {
            let packed = match packing {
                Some(packing) => {
                    let packed = packing.pack(values.data()).map_err(ArrayError::Asked)?;
                    Buffer::from(packed.as_slice())
                }
                None => alone(values.data()),
            };
            kept.lock().put(number, packed)
        }
    })
    .await?;
    let Some(Keeping { chunks, held, .. }) = Arc::into_inner(kept).map(Mutex::into_inner) else {
        return Err(
            ArrayError::asked("chunks are still packed: this is a fault of Strata's").into()
        );
    };
    let form = array.form().clone();
    let persisted = Persisted { form, codec, packing, chunks, _held: Some(held) };
    Ok(Array::read(Arc::new(persisted))?)
}

/// Bytes in memory that no others are kept with.
fn alone(bytes: &Buffer) -> Buffer {
    match bytes.capacity() / 2 <= bytes.len() {
        true => bytes.clone(),
        false => Buffer::from(bytes.as_slice()),
    }
}

/// Chunks that come one by one.
struct Keeping {
    chunks: Vec<Buffer>,
    /// Whether there is memory for all of them already.
    counted: bool,
    held: MemoryReservation,
}

fn unfit(error: &DataFusionError) -> ArrayError {
    ArrayError::asked(format!(
        "an array that is to stay in memory does not fit there: {error}; pack it, as with codec => 'zstd', or \
         save it"
    ))
}

impl Keeping {
    fn put(&mut self, number: usize, packed: Buffer) -> Result<(), ArrayError> {
        if !self.counted {
            self.held.try_grow(packed.capacity()).map_err(|error| unfit(&error))?;
        }
        if let Some(chunk) = self.chunks.get_mut(number) {
            *chunk = packed;
        }
        Ok(())
    }
}

/// An array in memory, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Persisted {
    form: Form,
    codec: Codec,
    packing: Option<Arc<InMemory>>,
    /// Each chunk, by its number.
    chunks: Vec<Buffer>,
    _held: Option<MemoryReservation>,
}

/// What goes before the chunks.
#[derive(Serialize, Deserialize)]
struct Head {
    codec: Codec,
    dtype: DType,
    grid: Grid,
    dims: Vec<Option<String>>,
    lengths: Vec<u64>,
}

impl Persisted {
    /// The name of these on the wire.
    pub(crate) const WIRE: &'static str = "persisted";

    /// From what [`to_wire`](ArraySource::to_wire) gave, or anybody else.
    pub(crate) fn from_wire(bytes: &[u8]) -> Result<Self, ArrayError> {
        let unread = || ArrayError::asked("an array in memory came in bytes that are not ours");
        let length = bytes.first_chunk::<8>().ok_or_else(unread)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| unread())?;
        let rest = bytes.get(8..).ok_or_else(unread)?;
        let (head, mut rest) = rest.split_at_checked(length).ok_or_else(unread)?;
        let Head { codec, dtype, grid, dims, lengths } =
            serde_json::from_slice(head).map_err(|_| unread())?;
        let count = if cells(&grid.shape()) == Some(0) { Some(0) } else { grid.chunks() };
        if !grid.is_sound() || count != Some(lengths.len() as u64) || dims.len() != grid.0.len() {
            return Err(unread());
        }
        let mut chunks = Vec::with_capacity(lengths.len());
        for length in lengths {
            let length = usize::try_from(length).map_err(|_| unread())?;
            let (chunk, others) = rest.split_at_checked(length).ok_or_else(unread)?;
            chunks.push(Buffer::from(chunk));
            rest = others;
        }
        let form = Form { dtype, grid, dims };
        Ok(Self { form, codec, packing: codec.packing(dtype)?, chunks, _held: None })
    }

    fn fault(&self, reason: String) -> ArrayError {
        ArrayError::Source { array: self.title(), reason }
    }

    /// A whole chunk, and where it lies.
    fn chunk(&self, number: u64) -> Result<(Region, Tensor), ArrayError> {
        let grid = &self.form.grid;
        let region = grid.region(&grid.place(number));
        let packed = usize::try_from(number).ok().and_then(|number| self.chunks.get(number));
        let packed = packed.ok_or_else(|| self.fault(format!("there is no chunk {number}")))?;
        let shape = shape_of(&region);
        let values = match &self.packing {
            None => packed.clone(),
            Some(packing) => {
                let size = self.bytes(&shape)?;
                let bytes = packing.unpack(packed, size).map_err(|reason| self.fault(reason))?;
                Buffer::from(buffers::share(bytes))
            }
        };
        Ok((region, Tensor::new(self.form.dtype, shape, values)?))
    }

    /// The only chunk that a box lies in, if it is in one.
    fn only_chunk(&self, region: &[Range<u64>]) -> Option<u64> {
        let mut all = self.form.grid.boxes(region);
        all.next().filter(|_| all.next().is_none()).map(|(number, _)| number)
    }

    /// The chunk that a box begins in.
    fn whole_of(&self, region: &[Range<u64>]) -> Region {
        let along = self.form.grid.0.iter().zip(region);
        along.map(|(cuts, range)| cuts.piece(cuts.holding(range.start))).collect()
    }

    fn bytes(&self, shape: &[u64]) -> Result<usize, ArrayError> {
        let bytes = cells(shape)
            .and_then(|cells| usize::try_from(cells).ok()?.checked_mul(self.form.dtype.width()));
        bytes.ok_or_else(|| self.fault(format!("{shape:?} values are too many for memory")))
    }
}

/// A box as seen from where another begins.
fn within(inner: &[Range<u64>], outer: &[Range<u64>]) -> Region {
    let both = inner.iter().zip(outer);
    both.map(|(inner, outer)| inner.start - outer.start..inner.end - outer.start).collect()
}

#[async_trait]
impl ArraySource for Persisted {
    fn form(&self) -> &Form {
        &self.form
    }

    fn title(&self) -> String {
        format!("memory ({})", self.codec.name())
    }

    async fn read(&self, region: &[Range<u64>]) -> Result<Tensor, ArrayError> {
        let shape = shape_of(region);
        if let Some(number) = self.only_chunk(region) {
            let (whole, values) = self.chunk(number)?;
            let part = within(region, &whole);
            return match self.packing {
                None => values.shown(&part),
                // What was unpacked goes when it was read.
                Some(_) => values.part(&part),
            };
        }
        let taken = buffers::try_take(self.bytes(&shape)?);
        let mut to = taken.map_err(|reason| self.fault(reason))?;
        let starts =
            |region: &[Range<u64>]| region.iter().map(|range| range.start).collect::<Vec<_>>();
        for (number, both) in self.form.grid.boxes(region) {
            let (whole, values) = self.chunk(number)?;
            let from = starts(&within(&both, &whole));
            let target = starts(&within(&both, region));
            let from = (values.data().as_slice(), values.shape(), from.as_slice());
            let width = self.form.dtype.width();
            boxes::copy(width, &shape_of(&both), from, (&mut to, &shape, &target));
        }
        Tensor::new(self.form.dtype, shape, Buffer::from(buffers::share(to)))
    }

    fn reads_parts(&self) -> bool {
        self.packing.is_none()
    }

    fn piecewise(&self, region: &[Range<u64>]) -> Option<u64> {
        (self.packing.is_none() && self.only_chunk(region).is_some()).then_some(0)
    }

    async fn pieces(&self, region: &[Range<u64>]) -> Result<Box<dyn Pieces>, ArrayError> {
        let number = self.only_chunk(region).ok_or_else(|| {
            self.fault(format!("{region:?} does not lie in one chunk: it is read at once"))
        })?;
        let (whole, values) = self.chunk(number)?;
        Ok(Box::new(PiecesInMemory::new(values, within(region, &whole))))
    }

    fn beside(&self, region: &[Range<u64>]) -> u64 {
        let whole = self.whole_of(region) == region;
        let largest = self.form.grid.largest().unwrap_or(u64::MAX);
        match self.packing {
            Some(_) if !whole => largest.saturating_mul(self.form.dtype.width() as u64),
            _ => 0,
        }
    }

    fn wire_name(&self) -> &'static str {
        Self::WIRE
    }

    fn to_wire(&self) -> Result<Vec<u8>, ArrayError> {
        let Form { dtype, grid, dims } = self.form.clone();
        let lengths = self.chunks.iter().map(|chunk| chunk.len() as u64).collect();
        let head = serde_json::to_vec(&Head { codec: self.codec, dtype, grid, dims, lengths });
        let head = head.map_err(|error| ArrayError::asked(error.to_string()))?;
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&head);
        self.chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use strata_engine::Kind;

    use super::*;

    fn persisted(codec: Codec) -> Persisted {
        let form = Form {
            dtype: Kind::U16.into(),
            grid: Grid::even(&[5, 70], &[2, 40]),
            dims: vec![Some("a".to_string()), None],
        };
        let packing = codec.packing(form.dtype).unwrap();
        let chunk = |number: u64| {
            let region = form.grid.region(&form.grid.place(number));
            let mut bytes = Vec::new();
            for row in region[0].clone() {
                let values = region[1].clone().map(|column| (100 * row + column) as u16);
                values.for_each(|value| bytes.extend(value.to_le_bytes()));
            }
            match &packing {
                Some(packing) => Buffer::from_vec(packing.pack(&bytes).unwrap()),
                None => Buffer::from_vec(bytes),
            }
        };
        let chunks = (0..6).map(chunk).collect();
        Persisted { form: form.clone(), codec, packing, chunks, _held: None }
    }

    #[tokio::test]
    async fn boxes_come_from_chunks_whoever_holds_them() {
        for codec in Codec::ALL {
            let own = persisted(codec);
            let bytes = own.to_wire().unwrap();
            for source in [&own, &Persisted::from_wire(&bytes).unwrap()] {
                for region in [[0..5, 0..70], [2..4, 0..40], [1..5, 39..41], [4..5, 69..70]] {
                    let values = source.read(&region).await.unwrap();
                    let expected = region[0].clone().flat_map(|row| {
                        region[1].clone().map(move |column| (100 * row + column) as u16)
                    });
                    let got: &[u16] = values.data().typed_data();
                    assert!(expected.eq(got.iter().copied()), "{codec:?} {region:?}");
                }
            }
        }
    }

    #[tokio::test]
    async fn boxes_of_one_chunk_come_piece_by_piece() {
        for codec in Codec::ALL {
            let own = persisted(codec);
            for region in [[0..2, 0..40], [0..2, 3..38], [3..4, 50..70], [4..5, 40..70]] {
                let is_plain = codec == Codec::None;
                assert_eq!(own.piecewise(&region).is_some(), is_plain, "{codec:?} {region:?}");
                let mut pieces = own.pieces(&region).await.unwrap();
                for row in region[0].clone() {
                    let piece = pieces.next(1).unwrap();
                    let expected = region[1].clone().map(|column| (100 * row + column) as u16);
                    let got: &[u16] = piece.data().typed_data();
                    assert!(expected.eq(got.iter().copied()), "{codec:?} {region:?}");
                }
                pieces.end().unwrap();
            }
            assert_eq!(own.piecewise(&[1..3, 0..40]), None, "that is of two chunks");
            assert!(own.pieces(&[1..3, 0..40]).await.is_err(), "that is of two chunks");
            assert!(own.pieces(&[1..1, 0..40]).await.is_err(), "that is of none");
        }
    }

    #[tokio::test]
    async fn a_part_of_what_is_packed_does_not_keep_the_chunk() {
        for codec in Codec::ALL {
            let own = persisted(codec);
            let (part, whole) = (vec![0..1, 0..4], own.form.grid.region(&[0, 0]));
            let whole = own.read(&whole).await.unwrap().data().len();
            let kept = own.read(&part).await.unwrap().data().capacity();
            assert_eq!(kept >= whole, codec == Codec::None, "{codec:?} keeps {kept} of {whole}");
        }
    }

    #[tokio::test]
    async fn bytes_of_others_are_refused() {
        for codec in Codec::ALL {
            let bytes = persisted(codec).to_wire().unwrap();
            for length in 0..bytes.len() {
                assert!(Persisted::from_wire(&bytes[..length]).is_err(), "{length}");
            }
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x15;
                // It may be found, or not: it must not panic.
                if let Ok(source) = Persisted::from_wire(&damaged)
                    && source.form.shape() == [5, 70]
                {
                    let _ = source.read(&[0..5, 0..70]).await;
                }
            }
        }
    }
}
