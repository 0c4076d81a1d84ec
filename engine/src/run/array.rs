//! Computing arrays: their chunks as they come, or the whole.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::common::runtime::JoinSet;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::physical_plan::{ExecutionPlan, execute_stream, execute_stream_partitioned};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::array::{ArrayError, DType, Grid, Kind, Region, Tensor, shape_of};
use crate::cluster::PoolExec;
use crate::config::{ByteSize, options_of};
use crate::error::{EngineError, Result};
use crate::kernels::{Block, Slice, Summary, of_bits};
use crate::lazy::Array;
use crate::logical::ArrayNode;
use crate::physical::{self, Beside};
use crate::session::reconfigured;

/// How often, and after how long, it is looked whether tasks have ended.
const PATIENCE: usize = 2_000;
const A_WHILE: Duration = Duration::from_millis(10);

impl Array {
    /// Computes the chunks, in whatever order they come. Dropping the stream cancels it.
    pub async fn chunks(
        &self,
        session: &SessionContext,
    ) -> Result<BoxStream<'static, Result<(Region, Tensor)>>> {
        self.planned(session, Beside::nobody()).await?.chunks()
    }

    /// Plans the chunks for somebody who does something with each, as in "writing a chunk", which takes so many
    /// bytes: with as many at once as there is memory for, and fewer tasks where it is little. What cannot fit
    /// is refused here, before anything runs.
    pub async fn planned_for(
        &self,
        session: &SessionContext,
        what: &'static str,
        bytes: u64,
        at_once: usize,
    ) -> Result<Planned> {
        self.planned(session, Beside::new(what, bytes, at_once)).await
    }

    /// Computes the whole.
    pub async fn compute(&self, session: &SessionContext) -> Result<Tensor> {
        let limit = options_of(session.state_ref().read().config_options()).memory.limit.bytes();
        if self.bytes() > limit {
            return Err(ArrayError::asked(format!(
                "an array of shape {:?} takes {} and is wanted whole, with memory.limit at {}: take its \
                 chunks one by one, or save it",
                self.shape(),
                ByteSize(self.bytes()),
                ByteSize(limit)
            ))
            .into());
        }
        // A chunk that is the whole is counted where it is made.
        let one = self.grid().chunks() == Some(1);
        let beside = Beside::new("the whole", if one { 0 } else { self.bytes() }, 1);
        let Planned { plan, context, .. } = self.planned(session, beside).await?;
        let held = MemoryConsumer::new("an array wanted whole").register(context.memory_pool());
        if !one {
            held.try_grow(usize::try_from(self.bytes()).unwrap_or(usize::MAX))?;
        }
        let whole = Arc::new(physical::Assembled::new(self.dtype(), self.grid()));
        // Whoever makes a chunk puts it in its place.
        let mut parts = JoinSet::new();
        for mut rows in execute_stream_partitioned(plan, context)? {
            let whole = Arc::clone(&whole);
            parts.spawn(async move {
                while let Some(batch) = rows.try_next().await? {
                    whole.take(&batch, 0)?;
                }
                Ok::<_, DataFusionError>(())
            });
        }
        while let Some(part) = parts.join_next().await {
            part.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        }
        let Some(whole) = Arc::into_inner(whole) else {
            return Err(DataFusionError::Internal("an array is still written to".into()).into());
        };
        Ok(whole.finish()?)
    }

    /// Each value once, in order, and how often it is there. What is not a number is one value. How many
    /// there are is known when they are computed: they must fit into memory.
    pub async fn unique(&self, session: &SessionContext) -> Result<(Tensor, Tensor)> {
        let of_time = self.is_of_time();
        let of = if of_time { &self.none_last()? } else { self };
        let found = of.summarize(Summary::Distinct, &[])?;
        let pool = Arc::clone(&session.runtime_env().memory_pool);
        let held = pool.reserved();
        let planned = found.planned(session, Beside::nobody()).await?;
        let bits = match planned.only().await {
            // Tasks find much the same values: one that has all of the memory holds each once.
            Err(error) if is_out_of_memory(&error) => {
                until_free(pool.as_ref(), held).await;
                let alone = found.planned_by(session, Beside::nobody(), Some(1)).await?;
                alone.only().await.map_err(|error| match is_out_of_memory(&error) {
                    true => ArrayError::asked(format!(
                        "its different values are too many for the memory there is: round them or take a part of \
                         them, or raise memory.limit ({error})"
                    ))
                    .into(),
                    false => error,
                })?
            }
            found => found?,
        };
        let (mut values, mut counts) = (Block::empty(self.kind()), Vec::new());
        if let Some(bytes) = bits {
            let both = Tensor::new(Kind::U64.into(), vec![bytes.len() as u64 / 8], bytes)?;
            if let Slice::U64(both) = both.values() {
                let (bits, often) = both.split_at(both.len() / 2);
                values = of_bits(bits, self.kind());
                counts = often.iter().map(|count| *count as i64).collect();
            }
        }
        if let (Block::I64(values), true) = (&mut values, of_time) {
            values.iter_mut().for_each(|value| *value = value.wrapping_add(1));
        }
        let shape = vec![counts.len() as u64];
        let counts = Tensor::from_block(Kind::I64.into(), shape.clone(), Block::I64(counts))?;
        Ok((Tensor::from_block(self.dtype(), shape, values)?, counts))
    }

    async fn planned(&self, session: &SessionContext, beside: Beside) -> Result<Planned> {
        self.planned_by(session, beside, None).await
    }

    async fn planned_by(
        &self,
        session: &SessionContext,
        beside: Beside,
        parts: Option<usize>,
    ) -> Result<Planned> {
        let beside = Arc::new(beside);
        let state = session.state();
        // Batches are merged by their rows, and a row is a whole chunk.
        let mut config = state.config().clone().with_batch_size(1);
        if let Some(parts) = parts {
            config = config.with_target_partitions(parts);
        }
        let state = reconfigured(state, config).build();
        let plan = ArrayNode::new(self.clone())?.beside(Arc::clone(&beside)).into_plan();
        let plan = state.create_physical_plan(&plan).await?;
        if plan.downcast_ref::<PoolExec>().is_some() {
            // Workers know their own memory; who takes the chunks has this process's.
            let room = options_of(state.config_options()).memory.limit.pool_bytes() as u64;
            let held = session.runtime_env().memory_pool.reserved() as u64;
            beside.of_chunks_from_elsewhere(self, room, held)?;
        }
        let (grid, dtype) = (self.grid().clone(), self.dtype());
        Ok(Planned { plan, context: state.task_ctx(), grid, dtype, beside })
    }
}

/// Waits until tasks that were ended have given back what they held, but not for others for long.
async fn until_free(pool: &dyn MemoryPool, held: usize) {
    for _ in 0..PATIENCE {
        if pool.reserved() <= held {
            return;
        }
        tokio::time::sleep(A_WHILE).await;
    }
}

fn is_out_of_memory(error: &EngineError) -> bool {
    matches!(error, EngineError::DataFusion(inner)
        if matches!(inner.find_root(), DataFusionError::ResourcesExhausted(_)))
}

/// The chunks of an array, which nobody computes yet.
#[derive(Debug)]
pub struct Planned {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    grid: Grid,
    dtype: DType,
    beside: Arc<Beside>,
}

impl Planned {
    /// How many chunks there is memory for at once, with whoever they were planned for.
    pub fn at_once(&self) -> usize {
        self.beside.at_once()
    }

    /// Computes them, in whatever order they come. Dropping the stream cancels it.
    pub fn chunks(self) -> Result<BoxStream<'static, Result<(Region, Tensor)>>> {
        let (grid, dtype) = (self.grid.clone(), self.dtype);
        let chunks = self.rows()?.map(move |batch| {
            let rows = physical::chunk_rows(&batch?)?.into_iter().map(|(number, bytes)| {
                let region = grid.region(&grid.place(number));
                let values = Tensor::new(dtype, shape_of(&region), bytes)?;
                Ok((region, values))
            });
            Ok::<_, EngineError>(futures::stream::iter(rows.collect::<Vec<Result<_>>>()))
        });
        Ok(chunks.try_flatten().boxed())
    }

    /// The bytes of the last chunk, which is the only one.
    async fn only(self) -> Result<Option<Buffer>> {
        let rows: Vec<RecordBatch> = self.rows()?.try_collect().await?;
        let chunks = rows.iter().map(physical::chunk_rows).collect::<Result<Vec<_>, _>>()?;
        Ok(chunks.into_iter().flatten().map(|(_, bytes)| bytes).next_back())
    }

    fn rows(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let rows = execute_stream(self.plan, self.context)?;
        Ok(rows.map_err(EngineError::from).boxed())
    }
}
