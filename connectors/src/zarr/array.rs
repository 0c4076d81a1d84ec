//! A Zarr array that is read from.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strata_engine::{
    ArrayError, ArraySource, DType, Extent, Form, Grid, Pieces, Tensor, cells, shape_of,
};
use tokio::task::JoinSet;
use url::Url;

use super::chunks::{Chunks, Fetch, Fetched, Stored};
use super::layout::Layout;
use super::pieces::{ChunkPieces, SeenPieces};
use super::place::Place;
use super::seen::Seen;
use super::{boxes, gate};
use strata_engine::buffers;

/// How many reads are on their way at a time, while what came before is decoded.
const AT_ONCE: usize = 8;

/// And how many bytes of values these may make.
const BYTES_AT_ONCE: u64 = 512 << 20;

/// Of boxes of more chunks than this, nobody is asked whether they are as they were.
const MOST_ASKED: u64 = 64;

/// How many objects are fetched at a time, whose values take so many bytes each.
fn at_once(object: u64) -> usize {
    (BYTES_AT_ONCE / object.max(1)).clamp(2, AT_ONCE as u64) as usize
}

/// An array in a Zarr store. Its chunks are what can be read by itself: the inner ones, in shards.
#[derive(Clone)]
pub struct ZarrArray {
    chunks: Arc<Chunks>,
    form: Form,
    version: String,
    /// What is remembered of the chunks that are read, where somebody will ask.
    seen: Option<Seen>,
}

/// What another process must know to read the same.
#[derive(Serialize, Deserialize)]
struct OnTheWire {
    url: String,
    path: String,
    version: String,
    layout: Layout,
}

impl ZarrArray {
    /// The name by which other processes know it.
    pub const WIRE_NAME: &'static str = "zarr";

    pub(super) fn new(place: Place, layout: Layout, version: String) -> Result<Self, ArrayError> {
        let form = Form {
            dtype: layout.dtype,
            grid: Grid::even(&layout.shape, &layout.chunk),
            dims: layout.dims.clone(),
        };
        let chunks = Arc::new(Chunks::new(place, layout)?);
        Ok(Self { chunks, form, version, seen: None })
    }

    /// What its writers said of it. What they said in numbers that JSON does not have is a string.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.layout().attributes
    }

    /// The value where nothing was written, without dimensions; none where that was left open.
    pub fn fill_value(&self) -> Option<Tensor> {
        let fill = self.layout().fill.as_ref()?;
        Tensor::new(self.form.dtype, vec![], Buffer::from_slice_ref(fill)).ok()
    }

    /// The grid of its shards, where it has any.
    pub fn shards(&self) -> Option<Grid> {
        let shard = self.layout().shard.as_ref()?;
        Some(Grid::even(&self.layout().shape, &shard.shape))
    }

    /// Where it lies, which counts what is read.
    pub fn place(&self) -> &Place {
        &self.chunks.place
    }

    /// Reads what [`ArraySource::to_wire`] wrote, with the store of a URL.
    pub fn from_wire(
        bytes: &[u8],
        resolve: impl FnOnce(&Url) -> Result<Arc<dyn ObjectStore>, ArrayError>,
    ) -> Result<Self, ArrayError> {
        let unread =
            |reason: String| ArrayError::asked(format!("a Zarr array came over damaged: {reason}"));
        let told: OnTheWire =
            serde_json::from_slice(bytes).map_err(|error| unread(error.to_string()))?;
        gate::sizes(&told.layout).map_err(unread)?;
        let url = Url::parse(&told.url).map_err(|error| unread(error.to_string()))?;
        let place = Place::within(&url, resolve(&url)?, &told.path)?;
        Self::new(place, told.layout, told.version)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.chunks.layout
    }

    /// What lies in a box of one chunk, as a tensor; none where it was not written.
    fn cut(
        &self,
        chunk: &[u64],
        values: Option<&Bytes>,
        region: &[Range<u64>],
    ) -> Result<Tensor, ArrayError> {
        let layout = self.layout();
        let (shape, width) = (shape_of(region), layout.dtype.width());
        let Some(values) = values else { return self.filled(shape) };
        let starts = chunk.iter().zip(&layout.chunk).map(|(at, piece)| at * piece);
        let inside: Vec<Range<u64>> = region
            .iter()
            .zip(starts)
            .map(|(range, start)| range.start - start..range.end - start)
            .collect();
        // What lies in a row is handed out as it is, unless that keeps much more in memory.
        if let Some((start, count)) = boxes::row(&inside, &layout.chunk) {
            let (start, length) = (start as usize * width, count as usize * width);
            if length >= values.len() / 2
                && let Some(part) = values.get(start..start + length)
            {
                return Tensor::new(layout.dtype, shape, Buffer::from(values.slice_ref(part)));
            }
        }
        let mut to = self.take(&shape)?;
        let from: Vec<u64> = inside.iter().map(|range| range.start).collect();
        let zeros = vec![0; shape.len()];
        boxes::copy(width, &shape, (values, &layout.chunk, &from), (&mut to, &shape, &zeros));
        Tensor::new(layout.dtype, shape, Buffer::from(buffers::share(to)))
    }

    fn filled(&self, shape: Vec<u64>) -> Result<Tensor, ArrayError> {
        let mut to = self.take(&shape)?;
        boxes::fill(&mut to, &self.layout().filler());
        Tensor::new(self.form.dtype, shape, Buffer::from(buffers::share(to)))
    }

    /// How many bytes the values of a shape take.
    fn length(&self, shape: &[u64]) -> Result<usize, ArrayError> {
        let bytes =
            cells(shape).and_then(|cells| cells.checked_mul(self.form.dtype.width() as u64));
        let bytes = bytes.filter(|bytes| *bytes <= isize::MAX as u64);
        bytes.map(|bytes| bytes as usize).ok_or_else(|| {
            ArrayError::asked(format!("{}: {shape:?} values are too many for memory", self.title()))
        })
    }

    /// A buffer for the values of a shape.
    fn take(&self, shape: &[u64]) -> Result<Vec<u8>, ArrayError> {
        let taken = buffers::try_take(self.length(shape)?);
        taken.map_err(|reason| {
            ArrayError::asked(format!("{}: {reason}; ask for less at once", self.title()))
        })
    }

    /// Refuses boxes that the array does not have.
    fn check(&self, region: &[Range<u64>]) -> Result<(), ArrayError> {
        let shape = &self.layout().shape;
        let within =
            |(range, length): (&Range<u64>, &u64)| range.start <= range.end && range.end <= *length;
        if region.len() == shape.len() && region.iter().zip(shape).all(within) {
            return Ok(());
        }
        Err(ArrayError::asked(format!(
            "{}: {region:?} does not lie within {shape:?}",
            self.title()
        )))
    }

    /// Reads several chunks, some at a time, and puts their parts together as they come.
    async fn assemble(
        &self,
        region: &[Range<u64>],
        fetches: Vec<Fetch>,
    ) -> Result<Tensor, ArrayError> {
        let layout = self.layout();
        let (shape, width) = (shape_of(region), layout.dtype.width());
        let mut to = self.take(&shape)?;
        let mut on_their_way: JoinSet<Result<Fetched, ArrayError>> = JoinSet::new();
        let mut waiting = fetches.into_iter();
        let object =
            cells(layout.object()).map_or(u64::MAX, |cells| cells.saturating_mul(width as u64));
        for fetch in waiting.by_ref().take(at_once(object)) {
            on_their_way.spawn(self.start(fetch));
        }
        let filler = layout.filler();
        while let Some(fetched) = on_their_way.join_next().await {
            let fetched =
                fetched.map_err(|error| ArrayError::asked(format!("{}: {error}", self.title())))?;
            if let Some(next) = waiting.next() {
                on_their_way.spawn(self.start(next));
            }
            for Stored { chunk, bytes: stored, version } in fetched? {
                let (mut from, mut target, mut size) = (Vec::new(), Vec::new(), Vec::new());
                for ((range, at), piece) in region.iter().zip(&chunk).zip(&layout.chunk) {
                    let start = at * piece;
                    let first = range.start.max(start);
                    from.push(first - start);
                    target.push(first - range.start);
                    size.push(range.end.min(start + piece).saturating_sub(first));
                }
                match &stored {
                    Some(stored) => {
                        let values = self.chunks.decode(&chunk, stored)?;
                        self.note(&chunk, version.as_deref(), Some(&values));
                        let from = (values.as_ref(), layout.chunk.as_slice(), from.as_slice());
                        boxes::copy(width, &size, from, (&mut to, &shape, &target));
                    }
                    None => {
                        self.note(&chunk, version.as_deref(), None);
                        boxes::fill_box(&size, &filler, (&mut to, &shape, &target));
                    }
                }
            }
        }
        Tensor::new(self.form.dtype, shape, Buffer::from(buffers::share(to)))
    }

    /// Remembers what the values of a chunk lie between, or those of one that was not written.
    fn note(&self, chunk: &[u64], version: Option<&str>, values: Option<&Bytes>) {
        let Some(seen) = &self.seen else { return };
        let number = self.form.grid.number(chunk);
        if seen.extent(number, version).is_some() {
            return;
        }
        let dtype = self.form.dtype;
        let values = values.cloned().unwrap_or_else(|| Bytes::from(self.layout().filler()));
        let length = (values.len() / dtype.width()) as u64;
        let values = Tensor::new(dtype, vec![length], Buffer::from(values));
        if let Some(extent) = values.ok().and_then(|values| Extent::of(values.values())) {
            seen.note(number, version, extent);
        }
    }

    fn start(
        &self,
        fetch: Fetch,
    ) -> impl Future<Output = Result<Fetched, ArrayError>> + Send + 'static {
        let chunks = Arc::clone(&self.chunks);
        async move { chunks.fetch(fetch).await }
    }
}

impl fmt::Debug for ZarrArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZarrArray").field("title", &self.title()).field("form", &self.form).finish()
    }
}

#[async_trait]
impl ArraySource for ZarrArray {
    fn form(&self) -> &Form {
        &self.form
    }

    fn title(&self) -> String {
        self.chunks.place.title()
    }

    fn location(&self) -> Option<String> {
        Some(self.chunks.place.url().to_string())
    }

    async fn read(&self, region: &[Range<u64>]) -> Result<Tensor, ArrayError> {
        self.check(region)?;
        let touched = self.form.grid.touched(region);
        let count = cells(&shape_of(&touched)).filter(|count| *count <= u64::from(u32::MAX));
        if count.is_none() {
            return Err(ArrayError::asked(format!(
                "{}: {region:?} is too much for memory",
                self.title()
            )));
        }
        if region.iter().any(Range::is_empty) {
            return self.filled(shape_of(region));
        }
        // Refused before a list of its chunks is made.
        self.length(&shape_of(region))?;
        let mut fetches = self.chunks.plan(boxes::places(&touched));
        if count == Some(1)
            && let Some(fetch) = fetches.pop()
        {
            let mut fetched = self.chunks.fetch(fetch).await?;
            let Some(Stored { chunk, bytes, version }) = fetched.pop() else {
                return self.filled(shape_of(region));
            };
            let values = bytes.map(|stored| self.chunks.decode(&chunk, &stored)).transpose()?;
            self.note(&chunk, version.as_deref(), values.as_ref());
            return self.cut(&chunk, values.as_ref(), region);
        }
        self.assemble(region, fetches).await
    }

    fn piecewise(&self, region: &[Range<u64>]) -> Option<u64> {
        self.layout().piecewise(region)
    }

    async fn pieces(&self, region: &[Range<u64>]) -> Result<Box<dyn Pieces>, ArrayError> {
        self.check(region)?;
        let touched = boxes::places(&self.form.grid.touched(region));
        let chunk: Vec<u64> = touched.take(1).next().unwrap_or_default();
        let mut fetched = self.chunks.fetch(Fetch::Chunk(chunk.clone())).await?;
        let (stored, version) =
            fetched.pop().map_or((None, None), |stored| (stored.bytes, stored.version));
        let pieces = ChunkPieces::new(Arc::clone(&self.chunks), chunk.clone(), stored)?;
        let number = self.form.grid.number(&chunk);
        let unseen = |seen: &Seen| seen.extent(number, version.as_deref()).is_none();
        let Some(seen) = self.seen.clone().filter(unseen) else { return Ok(Box::new(pieces)) };
        Ok(Box::new(SeenPieces { pieces, seen, number, version, extent: None }))
    }

    async fn extent(&self, region: &[Range<u64>]) -> Option<Extent> {
        let seen = self.seen.as_ref()?;
        self.check(region).ok()?;
        let touched = self.form.grid.touched(region);
        if cells(&shape_of(&touched)).is_none_or(|count| count > MOST_ASKED) {
            return None;
        }
        let numbered = |chunk: Vec<u64>| (self.form.grid.number(&chunk), chunk);
        let chunks: Vec<(u64, Vec<u64>)> = boxes::places(&touched).map(numbered).collect();
        let numbers: Vec<u64> = chunks.iter().map(|(number, _)| *number).collect();
        if !seen.has(&numbers) {
            return None;
        }
        let mut all: Option<Extent> = None;
        for (number, chunk) in chunks {
            // What cannot be asked is read, and then says what is wrong.
            let version = self.chunks.version(&chunk).await.ok()?;
            let extent = seen.extent(number, version.as_deref())?;
            all = Some(all.map_or(extent, |all| all.and(extent)));
        }
        all
    }

    fn noting(&self) -> Option<Arc<dyn ArraySource>> {
        let seen = matches!(self.form.dtype, DType::Plain(_)).then(|| self.identity()).flatten();
        Some(Arc::new(Self { seen: Some(Seen::of(&seen?)), ..self.clone() }))
    }

    fn beside(&self, region: &[Range<u64>]) -> u64 {
        let count = cells(&shape_of(&self.form.grid.touched(region))).unwrap_or(u64::MAX);
        let bytes = |shape: &[u64]| {
            let width = self.form.dtype.width() as u64;
            cells(shape).unwrap_or(u64::MAX).saturating_mul(width)
        };
        let (all, chunk) = (bytes(&shape_of(region)), bytes(&self.layout().chunk));
        // Shards of which all is wanted come whole.
        let object = Some(bytes(self.layout().object())).filter(|object| *object <= all);
        let object = object.unwrap_or(chunk);
        // What is stored is not longer than what comes of it, or next to nothing.
        match count {
            0 => 0,
            1 if all == chunk => chunk,
            1 => chunk.saturating_mul(2),
            count => object.saturating_mul(count.min(at_once(object) as u64)).saturating_add(chunk),
        }
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
        let layout = Layout { attributes: Map::new(), ..self.layout().clone() };
        let place = self.place();
        let (url, path) = (place.url().to_string(), place.path().to_string());
        let told = OnTheWire { url, path, version: self.version.clone(), layout };
        serde_json::to_vec(&told).map_err(|error| ArrayError::asked(error.to_string()))
    }
}
