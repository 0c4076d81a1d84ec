//! Puts together what chunks are made of, from the pieces that come over an exchange, and computes them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput, SpillMetrics,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::chunks::{self, error};
use super::exchange::{Exchange, Wanted};
use super::given::Given;
use super::pieces::{Kept, Piece, Store};
use super::turn::Turn;
use super::work::Work;
use crate::array::{Region, Tensor, buffers, cells, shape_of};
use crate::config::options_of;
use crate::kernels::place_bytes;
use crate::program::Loaded;
use crate::run::SpillFolder;

/// What knowing of a piece takes, beside its bytes.
const A_PIECE: usize = 192;

/// Computes chunks from pieces of what they are made of.
#[derive(Debug)]
pub struct GatherChunksExec {
    work: Work,
    exchange: Exchange,
    /// The pieces: those of a chunk are all in one partition.
    pieces: Arc<dyn ExecutionPlan>,
    given: Given,
    /// Bytes of pieces that wait in memory, as far as that was planned.
    keeps: u64,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// How much of the memory pieces may take that wait for others.
const OF_MEMORY: usize = 8;

/// The bytes of pieces that wait in memory, of so many bytes that there are in all.
pub(crate) fn waiting(setting: u64, memory: usize) -> u64 {
    setting.min((memory / OF_MEMORY) as u64)
}

impl GatherChunksExec {
    pub(super) fn new(
        work: Work,
        exchange: Exchange,
        pieces: Arc<dyn ExecutionPlan>,
        given: Given,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(work.schema()),
            Partitioning::UnknownPartitioning(pieces.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        let work = work.having(exchange.reads());
        Self { work, exchange, pieces, given, keeps: 0, properties, metrics }
    }

    /// The same, of whose pieces so many bytes wait in memory.
    pub(super) fn keeping(self, most: u64) -> Self {
        Self { keeps: most.min(self.exchange.sent()), ..self }
    }

    /// The bytes of pieces that wait in memory, all tasks together.
    pub(super) fn keeps(&self) -> u64 {
        self.keeps
    }

    /// What is done.
    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(super) fn given(&self) -> &Given {
        &self.given
    }
}

impl DisplayAs for GatherChunksExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatherChunksExec: {}", self.work)
    }
}

impl ExecutionPlan for GatherChunksExec {
    operator_on_chunks!("GatherChunksExec");

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.pieces).chain(self.given.plans().map(|(plan, _)| plan)).collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let by_chunk = Distribution::KeyPartitioned(vec![Arc::new(Column::new("chunk", 0))]);
        let given = self.given.plans().map(|_| Distribution::SinglePartition);
        std::iter::once(by_chunk).chain(given).collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; 1 + self.given.len()]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some((pieces, given)) = children.split_first() else {
            return internal_err!("GatherChunksExec came without its pieces");
        };
        let (work, exchange) = (self.work.clone(), self.exchange.clone());
        let given = self.given.made_by(given)?;
        let again = Self::new(work, exchange, Arc::clone(pieces), given);
        Ok(Arc::new(Self { keeps: self.keeps, ..again }))
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(self.work.statistics(args, self.properties.partitioning.partition_count())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let register = |what: &str| {
            let consumer = MemoryConsumer::new(format!("GatherChunks[{partition}], {what}"));
            consumer.register(context.memory_pool())
        };
        let options = &options_of(context.session_config().options()).array;
        let parts = self.properties.partitioning.partition_count().max(1);
        let memory = match context.memory_pool().memory_limit() {
            MemoryLimit::Finite(bytes) => bytes,
            _ => usize::MAX,
        };
        let most = waiting(options.pieces.0, memory);
        let most = usize::try_from(most).unwrap_or(usize::MAX) / parts;
        // What was planned is set aside before pieces come: they wait on disk where there is too little. Where
        // it is not there, each chunk asks for itself.
        let reservation = register("a chunk");
        let _ = reservation.try_grow(usize::try_from(self.work.takes()).unwrap_or(usize::MAX));
        let folder = SpillFolder::of(context.session_config())?;
        let spilled = SpillMetrics::new(&self.metrics, partition);
        let task = Task {
            work: self.work.clone(),
            exchange: self.exchange.clone(),
            given: self.given.clone(),
            store: Store::new(folder, register("pieces"), most, spilled),
            known: register("their places"),
            aside: reservation.size(),
            reservation,
            open: HashMap::new(),
            turn: Turn::begin(),
            left: Vec::new(),
            pieces: self.pieces.execute(partition, chunks::one_by_one(&context))?,
            context,
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = futures::stream::try_unfold(task, |mut task| async move {
            Ok(task.next().await?.map(|row| (row, task)))
        })
        .map(move |row: Result<RecordBatch>| row.map(|row| row.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// A chunk of which pieces are still to come.
struct Open {
    /// Values that are to come.
    left: u64,
    pieces: Vec<(Piece, Kept)>,
}

/// The chunks of one partition, each when all of its pieces are there.
struct Task {
    work: Work,
    exchange: Exchange,
    given: Given,
    store: Store,
    /// Memory of what is known of pieces, and of the chunk that is computed.
    known: MemoryReservation,
    reservation: MemoryReservation,
    /// What was set aside for any chunk.
    aside: usize,
    open: HashMap<u64, Open>,
    turn: Turn,
    /// What came and was not looked at.
    left: Vec<(u64, Vec<Buffer>)>,
    pieces: SendableRecordBatchStream,
    context: Arc<TaskContext>,
}

impl Task {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            while let Some((number, parts)) = self.left.pop() {
                if let Some(whole) = self.take(number, parts).await? {
                    return self.compute(number, whole).await.map(Some);
                }
            }
            match self.pieces.try_next().await? {
                Some(batch) => self.left = chunks::rows(&batch)?,
                None if self.open.is_empty() => return Ok(None),
                None => return internal_err!("{} chunks lack pieces", self.open.len()),
            }
        }
    }

    /// Takes in a piece; all pieces of a chunk, where it was the last.
    async fn take(
        &mut self,
        number: u64,
        parts: Vec<Buffer>,
    ) -> Result<Option<Vec<(Piece, Kept)>>> {
        let mut parts = parts.into_iter();
        let (Some(what), Some(values)) = (parts.next(), parts.next()) else {
            return internal_err!("a piece of a chunk came without its values");
        };
        if number >= self.work.count() {
            return internal_err!("a piece came for chunk {number}, which is none");
        }
        let Some(piece) = Piece::from_bytes(&what)? else { return Ok(Some(Vec::new())) };
        let open = self.open.entry(number).or_insert_with(|| {
            let wants = self.exchange.wants(&self.work, number);
            let cells = wants.iter().map(|wanted| size(wanted.read.region()));
            Open { left: cells.fold(0, u64::saturating_add), pieces: Vec::new() }
        });
        let Some(left) = open.left.checked_sub(size(&piece.region)) else {
            return internal_err!("more pieces came for chunk {number} than it is made of");
        };
        open.left = left;
        self.known.try_grow(A_PIECE)?;
        let kept = self.store.keep(values).await?;
        open.pieces.push((piece, kept));
        if left > 0 {
            return Ok(None);
        }
        Ok(self.open.remove(&number).map(|open| open.pieces))
    }

    async fn compute(&mut self, number: u64, pieces: Vec<(Piece, Kept)>) -> Result<RecordBatch> {
        let given = self.given.collected(&self.context).await?;
        self.reserve(number).await?;
        self.known.shrink(A_PIECE.saturating_mul(pieces.len()));
        let mut by_want: HashMap<u64, Vec<(Piece, Kept)>> = HashMap::new();
        for (piece, kept) in pieces {
            by_want.entry(piece.want).or_default().push((piece, kept));
        }
        let mut have = Loaded::new();
        for wanted in self.exchange.wants(&self.work, number) {
            let pieces = by_want.remove(&wanted.number).unwrap_or_default();
            let values = put_together(&wanted, pieces, &mut self.store).await?;
            have.insert(wanted.read.key, values);
        }
        self.turn.pass().await;
        let made = self.work.run(number, have, &given).await?;
        self.reservation.try_resize(self.aside)?;
        made.row(&self.work.schema())
    }

    /// Memory for a chunk, in the place of pieces where there is no other.
    async fn reserve(&mut self, number: u64) -> Result<()> {
        if self.work.holds(number) <= self.aside as u64
            || self.work.reserve(number, None, &self.reservation).is_ok()
        {
            return Ok(());
        }
        for (_, kept) in self.open.values_mut().flat_map(|open| &mut open.pieces) {
            self.store.put_aside(kept).await?;
        }
        self.work.reserve(number, None, &self.reservation)
    }
}

fn size(region: &Region) -> u64 {
    cells(&shape_of(region)).unwrap_or(u64::MAX)
}

/// A box of its pieces, one after the other. One that is whole is not copied.
async fn put_together(
    wanted: &Wanted<'_>,
    mut pieces: Vec<(Piece, Kept)>,
    store: &mut Store,
) -> Result<Tensor> {
    let region = wanted.read.region();
    let shape = shape_of(region);
    let dtype = wanted.read.source.form().dtype;
    if let [(piece, _)] = &pieces[..]
        && piece.region == *region
        && let Some((_, kept)) = pieces.pop()
    {
        return Tensor::new(dtype, shape, store.take(kept).await?).map_err(error);
    }
    // Bytes, in a buffer that is used again.
    let width = dtype.width();
    let mut all = buffers::take(size(region) as usize * width);
    for (Piece { region: piece, .. }, kept) in pieces {
        let within = piece.len() == region.len()
            && piece.iter().zip(region).all(|(a, b)| b.start <= a.start && a.end <= b.end);
        if !within {
            return internal_err!("a piece lies outside of the box that it is of");
        }
        let offset: Vec<u64> = piece.iter().zip(region).map(|(a, b)| a.start - b.start).collect();
        let bytes = store.take(kept).await?;
        let values = Tensor::new(dtype, shape_of(&piece), bytes).map_err(error)?;
        place_bytes(values.data(), values.shape(), &mut all, &shape, &offset, width);
    }
    Tensor::new(dtype, shape, Buffer::from(buffers::share(all))).map_err(error)
}
