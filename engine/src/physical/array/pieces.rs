//! Pieces of boxes: what crosses the exchange, and where pieces are kept until all of a box is there. Up to
//! a bound that is in memory, as they came; beyond it on disk.

use std::io;
use std::sync::Arc;

use datafusion::arrow::buffer::{Buffer, MutableBuffer};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::SpillMetrics;

use crate::array::Region;
use crate::run::{Scratch, SpillFolder};

/// A part of a box that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which of the boxes that are wanted for a chunk.
    pub(super) want: u64,
    /// Where it lies in what is read.
    pub(super) region: Region,
}

impl Piece {
    /// As bytes.
    pub(super) fn to_bytes(&self) -> Buffer {
        let places = self.region.iter().flat_map(|range| [range.start, range.end]);
        Buffer::from_vec(std::iter::once(self.want).chain(places).collect::<Vec<u64>>())
    }

    /// From bytes; nothing of none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>> {
        let numbers: Vec<u64> = bytes
            .chunks_exact(8)
            .filter_map(|bytes| bytes.try_into().ok().map(u64::from_ne_bytes))
            .collect();
        let Some((want, places)) = numbers.split_first() else { return Ok(None) };
        if !places.len().is_multiple_of(2) || !bytes.len().is_multiple_of(8) {
            return Err(internal_datafusion_err!("a piece of a chunk came without its place"));
        }
        let ranges = places.chunks_exact(2).map(|ends| match ends {
            [start, end] => *start..*end,
            _ => 0..0,
        });
        Ok(Some(Self { want: *want, region: ranges.collect() }))
    }
}

/// Where the bytes of a piece are.
pub(super) enum Kept {
    Memory(Buffer),
    Disk { offset: u64, length: usize },
}

/// Keeps bytes.
pub(super) struct Store {
    folder: SpillFolder,
    /// What did not stay in memory.
    scratch: Option<Arc<Scratch>>,
    /// Of what is in memory.
    reservation: MemoryReservation,
    most: usize,
    metrics: SpillMetrics,
}

impl Store {
    /// Nothing yet. Of what comes, as much as `most` stays in memory.
    pub(super) fn new(
        folder: SpillFolder,
        reservation: MemoryReservation,
        most: usize,
        metrics: SpillMetrics,
    ) -> Self {
        Self { folder, scratch: None, reservation, most, metrics }
    }

    /// Keeps bytes.
    pub(super) async fn keep(&mut self, bytes: Buffer) -> Result<Kept> {
        let length = bytes.len();
        let fits = self.reservation.size().saturating_add(length) <= self.most;
        if fits && self.reservation.try_grow(length).is_ok() {
            return Ok(Kept::Memory(bytes));
        }
        self.write(bytes).await
    }

    /// Puts bytes on disk that are in memory.
    pub(super) async fn put_aside(&mut self, kept: &mut Kept) -> Result<()> {
        if let Kept::Memory(bytes) = kept {
            let length = bytes.len();
            *kept = self.write(bytes.clone()).await?;
            self.reservation.shrink(length);
        }
        Ok(())
    }

    async fn write(&mut self, bytes: Buffer) -> Result<Kept> {
        let length = bytes.len();
        let scratch = match &self.scratch {
            Some(scratch) => Arc::clone(scratch),
            None => {
                let scratch = Arc::new(Scratch::empty(self.folder.clone())?);
                self.metrics.spill_file_count.add(1);
                Arc::clone(self.scratch.insert(scratch))
            }
        };
        let offset = scratch.extend(length as u64)?;
        self.metrics.spilled_bytes.add(length);
        let write = move || scratch.write_at(&bytes, offset);
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)??;
        Ok(Kept::Disk { offset, length })
    }

    /// Gives bytes back. Those on disk stay there until the store goes.
    pub(super) async fn take(&mut self, kept: Kept) -> Result<Buffer> {
        let (offset, length) = match kept {
            Kept::Memory(bytes) => {
                self.reservation.shrink(bytes.len());
                return Ok(bytes);
            }
            Kept::Disk { offset, length } => (offset, length),
        };
        let Some(scratch) = self.scratch.clone() else {
            return Err(internal_datafusion_err!("a piece was not kept"));
        };
        let read = move || {
            let mut bytes = MutableBuffer::from_len_zeroed(length);
            scratch.read_at(&mut bytes, offset).map(|()| Buffer::from(bytes))
        };
        Ok(tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??)
    }
}
