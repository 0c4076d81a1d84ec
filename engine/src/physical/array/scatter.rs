//! Reads each block of an array once and cuts it into the pieces that chunks of another array are made of.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::chunks::{self, error};
use super::exchange::Exchange;
use super::pieces::Piece;
use super::turn::Turn;
use super::work::Work;
use crate::array::{Region, Tensor, buffers, shape_of};
use crate::config::ByteSize;

/// So many pieces are planned at once.
const PIECES: usize = 1 << 18;
/// What knowing of a piece takes.
const A_PIECE: usize = 192;

/// Cuts what is read into pieces. Its rows are the number of the chunk, what the piece is, and its values.
#[derive(Debug)]
pub struct ScatterChunksExec {
    /// Whose chunks are made of it.
    work: Work,
    exchange: Exchange,
    /// Which of the reads that are exchanged this is.
    which: usize,
    /// Which blocks: ranges of their numbers; or, where they are computed, the blocks themselves.
    keys: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ScatterChunksExec {
    pub(super) fn new(
        work: Work,
        exchange: Exchange,
        which: usize,
        keys: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(chunks::schema(2)),
            Partitioning::UnknownPartitioning(keys.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties);
        Self { work, exchange, which, keys, properties, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// What is made of the pieces.
    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    /// The bytes that a task takes: a block, and a piece that is cut out of it.
    pub(super) fn takes(&self) -> Option<u64> {
        let read = self.exchange.get(&self.work, self.which)?;
        Some(read.largest().saturating_mul(2))
    }

    pub(super) fn exchange(&self) -> (&Exchange, usize) {
        (&self.exchange, self.which)
    }
}

impl DisplayAs for ScatterChunksExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScatterChunksExec: ")?;
        match self.exchange.get(&self.work, self.which) {
            Some(read) => {
                let (title, sent) = (read.source.title(), ByteSize(read.sent));
                write!(f, "{title} in blocks of {}, of which {sent} are sent", read.blocks)
            }
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for ScatterChunksExec {
    operator_on_chunks!("ScatterChunksExec");

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.keys]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(keys), true) => {
                let (work, exchange) = (self.work.clone(), self.exchange.clone());
                Ok(Arc::new(Self::new(work, exchange, self.which, keys)))
            }
            _ => internal_err!("ScatterChunksExec has one input"),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let consumer = || MemoryConsumer::new(format!("ScatterChunks[{partition}]"));
        let parts = self.properties.partitioning.partition_count() as u64;
        // Chunks that want nothing of what is exchanged are told of once, each by one task.
        let count = self.work.count();
        let bound =
            |part: u64| (u128::from(count) * u128::from(part) / u128::from(parts.max(1))) as u64;
        let told = match self.which {
            0 => bound(partition as u64)..bound(partition as u64 + 1),
            _ => 0..0,
        };
        let reservation = consumer().register(context.memory_pool());
        // Blocks that are read have their memory before pieces wait in it. Where there is too little, each asks
        // for itself.
        let read = self.exchange.get(&self.work, self.which);
        if read.is_some_and(|read| !read.computed) {
            let block = usize::try_from(self.takes().unwrap_or(0)).unwrap_or(usize::MAX);
            let _ = reservation.try_grow(block);
        }
        let task = Task {
            work: self.work.clone(),
            exchange: self.exchange.clone(),
            which: self.which,
            told,
            turn: Turn::begin(),
            left: Vec::new(),
            asked: BTreeMap::new(),
            is_asked: false,
            open: None,
            known: consumer().register(context.memory_pool()),
            aside: reservation.size(),
            reservation,
            keys: self.keys.execute(partition, context)?,
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = futures::stream::try_unfold(task, |mut task| async move {
            Ok(task.next().await?.map(|row| (row, task)))
        })
        .map(move |row: Result<RecordBatch>| row.map(|row| row.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// A piece, and the chunk that it is for.
type Asked = (u64, Piece);

/// The blocks of one partition, one after the other.
struct Task {
    work: Work,
    exchange: Exchange,
    which: usize,
    /// Chunks to be told of that may want nothing.
    told: Range<u64>,
    turn: Turn,
    /// Blocks of which nothing is known yet.
    left: Vec<Range<u64>>,
    /// What is asked of blocks, by their numbers.
    asked: BTreeMap<u64, Vec<Asked>>,
    is_asked: bool,
    /// The block that was read, where it lies, and what is still asked of it.
    open: Option<(Tensor, Region, Vec<Asked>)>,
    /// Memory of what is asked, and of the block.
    known: MemoryReservation,
    reservation: MemoryReservation,
    /// What was set aside for any block.
    aside: usize,
    keys: SendableRecordBatchStream,
}

impl Task {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let schema = chunks::schema(2);
        for number in self.told.by_ref() {
            if self.exchange.wants(&self.work, number).is_empty() {
                let nothing = || Buffer::from_vec(Vec::<u8>::new());
                return chunks::row(&schema, number, vec![nothing(), nothing()]).map(Some);
            }
            self.turn.pass().await;
        }
        let Some(read) = self.exchange.get(&self.work, self.which) else {
            return internal_err!("what is exchanged is not read");
        };
        let computed = read.computed.then(|| read.blocks.chunks().unwrap_or(u64::MAX));
        loop {
            if let Some((block, region, asked)) = &mut self.open {
                let Some((chunk, piece)) = asked.pop() else {
                    self.open = None;
                    self.reservation.try_resize(self.aside)?;
                    continue;
                };
                let within: Region = piece
                    .region
                    .iter()
                    .zip(region.iter())
                    .map(|(range, block)| range.start - block.start..range.end - block.start)
                    .collect();
                let values = block.part(&within).map_err(error)?;
                let parts = vec![piece.to_bytes(), values.data().clone()];
                return chunks::row(&schema, chunk, parts).map(Some);
            }
            if computed.is_none()
                && let Some((number, asked)) = self.asked.pop_first()
            {
                self.read(number, asked).await?;
                continue;
            }
            if let Some(blocks) = self.left.pop() {
                self.ask(blocks).await?;
                continue;
            }
            if let (Some(blocks), false) = (computed, self.is_asked) {
                self.ask(0..blocks).await?;
            }
            let Some(batch) = self.keys.try_next().await? else {
                // Blocks are larger than the chunks that are put together next.
                buffers::let_go();
                return Ok(None);
            };
            match computed {
                None => self.left = chunks::ranges(&batch)?,
                Some(_) => self.come(&batch)?,
            }
        }
    }

    /// Takes a block that was computed.
    fn come(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(read) = self.exchange.get(&self.work, self.which) else {
            return internal_err!("what is exchanged is not read");
        };
        for (number, parts) in chunks::rows(batch)? {
            if self.open.is_some() || read.blocks.chunks().is_none_or(|all| number >= all) {
                return internal_err!("blocks are computed one by one");
            }
            let asked = self.asked.remove(&number).unwrap_or_default();
            let region = read.blocks.region(&read.blocks.place(number));
            let bytes = parts.into_iter().next().unwrap_or_default();
            // The block, and the piece that is being cut out of it.
            self.reservation.try_resize(bytes.len().saturating_mul(2))?;
            let dtype = read.source.form().dtype;
            let values = Tensor::new(dtype, shape_of(&region), bytes).map_err(error)?;
            self.open = Some((values, region, asked));
        }
        Ok(())
    }

    /// Reads a block.
    async fn read(&mut self, number: u64, asked: Vec<Asked>) -> Result<()> {
        let Some(read) = self.exchange.get(&self.work, self.which) else {
            return internal_err!("what is exchanged is not read");
        };
        let region = read.blocks.region(&read.blocks.place(number));
        let cells: u64 = shape_of(&region).iter().product();
        let bytes = cells.saturating_mul(read.source.form().dtype.width() as u64);
        // The block, and the piece that is being cut out of it.
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_mul(2);
        self.reservation.try_resize(bytes.max(self.aside))?;
        let values = read.source.read(&region).await.map_err(error)?;
        if values.shape() != shape_of(&region) || values.dtype() != read.source.form().dtype {
            return internal_err!("{} gave other values than were asked for", read.source.title());
        }
        self.open = Some((values, region, asked));
        Ok(())
    }

    /// Finds what is asked of some blocks; of fewer of them, where that is too much to know at once.
    async fn ask(&mut self, blocks: Range<u64>) -> Result<()> {
        let read = self.exchange.get(&self.work, self.which);
        let computed = read.is_some_and(|read| read.computed);
        let mut known = 0_usize;
        let mut asked: BTreeMap<u64, Vec<Asked>> = BTreeMap::new();
        for chunk in 0..self.work.count() {
            for wanted in self.exchange.wants(&self.work, chunk) {
                if wanted.which != self.which {
                    continue;
                }
                for (block, region) in wanted.blocks.boxes(wanted.read.region()) {
                    if blocks.contains(&block) {
                        let piece = Piece { want: wanted.number, region };
                        asked.entry(block).or_default().push((chunk, piece));
                        known += 1;
                    }
                }
            }
            // Those that are computed come in any order.
            let splits = !computed && blocks.end - blocks.start > 1;
            self.known.try_resize(known.saturating_mul(A_PIECE))?;
            if known > PIECES && splits {
                let middle = blocks.start + (blocks.end - blocks.start) / 2;
                self.left.extend([middle..blocks.end, blocks.start..middle]);
                return Ok(());
            }
            self.turn.pass().await;
        }
        (self.asked, self.is_asked) = (asked, true);
        Ok(())
    }
}
