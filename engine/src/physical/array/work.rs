//! The boxes that a chunk program is run on, and what comes of each: a chunk, or the state of what many
//! are brought to.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::statistics::StatisticsArgs;

use super::chunks::{self, asked, error};
use super::fold::{Fold, Order, buffer};
use crate::array::{Cuts, Region, Tensor, cells, shape_of};
use crate::config::ByteSize;
use crate::kernels::Folded;
use crate::program::{Loaded, Program};

/// A program, and what its boxes are brought to, if they do not go on themselves.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    program: Arc<Program>,
    fold: Option<Fold>,
    /// In which order boxes are folded.
    order: Option<Arc<Order>>,
    /// Reads of which the boxes come from elsewhere, by their numbers.
    had: Arc<[usize]>,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.program.root();
        write!(f, "{} {:?} in chunks of {}", root.dtype(), root.shape(), root.grid())?;
        write!(f, ": {}", root.formula())?;
        if let Some(fold) = &self.fold {
            write!(f, ", {fold}")?;
        }
        let loops = self.program.loops();
        if loops > 1 {
            write!(f, "; in {loops} loops")?;
        }
        if self.fold.is_some() && self.program.reads_in_pieces(&self.largest()) {
            f.write_str("; reads piece by piece")?;
        }
        match self.program.keeps() {
            0 => Ok(()),
            _ => f.write_str("; keeps what it reads"),
        }
    }
}

impl Work {
    pub(crate) fn new(program: Arc<Program>, fold: Option<Fold>) -> Self {
        let order = fold.as_ref().map(|fold| Arc::new(fold.order(program.root().grid())));
        Self { program, fold, order, had: Arc::default() }
    }

    /// The same, whose boxes of some reads come from elsewhere.
    pub(super) fn having(self, reads: impl Iterator<Item = usize>) -> Self {
        Self { had: reads.collect(), ..self }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn fold(&self) -> Option<&Fold> {
        self.fold.as_ref()
    }

    /// How many boxes there are.
    pub(crate) fn count(&self) -> u64 {
        let grid = self.program.root().grid();
        match &self.order {
            Some(order) => order.work(),
            None => grid.chunks().unwrap_or(u64::MAX),
        }
    }

    /// The number of the chunk that a box goes into, and the box. All boxes of a chunk follow each other.
    pub(crate) fn region(&self, number: u64) -> (u64, Region) {
        let grid = self.program.root().grid();
        match &self.order {
            Some(order) => order.region(number),
            None => (number, grid.region(&grid.place(number))),
        }
    }

    /// What comes of it, as rows.
    pub(super) fn schema(&self) -> SchemaRef {
        let kind = self.program.root().kind();
        chunks::schema(self.fold.as_ref().map_or(1, |fold| fold.parts(kind)))
    }

    /// The bytes that a box takes with all that it is made of.
    pub(crate) fn holds(&self, number: u64) -> u64 {
        self.taken_by(&self.region(number).1)
    }

    fn taken_by(&self, region: &Region) -> u64 {
        let kind = self.program.root().kind();
        let values = cells(&shape_of(region)).unwrap_or(u64::MAX);
        let values = usize::try_from(values).unwrap_or(usize::MAX);
        let state = self.fold.as_ref().map_or(0, |fold| {
            let kept = fold.becomes.keeps(kind, values) as u64;
            fold.state_bytes(kind, region).saturating_add(kept)
        });
        self.program.holds(region, self.fold.is_some(), &self.had).saturating_add(state)
    }

    /// The largest box that is computed at once.
    pub(super) fn largest(&self) -> Region {
        match &self.order {
            Some(order) => order.largest(),
            None => self.program.root().grid().0.iter().map(Cuts::longest_piece).collect(),
        }
    }

    /// The bytes that the largest box takes.
    pub(super) fn takes(&self) -> u64 {
        self.taken_by(&self.largest())
    }

    /// The shape of chunks that so many bytes are enough for; none if they never are.
    pub(super) fn that_fits(&self, room: u64) -> Option<Vec<u64>> {
        let mut region = self.largest();
        while self.taken_by(&region) > room {
            // The longest side is halved.
            let longest = region.iter_mut().max_by_key(|range| range.end - range.start)?;
            let half = (longest.end - longest.start) / 2;
            if half == 0 {
                return None;
            }
            longest.end = longest.start + half;
        }
        Some(shape_of(&region))
    }

    /// How many rows so many tasks make, and their bytes.
    pub(super) fn statistics(&self, args: &StatisticsArgs, parts: usize) -> Statistics {
        let (root, parts) = (self.program.root(), parts.max(1) as u64);
        let (rows, bytes) = match &self.fold {
            None => (root.grid().chunks().unwrap_or(u64::MAX), root.bytes()),
            Some(fold) => fold.made(root.kind(), root.grid(), parts),
        };
        // Of one task: an even share.
        let share = |all: u64| match args.partition() {
            Some(_) => all.div_ceil(parts),
            None => all,
        };
        let count =
            |all: u64| Precision::Inexact(usize::try_from(share(all)).unwrap_or(usize::MAX));
        let unknown = Statistics::new_unknown(&self.schema());
        unknown.with_num_rows(count(rows)).with_total_byte_size(count(bytes))
    }

    /// Reserves what a box takes, in place of what the one before took, beside what that has come to.
    pub(super) fn reserve(
        &self,
        number: u64,
        open: Option<&Made>,
        reservation: &MemoryReservation,
    ) -> Result<()> {
        let grown = open.map_or(0, Made::grown);
        let bytes = self.holds(number).saturating_add(grown);
        let room = usize::try_from(bytes).unwrap_or(usize::MAX);
        reservation.try_resize(room).map_err(|refused| {
            let shape = shape_of(&self.region(number).1);
            DataFusionError::ResourcesExhausted(format!(
                "a chunk of shape {shape:?} takes {} with all that it is made of, which does not fit: cut \
                 the array into smaller chunks with rechunk(…), or raise memory.limit ({refused})",
                ByteSize(bytes)
            ))
        })
    }

    /// Runs the program on a box, of which some may have been read.
    pub(super) async fn run(&self, number: u64, have: Loaded, given: &[Tensor]) -> Result<Made> {
        let (into, region) = self.region(number);
        let Some(fold) = &self.fold else {
            let loaded = self.program.load(&region, have).await.map_err(error)?;
            let values = self.program.values(&region, loaded, given).map_err(error)?;
            return Ok(Made { into, what: What::Chunk(values) });
        };
        let root = self.program.root();
        let mut state = fold.accumulator(root.kind(), &root.shape(), &region);
        self.program.fold(&region, have, given, &mut state).await.map_err(error)?;
        Ok(Made { into, what: What::State(state) })
    }
}

/// What came of one box, or of several that go into the same chunk.
pub(super) struct Made {
    into: u64,
    what: What,
}

enum What {
    Chunk(Tensor),
    State(Folded),
}

impl Made {
    /// Takes in what came of another box. Gives it back where it does not go into the same chunk.
    pub(super) fn take_in(&mut self, other: Self) -> Result<Option<Self>> {
        match (&mut self.what, other.what) {
            (What::State(all), What::State(one)) if self.into == other.into => {
                all.merge(&one).map_err(asked)?;
                Ok(None)
            }
            (_, what) => Ok(Some(Self { into: other.into, what })),
        }
    }

    /// Bytes that it has come to hold beyond what was known before.
    fn grown(&self) -> u64 {
        match &self.what {
            What::Chunk(_) => 0,
            What::State(state) => state.grown() as u64,
        }
    }

    /// As a row.
    pub(super) fn row(self, schema: &SchemaRef) -> Result<RecordBatch> {
        let parts = match self.what {
            // A part of something larger would be counted as all of it wherever it is held.
            What::Chunk(values) if values.data().capacity() / 2 > values.data().len() => {
                vec![Buffer::from_slice_ref(values.data().as_slice())]
            }
            What::Chunk(values) => vec![values.data().clone()],
            What::State(state) => state.to_state().into_iter().map(buffer).collect(),
        };
        chunks::row(schema, self.into, parts)
    }
}
