//! Computing arrays: their chunks as they come, or the whole.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::execute_stream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::array::{ArrayError, Region, Tensor, shape_of};
use crate::config::{ByteSize, options_of};
use crate::error::Result;
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
        let mut whole = physical::Assembled::new(self.dtype(), self.grid());
        let mut rows = self.rows(session).await?;
        while let Some(batch) = rows.try_next().await? {
            whole.take(&batch)?;
        }
        Ok(whole.finish()?)
    }

    async fn rows(
        &self,
        session: &SessionContext,
    ) -> Result<BoxStream<'static, Result<datafusion::arrow::array::RecordBatch>>> {
        let state = session.state();
        // Batches are merged by their rows, and a row is a whole chunk.
        let config = state.config().clone().with_batch_size(1);
        let state = reconfigured(state, config).build();
        let plan = ArrayNode::new(self.clone())?.into_plan();
        let plan = state.create_physical_plan(&plan).await?;
        let rows = execute_stream(Arc::clone(&plan), state.task_ctx())?;
        Ok(rows.map_err(crate::EngineError::from).boxed())
    }
}
