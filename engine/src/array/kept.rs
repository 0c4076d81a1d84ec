//! Values that are read once and asked for again. Where several programs of a plan read the same, some of what
//! the first decodes stays in memory for the next, as far as there is room; the rest is decoded again.
//!
//! ```text
//! mean ──────▶ read 0 1 2 3 4 5 …   0 1 2 stay
//! anomaly ───▶ there 0 1 2, read 3 4 5 …   and each goes when it is asked for the last time
//! ```

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::buffer::Buffer;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use parking_lot::Mutex;

use super::buffers;
use super::error::{ArrayError, Result};
use super::extent::Extent;
use super::memory::PiecesInMemory;
use super::source::{ArraySource, Form, Pieces};
use super::tensor::{Region, Tensor, cells, shape_of};

/// Less than this keeps next to nothing.
const LITTLE: usize = 4 << 20;

/// The memory that all sources of a plan may keep values in.
#[derive(Debug)]
pub(crate) struct Room {
    reservation: MemoryReservation,
    most: usize,
}

impl Room {
    /// So many bytes at most, as long as the pool has them.
    pub(crate) fn new(pool: &Arc<dyn MemoryPool>, most: u64) -> Self {
        let reservation = MemoryConsumer::new("KeptChunks").register(pool);
        Self { reservation, most: usize::try_from(most).unwrap_or(usize::MAX) }
    }

    /// Another with three quarters of the room, where that is worth something.
    pub(crate) fn smaller(&self) -> Option<Self> {
        let most = self.most / 4 * 3;
        (most >= LITTLE).then(|| Self { reservation: self.reservation.new_empty(), most })
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Option<Grant> {
        // Two that ask at the same time may together have more than the most: the pool has it.
        let fits = self.reservation.size().saturating_add(bytes) <= self.most;
        let granted = fits && self.reservation.try_grow(bytes).is_ok();
        granted.then(|| Grant { room: Arc::clone(self), bytes })
    }
}

/// Memory that is given back.
#[derive(Debug)]
struct Grant {
    room: Arc<Room>,
    bytes: usize,
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.room.reservation.shrink(self.bytes);
    }
}

/// A box that is there, and how often it will be asked for.
#[derive(Debug)]
struct There {
    values: Tensor,
    asked: usize,
    grant: Arc<Grant>,
}

/// What is there of a source.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<HashMap<Region, There>>);

impl Shelf {
    /// A box, if it is there. It goes with the last who asks.
    fn find(&self, region: &[Range<u64>]) -> Option<(Tensor, Arc<Grant>)> {
        let mut all = self.0.lock();
        let there = all.get_mut(region)?;
        there.asked = there.asked.saturating_sub(1);
        let found = (there.values.clone(), Arc::clone(&there.grant));
        if there.asked == 0 {
            all.remove(region);
        }
        Some(found)
    }

    fn put(&self, region: Region, values: Tensor, asked: usize, grant: Grant) {
        self.0.lock().insert(region, There { values, asked, grant: Arc::new(grant) });
    }
}

/// A source as one of the programs that read it sees it.
#[derive(Debug)]
pub(crate) struct Kept {
    source: Arc<dyn ArraySource>,
    shelf: Arc<Shelf>,
    room: Arc<Room>,
    /// How many programs read it after this one.
    after: usize,
}

impl Kept {
    /// The source, for a program after which so many others read it.
    pub(crate) fn new(
        source: Arc<dyn ArraySource>,
        shelf: Arc<Shelf>,
        room: Arc<Room>,
        after: usize,
    ) -> Self {
        Self { source, shelf, room, after }
    }

    /// Room for a box that others will ask for.
    fn room_for(&self, bytes: usize) -> Option<Grant> {
        if self.after == 0 { None } else { self.room.take(bytes) }
    }
}

#[async_trait]
impl ArraySource for Kept {
    fn form(&self) -> &Form {
        self.source.form()
    }

    fn title(&self) -> String {
        self.source.title()
    }

    fn location(&self) -> Option<String> {
        self.source.location()
    }

    async fn read(&self, region: &[Range<u64>]) -> Result<Tensor> {
        if let Some((values, _)) = self.shelf.find(region) {
            return Ok(values);
        }
        let values = self.source.read(region).await?;
        // A part of something larger would keep all of it.
        let bytes = values.data().capacity().max(values.data().len());
        if bytes / 2 <= values.data().len()
            && let Some(grant) = self.room_for(bytes)
        {
            self.shelf.put(region.to_vec(), values.clone(), self.after, grant);
        }
        Ok(values)
    }

    fn reads_parts(&self) -> bool {
        self.source.reads_parts()
    }

    fn piecewise(&self, region: &[Range<u64>]) -> Option<u64> {
        self.source.piecewise(region)
    }

    async fn pieces(&self, region: &[Range<u64>]) -> Result<Box<dyn Pieces>> {
        if let Some((values, grant)) = self.shelf.find(region) {
            let whole = values.shape().iter().map(|length| 0..*length).collect();
            return Ok(Box::new(Found {
                pieces: PiecesInMemory::new(values, whole),
                _grant: grant,
            }));
        }
        let inner = self.source.pieces(region).await?;
        let shape = shape_of(region);
        let bytes = cells(&shape).and_then(|cells| {
            usize::try_from(cells).ok()?.checked_mul(self.source.form().dtype.width())
        });
        let granted = bytes.and_then(|bytes| Some((bytes, self.room_for(bytes)?)));
        Ok(match granted {
            None => inner,
            Some((bytes, grant)) => Box::new(Keeping {
                inner,
                form: self.source.form().clone(),
                region: region.to_vec(),
                values: buffers::take(bytes),
                at: 0,
                put: Some((Arc::clone(&self.shelf), self.after, grant)),
            }),
        })
    }

    async fn extent(&self, region: &[Range<u64>]) -> Option<Extent> {
        self.source.extent(region).await
    }

    fn noting(&self) -> Option<Arc<dyn ArraySource>> {
        let (shelf, room) = (Arc::clone(&self.shelf), Arc::clone(&self.room));
        Some(Arc::new(Self { source: self.source.noting()?, shelf, room, after: self.after }))
    }

    fn keeps(&self) -> u64 {
        let all = cells(&self.form().shape()).unwrap_or(u64::MAX);
        let all = all.saturating_mul(self.form().dtype.width() as u64);
        if self.after == 0 { 0 } else { all.min(self.room.most as u64) }
    }

    fn beside(&self, region: &[Range<u64>]) -> u64 {
        self.source.beside(region)
    }

    fn version(&self) -> String {
        self.source.version()
    }

    fn identity(&self) -> Option<Vec<u8>> {
        self.source.identity()
    }

    fn wire_name(&self) -> &'static str {
        self.source.wire_name()
    }

    fn to_wire(&self) -> Result<Vec<u8>> {
        self.source.to_wire()
    }
}

/// A box that is there, piece by piece.
struct Found {
    pieces: PiecesInMemory,
    _grant: Arc<Grant>,
}

impl Pieces for Found {
    fn next(&mut self, count: u64) -> Result<Tensor> {
        self.pieces.next(count)
    }

    fn end(&mut self) -> Result<()> {
        self.pieces.end()
    }
}

/// A box that is read piece by piece and stays.
struct Keeping {
    inner: Box<dyn Pieces>,
    form: Form,
    region: Region,
    values: Vec<u8>,
    at: usize,
    put: Option<(Arc<Shelf>, usize, Grant)>,
}

impl Pieces for Keeping {
    fn next(&mut self, count: u64) -> Result<Tensor> {
        let piece = self.inner.next(count)?;
        let end = self.at.saturating_add(piece.data().len());
        match self.values.get_mut(self.at..end) {
            Some(into) => into.copy_from_slice(piece.data()),
            None => return Err(ArrayError::asked("pieces of a box are more than the box")),
        }
        self.at = end;
        Ok(piece)
    }

    fn end(&mut self) -> Result<()> {
        self.inner.end()?;
        let values = std::mem::take(&mut self.values);
        let whole = self.at == values.len();
        if let (true, Some((shelf, asked, grant))) = (whole, self.put.take()) {
            let data = Buffer::from(buffers::share(values));
            let values = Tensor::new(self.form.dtype, shape_of(&self.region), data)?;
            shelf.put(std::mem::take(&mut self.region), values, asked, grant);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;
    use crate::array::{Grid, Kind, Memory};
    use crate::kernels::Block;

    /// Values in memory that count how often they are read.
    #[derive(Debug)]
    struct Counted(Memory, AtomicUsize);

    #[async_trait]
    impl ArraySource for Counted {
        fn form(&self) -> &Form {
            self.0.form()
        }
        fn title(&self) -> String {
            "counted".to_string()
        }
        async fn read(&self, region: &[Range<u64>]) -> Result<Tensor> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.values().part(region)
        }
        fn piecewise(&self, _: &[Range<u64>]) -> Option<u64> {
            Some(0)
        }
        async fn pieces(&self, region: &[Range<u64>]) -> Result<Box<dyn Pieces>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(PiecesInMemory::new(self.0.values().clone(), region.to_vec())))
        }
        fn wire_name(&self) -> &'static str {
            "counted"
        }
        fn to_wire(&self) -> Result<Vec<u8>> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn what_there_is_room_for_is_read_once_and_goes_with_the_last_who_asks() {
        let grid = Grid::even(&[8, 3], &[2, 3]);
        let values = Block::I32((0..24).collect());
        let values = Tensor::from_block(Kind::I32.into(), vec![8, 3], values).unwrap();
        let counted = Arc::new(Counted(Memory::new(values.clone(), grid), AtomicUsize::new(0)));
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1 << 20));
        // Two chunks of 24 bytes, and not three.
        let (shelf, room) = (Arc::new(Shelf::default()), Arc::new(Room::new(&pool, 60)));
        let source = || Arc::clone(&counted) as Arc<dyn ArraySource>;
        let handle = |after| Kept::new(source(), Arc::clone(&shelf), Arc::clone(&room), after);
        let (first, second, third) = (handle(2), handle(1), handle(0));
        assert_eq!((first.keeps(), third.keeps()), (60, 0));
        let boxes: Vec<Region> = (0..4).map(|at| vec![2 * at..2 * at + 2, 0..3]).collect();
        for (handle, read) in [(&first, 4), (&second, 2), (&third, 2)] {
            for (at, region) in boxes.iter().enumerate() {
                let expected = values.part(region).unwrap();
                if at % 2 == 0 {
                    let got = handle.read(region).await.unwrap();
                    assert_eq!(got.data(), expected.data());
                } else {
                    let mut pieces = handle.pieces(region).await.unwrap();
                    let rows = [pieces.next(1).unwrap(), pieces.next(1).unwrap()];
                    pieces.end().unwrap();
                    let rows: Vec<u8> = rows.iter().flat_map(|row| row.data().to_vec()).collect();
                    assert_eq!(rows, expected.data().as_slice());
                }
            }
            assert_eq!(counted.1.swap(0, Ordering::Relaxed), read);
        }
        assert_eq!((pool.reserved(), shelf.0.lock().len()), (0, 0));
        // Who does not read to the end keeps nothing.
        let mut pieces = first.pieces(&boxes[0]).await.unwrap();
        pieces.next(1).unwrap();
        assert_eq!(pool.reserved(), 24);
        drop(pieces);
        assert_eq!((pool.reserved(), shelf.0.lock().len()), (0, 0));
    }
}
