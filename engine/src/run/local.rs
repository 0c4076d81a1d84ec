//! Runs plans on this machine's cores, within the session's memory limit.
//!
//! Sorts, aggregations, windows and exchanges spill. A hash join cannot: it holds one side whole.
//! When something is refused memory before the first row has left, the query starts again as one
//! for [little memory](super::frugal); rows that have been seen are never taken back.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;

use super::{Execution, Ready, Runner, frugal};
use crate::error::Result;

/// The runner for this machine's cores.
#[derive(Debug, Default, Clone, Copy)]
pub struct LocalRunner;

#[async_trait]
impl Runner for LocalRunner {
    fn name(&self) -> &str {
        "local"
    }

    async fn prepare(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Ready> {
        let state = session.state();
        let physical = state.create_physical_plan(&plan).await?;
        Ok(Ready::new(physical, move |physical, _| {
            let first = execute_stream(Arc::clone(&physical), state.task_ctx())?;
            let running = Arc::new(Mutex::new(physical));
            let stream = {
                let running = Arc::clone(&running);
                with_second_try(first, move || async move {
                    let (stream, physical) = frugal::start(state, &plan).await?;
                    *running.lock() = physical;
                    Ok(stream)
                })
            };
            Ok(vec![Execution { stream, plan: running }])
        }))
    }
}

/// `first`, or what `second` starts if `first` runs out of memory before its first row.
fn with_second_try<F, Fut>(first: SendableRecordBatchStream, second: F) -> SendableRecordBatchStream
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = DataFusionResult<SendableRecordBatchStream>> + Send + 'static,
{
    let schema = first.schema();
    let stream = futures::stream::once(async move {
        let mut first = first;
        loop {
            match first.next().await {
                Some(Err(error)) if is_out_of_memory(&error) => {
                    // The first try gives back what it holds before the second asks for any.
                    drop(first);
                    return second().await;
                }
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                head => {
                    let schema = first.schema();
                    let rest = futures::stream::iter(head).chain(first);
                    let rest = RecordBatchStreamAdapter::new(schema, rest);
                    return Ok(Box::pin(rest) as SendableRecordBatchStream);
                }
            }
        }
    })
    .try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, stream))
}

fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}
