//! Writing the chunks of one array. What is written can be read once the store is finished.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parking_lot::Mutex;
use strata_engine::{ArrayError, Grid, Tensor, cells, shape_of};

use crate::zarr::chunks::{Chunks, Stored};
use crate::zarr::layout::Layout;
use crate::zarr::place::Place;
use crate::zarr::shard::ShardIndex;
use crate::zarr::{ZarrArray, boxes};
use strata_engine::buffers;

/// Writes the chunks of one array. Clones write the same array.
#[derive(Debug, Clone)]
pub struct ArrayWriter {
    chunks: Arc<Chunks>,
    grid: Grid,
    /// The shape of what was there before, which stays as it is.
    before: Option<Vec<u64>>,
    /// Objects of which a part is being written.
    busy: Arc<Mutex<HashMap<Vec<u64>, Turn>>>,
}

/// Whose turn it is to read an object, change it and write it.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl ArrayWriter {
    pub(super) fn new(
        place: Place,
        layout: Layout,
        before: Option<Vec<u64>>,
    ) -> Result<Self, ArrayError> {
        let grid = Grid::even(&layout.shape, layout.object());
        Ok(Self {
            chunks: Arc::new(Chunks::new(place, layout)?),
            grid,
            before,
            busy: Arc::default(),
        })
    }

    /// How the array is cut into what is written at once: chunks, or shards where it has any.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Writes into an array that is there, through a store that has it. Its readers see each chunk as that
    /// store shows it.
    pub fn existing(array: &ZarrArray, store: Arc<dyn ObjectStore>) -> Result<Self, ArrayError> {
        if array.place().is_archive() {
            return Err(ArrayError::Source {
                array: array.place().title(),
                reason: "archives are read, not written".to_string(),
            });
        }
        Self::new(array.place().through(store), array.layout().clone(), None)
    }

    /// What is wrong with values that are to be written from a place on.
    pub(in crate::zarr) fn refused(&self, start: &[u64], reason: impl ToString) -> ArrayError {
        let along = start.iter().zip(&self.chunks.layout.chunk);
        let chunk: Vec<u64> = along.map(|(at, piece)| at / piece).collect();
        self.chunks.fault(&chunk, reason)
    }

    /// Writes one piece of [`ArrayWriter::grid`], at its place there.
    pub async fn write_chunk(&self, index: &[u64], values: &Tensor) -> Result<(), ArrayError> {
        let counts = self.grid.counts();
        if index.len() != counts.len() || index.iter().zip(&counts).any(|(at, count)| at >= count) {
            return Err(self.asked(format!("there is no chunk {index:?} among {counts:?}")));
        }
        let start: Vec<u64> = self.grid.region(index).iter().map(|range| range.start).collect();
        self.write(&start, values).await
    }

    /// Writes a box of values from a place on. Where it holds a part of a chunk (or shard), the rest is
    /// read first; such parts of one chunk must not be written by several writers at a time.
    pub async fn write(&self, start: &[u64], values: &Tensor) -> Result<(), ArrayError> {
        let layout = &self.chunks.layout;
        if values.dtype() != layout.dtype {
            return Err(self.asked(format!(
                "values of {} are not those of {}",
                values.dtype(),
                layout.dtype
            )));
        }
        let ends =
            start.iter().zip(values.shape()).map(|(start, length)| start.checked_add(*length));
        let ends = ends.collect::<Option<Vec<u64>>>().unwrap_or_default();
        let shape = &layout.shape;
        if start.len() != shape.len()
            || values.shape().len() != shape.len()
            || ends.len() != shape.len()
            || ends.iter().zip(shape).any(|(end, length)| end > length)
        {
            let box_of = values.shape();
            return Err(self.asked(format!(
                "{box_of:?} values from {start:?} on do not lie within {shape:?}"
            )));
        }
        if let Some(before) = &self.before
            && start.iter().zip(before).all(|(start, length)| start < length)
        {
            return Err(self.asked(format!("{start:?} was written before, and is only added to")));
        }
        let region: Vec<Range<u64>> =
            start.iter().zip(&ends).map(|(start, end)| *start..*end).collect();
        for index in boxes::places(&self.grid.touched(&region)) {
            let whole = self.grid.region(&index);
            let covered =
                whole.iter().zip(&region).all(|(a, b)| b.start <= a.start && a.end <= b.end);
            if covered {
                self.put(&index, start, values.data(), values.shape()).await?;
            } else {
                self.merge(&index, &whole, start, values).await?;
            }
        }
        Ok(())
    }

    /// Writes a part of an object, and what was there around it.
    async fn merge(
        &self,
        index: &[u64],
        whole: &[Range<u64>],
        start: &[u64],
        values: &Tensor,
    ) -> Result<(), ArrayError> {
        let turn = Arc::clone(self.busy.lock().entry(index.to_vec()).or_default());
        let waits = InTurn { writer: self, index, turn: &turn };
        let guard = turn.lock().await;
        let layout = &self.chunks.layout;
        let (width, size) = (layout.dtype.width(), shape_of(whole));
        let mut all = self.take(&size)?;
        boxes::fill(&mut all, &layout.filler());
        let inner = Grid::even(&layout.shape, &layout.chunk);
        for fetch in self.chunks.plan(boxes::places(&inner.touched(whole))) {
            for Stored { chunk, bytes, .. } in self.chunks.fetch(fetch).await? {
                let Some(stored) = bytes else { continue };
                let old = self.chunks.decode(&chunk, &stored)?;
                let at = inner.region(&chunk);
                let to: Vec<u64> =
                    at.iter().zip(whole).map(|(at, whole)| at.start - whole.start).collect();
                let zeros = vec![0; to.len()];
                boxes::copy(
                    width,
                    &shape_of(&at),
                    (&old, &layout.chunk, &zeros),
                    (&mut all, &size, &to),
                );
            }
        }
        let (mut from, mut to, mut part) = (Vec::new(), Vec::new(), Vec::new());
        for ((whole, start), length) in whole.iter().zip(start).zip(values.shape()) {
            let first = whole.start.max(*start);
            from.push(first - start);
            to.push(first - whole.start);
            part.push(whole.end.min(start + length).saturating_sub(first));
        }
        boxes::copy(width, &part, (values.data(), values.shape(), &from), (&mut all, &size, &to));
        let origin: Vec<u64> = whole.iter().map(|range| range.start).collect();
        self.put(index, &origin, &all, &size).await?;
        buffers::give(all);
        drop(guard);
        drop(waits);
        Ok(())
    }

    /// Writes an object, from values of a box that begins at `start` and covers it.
    async fn put(
        &self,
        index: &[u64],
        start: &[u64],
        values: &[u8],
        shape: &[u64],
    ) -> Result<(), ArrayError> {
        let layout = &self.chunks.layout;
        let key = layout.keys.key(index);
        let fault = |reason: String| self.chunks.fault(&self.first(index), reason);
        let at = self.chunks.place.at(&key).map_err(|error| fault(error.to_string()))?;
        let store = self.chunks.place.store();
        let done = match self.pack(index, start, values, shape)? {
            Some(bytes) => store.put(&at, PutPayload::from(bytes)).await.map(|_| ()),
            // What holds nothing is no object; there may have been one.
            None => match store.delete(&at).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                done => done,
            },
        };
        self.chunks.forget(index);
        done.map_err(|error| fault(error.to_string()))
    }

    /// What is stored of an object; none where all its values are those that are there anyway.
    fn pack(
        &self,
        index: &[u64],
        start: &[u64],
        values: &[u8],
        shape: &[u64],
    ) -> Result<Option<Bytes>, ArrayError> {
        let layout = &self.chunks.layout;
        let filler = layout.filler();
        let pack = |chunk: &[u64]| -> Result<Option<Bytes>, ArrayError> {
            let values = self.piece(chunk, start, values, shape)?;
            if values.chunks_exact(filler.len().max(1)).all(|value| value == filler) {
                return Ok(None);
            }
            let packed = self.chunks.encode(chunk, &values)?;
            if let Cow::Owned(values) = values {
                buffers::give(values);
            }
            Ok(Some(packed))
        };
        let Some(sharding) = &layout.shard else { return pack(index) };
        let inside = sharding.inside(&layout.chunk);
        let first = self.first(index);
        let count = cells(&inside).unwrap_or(0);
        let (mut places, mut parts, mut end) = (Vec::new(), Vec::new(), 0);
        let index_length = sharding.index_length(count);
        if sharding.index_first {
            end = index_length;
        }
        for place in boxes::places(&inside.iter().map(|count| 0..*count).collect::<Vec<_>>()) {
            let chunk: Vec<u64> = first.iter().zip(&place).map(|(first, at)| first + at).collect();
            let beyond = |((at, piece), length): ((&u64, &u64), &u64)| at * piece >= *length;
            let outside = chunk.iter().zip(&layout.chunk).zip(&layout.shape).any(beyond);
            let packed = if outside { None } else { pack(&chunk)? };
            places.push(packed.map(|packed| {
                let start = end;
                end += packed.len() as u64;
                parts.push(packed);
                start..end
            }));
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let index = ShardIndex::write(&places, sharding);
        let (before, after) = if sharding.index_first { (index, vec![]) } else { (vec![], index) };
        let all: Vec<&[u8]> = std::iter::once(&*before)
            .chain(parts.iter().map(|part| &**part))
            .chain([&*after])
            .collect();
        Ok(Some(Bytes::from(all.concat())))
    }

    /// The values of a whole chunk, from those of a box; filled up where the array ends before it.
    fn piece<'a>(
        &self,
        chunk: &[u64],
        start: &[u64],
        values: &'a [u8],
        shape: &[u64],
    ) -> Result<Cow<'a, [u8]>, ArrayError> {
        let layout = &self.chunks.layout;
        let width = layout.dtype.width();
        let (mut from, mut part) = (Vec::new(), Vec::new());
        for (((at, piece), start), length) in chunk.iter().zip(&layout.chunk).zip(start).zip(shape)
        {
            let first = (at * piece).saturating_sub(*start);
            from.push(first);
            part.push((first + piece).min(*length).saturating_sub(first));
        }
        if part == layout.chunk {
            let inside: Vec<Range<u64>> =
                from.iter().zip(&part).map(|(from, part)| *from..from + part).collect();
            if let Some((start, count)) = boxes::row(&inside, shape)
                && let Some(row) =
                    values.get(start as usize * width..(start + count) as usize * width)
            {
                return Ok(Cow::Borrowed(row));
            }
        }
        let mut whole = buffers::take(self.chunks.bytes());
        if part != layout.chunk {
            boxes::fill(&mut whole, &layout.filler());
        }
        let zeros = vec![0; part.len()];
        boxes::copy(width, &part, (values, shape, &from), (&mut whole, &layout.chunk, &zeros));
        Ok(Cow::Owned(whole))
    }

    /// The first chunk of an object.
    fn first(&self, index: &[u64]) -> Vec<u64> {
        match &self.chunks.layout.shard {
            Some(shard) => index
                .iter()
                .zip(shard.inside(&self.chunks.layout.chunk))
                .map(|(at, count)| at * count)
                .collect(),
            None => index.to_vec(),
        }
    }

    fn take(&self, shape: &[u64]) -> Result<Vec<u8>, ArrayError> {
        let bytes = cells(shape)
            .and_then(|cells| cells.checked_mul(self.chunks.layout.dtype.width() as u64));
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX / 2);
        buffers::try_take(bytes).map_err(|reason| self.asked(reason))
    }

    fn asked(&self, reason: String) -> ArrayError {
        ArrayError::asked(format!("{}: {reason}", self.chunks.place.title()))
    }
}

/// Somebody who waits for an object, or changes it.
struct InTurn<'a> {
    writer: &'a ArrayWriter,
    index: &'a [u64],
    turn: &'a Turn,
}

impl Drop for InTurn<'_> {
    fn drop(&mut self) {
        // The last one puts it away: whoever came later must not find another.
        let mut busy = self.writer.busy.lock();
        if Arc::strong_count(self.turn) <= 2 {
            busy.remove(self.index);
        }
    }
}
