//! Computing arrays: their chunks as they come, or the whole.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::runtime::JoinSet;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::{ExecutionPlan, execute_stream, execute_stream_partitioned};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::array::{ArrayError, Kind, Region, Tensor, shape_of};
use crate::config::{ByteSize, options_of};
use crate::error::Result;
use crate::kernels::{Block, Slice, Summary, of_bits};
use crate::lazy::Array;
use crate::logical::ArrayNode;
use crate::physical;
use crate::session::reconfigured;

impl Array {
    /// Computes the chunks, in whatever order they come. Dropping the stream cancels it.
    pub async fn chunks(
        &self,
        session: &SessionContext,
    ) -> Result<BoxStream<'static, Result<(Region, Tensor)>>> {
        let (grid, dtype) = (self.grid().clone(), self.dtype());
        let rows = self.rows(session).await?;
        let chunks = rows.map(move |batch| {
            let rows = physical::chunk_rows(&batch?)?.into_iter().map(|(number, bytes)| {
                let region = grid.region(&grid.place(number));
                let values = Tensor::new(dtype, shape_of(&region), bytes)?;
                Ok((region, values))
            });
            Ok::<_, crate::EngineError>(futures::stream::iter(rows.collect::<Vec<Result<_>>>()))
        });
        Ok(chunks.try_flatten().boxed())
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
        let (plan, context) = self.planned(session).await?;
        let held = MemoryConsumer::new("an array wanted whole").register(context.memory_pool());
        // A chunk that is the whole is counted where it is made.
        if self.grid().chunks() != Some(1) {
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
        let mut rows = found.rows(session).await?;
        let (mut values, mut counts) = (Block::empty(self.kind()), Vec::new());
        while let Some(batch) = rows.try_next().await? {
            for (_, bytes) in physical::chunk_rows(&batch)? {
                let length = bytes.len() as u64 / 8;
                let both = Tensor::new(Kind::U64.into(), vec![length], bytes)?;
                let Slice::U64(both) = both.values() else { continue };
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

    async fn rows(
        &self,
        session: &SessionContext,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let (plan, context) = self.planned(session).await?;
        Ok(execute_stream(plan, context)?.map_err(crate::EngineError::from).boxed())
    }

    /// The plan that makes the chunks, and what it runs with.
    async fn planned(
        &self,
        session: &SessionContext,
    ) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
        let state = session.state();
        // Batches are merged by their rows, and a row is a whole chunk.
        let config = state.config().clone().with_batch_size(1);
        let state = reconfigured(state, config).build();
        let plan = ArrayNode::new(self.clone())?.into_plan();
        let plan = state.create_physical_plan(&plan).await?;
        Ok((plan, state.task_ctx()))
    }
}
