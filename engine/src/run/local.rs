//! Runs plans on this machine's cores, within the session's memory limit.
//!
//! Sorts, aggregations, windows and exchanges spill. A hash join cannot: it holds one side whole.
//! When one is refused memory before the first row has left, the query starts again with
//! sort-merge joins, which spill; rows that have been seen are never taken back.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;

use super::{Execution, Runner};
use crate::error::Result;

/// The runner for this machine's cores.
#[derive(Debug, Default, Clone, Copy)]
pub struct LocalRunner;

#[async_trait]
impl Runner for LocalRunner {
    fn name(&self) -> &str {
        "local"
    }

    async fn run(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Execution> {
        let state = session.state();
        let physical = state.create_physical_plan(&plan).await?;
        let first = execute_stream(Arc::clone(&physical), state.task_ctx())?;
        let holds_a_side = has_hash_join(&physical);
        let running = Arc::new(Mutex::new(physical));
        let stream = if holds_a_side {
            let running = Arc::clone(&running);
            with_second_try(first, move || async move {
                let (stream, physical) = start_with_merge_joins(state, &plan).await?;
                *running.lock() = physical;
                Ok(stream)
            })
        } else {
            first
        };
        Ok(Execution { stream, plan: running })
    }
}

fn has_hash_join(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<HashJoinExec>().is_some() || plan.children().into_iter().any(has_hash_join)
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

/// Plans again with joins that spill instead of holding a side.
async fn start_with_merge_joins(
    mut state: SessionState,
    plan: &LogicalPlan,
) -> DataFusionResult<(SendableRecordBatchStream, Arc<dyn ExecutionPlan>)> {
    state.config_mut().options_mut().optimizer.prefer_hash_join = false;
    let physical = state.create_physical_plan(plan).await?;
    let stream = execute_stream(Arc::clone(&physical), state.task_ctx())?;
    Ok((stream, physical))
}
