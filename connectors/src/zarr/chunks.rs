//! The chunks of one array: which object and which part of it holds them, fetched and decoded.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use strata_engine::{ArrayError, DType, Kind, cells};
use tokio::sync::OnceCell;

use super::codecs::Chain;
use super::layout::{Layout, Sharding};
use super::place::{Found, Part, Place};
use super::shard::ShardIndex;
use strata_engine::buffers;

/// How much of shards' indexes is kept, in chunks.
const INDEXED_CHUNKS: u64 = 4 << 20;

/// Shards whose values take more than this are read chunk by chunk, even if all are wanted.
const LARGEST_SHARD: u64 = 256 << 20;

/// One read.
#[derive(Debug, Clone)]
pub(super) enum Fetch {
    /// One chunk.
    Chunk(Vec<u64>),
    /// A shard, for these of its chunks.
    Shard(Vec<u64>, Vec<Vec<u64>>),
}

/// A chunk as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) chunk: Vec<u64>,
    /// None where it was not written.
    pub(super) bytes: Option<Bytes>,
    /// What tells the object that holds it from what it was before; none where there is no such object.
    pub(super) version: Option<String>,
}

/// Chunks as they are stored.
pub(super) type Fetched = Vec<Stored>;

/// An index on its way, or read; none where there is no such shard.
type IndexCell = Arc<OnceCell<Option<Arc<ShardIndex>>>>;

#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) place: Place,
    pub(super) layout: Layout,
    chain: Chain,
    indexes: Mutex<HashMap<Vec<u64>, IndexCell>>,
}

impl Chunks {
    pub(super) fn new(place: Place, layout: Layout) -> Result<Self, ArrayError> {
        let chain = Chain::new(&layout.codecs, &layout.chunk, layout.dtype.kind());
        let chain = chain.map_err(|reason| ArrayError::Source { array: place.title(), reason })?;
        Ok(Self { place, layout, chain, indexes: Mutex::default() })
    }

    /// How many bytes the values of a chunk take.
    pub(super) fn bytes(&self) -> usize {
        self.chain.bytes()
    }

    /// What is wrong with a chunk.
    pub(super) fn fault(&self, chunk: &[u64], reason: impl ToString) -> ArrayError {
        let object = match &self.layout.shard {
            Some(shard) => shard.holding(&self.layout, chunk).0,
            None => chunk.to_vec(),
        };
        ArrayError::Chunk {
            array: self.place.title(),
            chunk: format!("{chunk:?}"),
            key: self.layout.keys.key(&object),
            reason: reason.to_string(),
        }
    }

    /// The reads that bring these chunks.
    pub(super) fn plan(&self, chunks: impl Iterator<Item = Vec<u64>>) -> Vec<Fetch> {
        let Some(sharding) = &self.layout.shard else { return chunks.map(Fetch::Chunk).collect() };
        let mut shards: Vec<(Vec<u64>, Vec<Vec<u64>>)> = Vec::new();
        let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
        for chunk in chunks {
            let (shard, _) = sharding.holding(&self.layout, &chunk);
            let at = *known.entry(shard.clone()).or_insert_with(|| {
                shards.push((shard, Vec::new()));
                shards.len() - 1
            });
            if let Some((_, wanted)) = shards.get_mut(at) {
                wanted.push(chunk);
            }
        }
        let mut fetches = Vec::new();
        for (shard, wanted) in shards {
            if wanted.len() > 1
                && wanted.len() as u64 == self.within(sharding, &shard)
                && self.fits(sharding)
            {
                fetches.push(Fetch::Shard(shard, wanted));
            } else {
                fetches.extend(wanted.into_iter().map(Fetch::Chunk));
            }
        }
        fetches
    }

    /// How many chunks of a shard lie within the array.
    fn within(&self, sharding: &Sharding, shard: &[u64]) -> u64 {
        let along =
            shard.iter().zip(&sharding.shape).zip(self.layout.shape.iter().zip(&self.layout.chunk));
        let count = |((at, piece), (length, chunk)): ((&u64, &u64), (&u64, &u64))| {
            (*piece).min(length.saturating_sub(at * piece)).div_ceil(*chunk)
        };
        along.map(count).product()
    }

    fn fits(&self, sharding: &Sharding) -> bool {
        let bytes = cells(&sharding.shape)
            .and_then(|all| all.checked_mul(self.layout.dtype.width() as u64));
        bytes.is_some_and(|bytes| bytes <= LARGEST_SHARD)
    }

    /// The most that is read for a chunk whose values take so many bytes: packed ones may be longer.
    fn cap(values: u64) -> u64 {
        values.saturating_mul(2).saturating_add(1 << 20)
    }

    pub(super) async fn fetch(&self, fetch: Fetch) -> Result<Fetched, ArrayError> {
        match (fetch, &self.layout.shard) {
            (Fetch::Chunk(chunk), None) => {
                let cap = Self::cap(self.bytes() as u64);
                let key = self.layout.keys.key(&chunk);
                let found = self.place.read(&key, Part::All, cap).await;
                let found = found.map_err(|error| self.fault(&chunk, error))?;
                let (bytes, version) = found.map(|found| (found.bytes, found.version)).unzip();
                Ok(vec![Stored { chunk, bytes, version }])
            }
            (Fetch::Chunk(chunk), Some(sharding)) => {
                let (shard, number) = sharding.holding(&self.layout, &chunk);
                let index = self.index(sharding, &shard, &chunk).await?;
                let Some(range) = index.and_then(|index| index.place(number)) else {
                    return Ok(vec![Stored { chunk, bytes: None, version: None }]);
                };
                let (key, length) = (self.layout.keys.key(&shard), range.end - range.start);
                let found =
                    self.place.read(&key, Part::Range(range), Self::cap(self.bytes() as u64)).await;
                let found = found.map_err(|error| self.fault(&chunk, error))?;
                let gone = || self.fault(&chunk, "its shard is gone");
                let Found { bytes, version, .. } = found.ok_or_else(gone)?;
                if bytes.len() as u64 != length {
                    let short = format!(
                        "{} bytes were read, expected {length}: it is truncated",
                        bytes.len()
                    );
                    return Err(self.fault(&chunk, short));
                }
                Ok(vec![Stored { chunk, bytes: Some(bytes), version: Some(version) }])
            }
            (Fetch::Shard(shard, wanted), Some(sharding)) => {
                self.fetch_shard(sharding, &shard, wanted).await
            }
            (Fetch::Shard(_, wanted), None) => Ok(unwritten(wanted)),
        }
    }

    /// A whole shard in one read, cut into chunks.
    async fn fetch_shard(
        &self,
        sharding: &Sharding,
        shard: &[u64],
        wanted: Vec<Vec<u64>>,
    ) -> Result<Fetched, ArrayError> {
        let first = wanted.first().cloned().unwrap_or_default();
        let count = cells(&sharding.inside(&self.layout.chunk)).unwrap_or(0);
        let length = sharding.index_length(count);
        let cap =
            Self::cap(self.bytes() as u64).saturating_mul(count.max(1)).saturating_add(length);
        let found = self.place.read(&self.layout.keys.key(shard), Part::All, cap).await;
        let Some(found) = found.map_err(|error| self.fault(&first, error))? else {
            return Ok(unwritten(wanted));
        };
        let bytes = found.bytes;
        let index = cut_index(&bytes, sharding, length)
            .and_then(|index| ShardIndex::read(index, sharding, found.size))
            .map_err(|reason| self.fault(&first, format!("its shard: {reason}")))?;
        let cut = |chunk: Vec<u64>| {
            let (_, number) = sharding.holding(&self.layout, &chunk);
            let part = index.place(number).map(|place| place.start as usize..place.end as usize);
            let part = part.and_then(|part| bytes.get(part)).map(|part| bytes.slice_ref(part));
            Stored { chunk, bytes: part, version: Some(found.version.clone()) }
        };
        Ok(wanted.into_iter().map(cut).collect())
    }

    /// The index of a shard, read once while it is kept.
    async fn index(
        &self,
        sharding: &Sharding,
        shard: &[u64],
        chunk: &[u64],
    ) -> Result<Option<Arc<ShardIndex>>, ArrayError> {
        let count = cells(&sharding.inside(&self.layout.chunk)).unwrap_or(0);
        let cell = {
            let mut indexes = self.indexes.lock();
            if !indexes.contains_key(shard) && (indexes.len() as u64 + 1) * count > INDEXED_CHUNKS {
                indexes.clear();
            }
            Arc::clone(indexes.entry(shard.to_vec()).or_default())
        };
        let read = async || {
            let length = sharding.index_length(count);
            let part =
                if sharding.index_first { Part::Range(0..length) } else { Part::Last(length) };
            let found = self.place.read(&self.layout.keys.key(shard), part, length).await;
            let Some(found) = found.map_err(|error| self.fault(chunk, error))? else {
                return Ok(None);
            };
            let short = found.bytes.len() as u64 != length;
            let index = if short {
                Err(format!(
                    "it holds {} bytes, and its index takes {length}: it is truncated",
                    found.size
                ))
            } else {
                ShardIndex::read(&found.bytes, sharding, found.size)
            };
            let index =
                index.map_err(|reason| self.fault(chunk, format!("its shard: {reason}")))?;
            Ok(Some(Arc::new(index)))
        };
        Ok(cell.get_or_try_init(read).await?.clone())
    }

    /// What tells the object that holds a chunk from what it was before; none where there is no such object.
    pub(super) async fn version(&self, chunk: &[u64]) -> Result<Option<String>, ArrayError> {
        let object = match &self.layout.shard {
            Some(sharding) => sharding.holding(&self.layout, chunk).0,
            None => chunk.to_vec(),
        };
        let version = self.place.version(&self.layout.keys.key(&object)).await;
        version.map_err(|error| self.fault(chunk, error))
    }

    /// The values of a chunk as it is stored.
    pub(super) fn decode(&self, chunk: &[u64], stored: &Bytes) -> Result<Bytes, ArrayError> {
        let decoded = self.chain.decode(stored).and_then(|values| self.meant(values));
        decoded.map_err(|reason| self.fault(chunk, reason))
    }

    /// What stored values mean.
    fn meant(&self, values: Bytes) -> Result<Bytes, String> {
        if self.layout.dtype == DType::Plain(Kind::Bool) && values.iter().any(|value| *value > 1) {
            return Ok(values.iter().map(|value| u8::from(*value != 0)).collect::<Vec<_>>().into());
        }
        if self.layout.times == 1 {
            return Ok(values);
        }
        let stored = self.layout.stored();
        let mut meant = buffers::take(values.len());
        for (to, from) in meant.as_chunks_mut().0.iter_mut().zip(values.as_chunks().0) {
            let count = i64::from_ne_bytes(*from);
            let time = stored.time(count).ok_or_else(|| {
                format!(
                    "its time {count} is further from 1970 than {} can count",
                    self.layout.dtype
                )
            })?;
            *to = time.to_ne_bytes();
        }
        Ok(buffers::share(meant))
    }

    /// What is stored of the values of a whole chunk.
    pub(super) fn encode(&self, chunk: &[u64], values: &[u8]) -> Result<Bytes, ArrayError> {
        if self.layout.times != 1 {
            return Err(self.fault(
                chunk,
                "times counted in other units than s, ms, us and ns are not written",
            ));
        }
        self.chain.encode(values).map_err(|reason| self.fault(chunk, reason))
    }

    /// Forgets the index of a shard that was written.
    pub(super) fn forget(&self, shard: &[u64]) {
        self.indexes.lock().remove(shard);
    }
}

/// Chunks of which there is no object.
fn unwritten(chunks: Vec<Vec<u64>>) -> Fetched {
    let none = |chunk| Stored { chunk, bytes: None, version: None };
    chunks.into_iter().map(none).collect()
}

/// The index within a whole shard.
pub(super) fn cut_index<'a>(
    shard: &'a [u8],
    sharding: &Sharding,
    length: u64,
) -> Result<&'a [u8], String> {
    let size = shard.len();
    let start = usize::try_from(length).ok().and_then(|length| {
        if sharding.index_first { (length <= size).then_some(0) } else { size.checked_sub(length) }
    });
    let range: Option<Range<usize>> = start.map(|start| start..start + length as usize);
    range.and_then(|range| shard.get(range)).ok_or_else(|| {
        format!("it holds {size} bytes, and its index takes {length}: it is truncated")
    })
}
