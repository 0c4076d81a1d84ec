//! Runs plans on a pool: the session's planner has them made by workers. Nothing is tried again here,
//! as the scheduler does that where it helps.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream, execute_stream_partitioned};
use parking_lot::Mutex;

use super::{Execution, Ready, Runner};
use crate::cluster::{Pool, PoolExec};
use crate::error::Result;

/// The runner for sessions whose queries a pool runs.
#[derive(Debug, Clone)]
pub struct PoolRunner {
    name: String,
    pool: Arc<Pool>,
}

impl PoolRunner {
    /// For sessions that were built with this pool.
    pub fn new(pool: &Arc<Pool>) -> Self {
        Self { name: pool.address().to_string(), pool: Arc::clone(pool) }
    }
}

#[async_trait]
impl Runner for PoolRunner {
    fn name(&self) -> &str {
        &self.name
    }

    fn shares(&self) -> usize {
        self.pool.cores()
    }

    /// Of the memory of all workers.
    async fn share_of_memory(&self, _: &SessionContext, plan: &Arc<dyn ExecutionPlan>) -> f64 {
        let Some(query) = PoolExec::within(plan) else { return 0.0 };
        // A query that one worker plans for itself is small.
        let (layers, workers) = tokio::join!(query.layers(), self.pool.workers());
        let (Ok(layers), Ok(workers)) = (layers, workers) else { return 0.0 };
        let memory: u64 = workers.iter().map(|worker| worker.memory).sum();
        if memory == 0 { 0.0 } else { layers.projected() as f64 / memory as f64 }
    }

    async fn prepare(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Ready> {
        let state = session.state();
        let physical = state.create_physical_plan(&plan).await?;
        Ok(Ready::new(physical, move |physical, shares| {
            let shared = PoolExec::in_shares(&physical, shares)?;
            let (physical, streams) = match shared {
                Some(shared) => {
                    let streams =
                        execute_stream_partitioned(Arc::clone(&shared), state.task_ctx())?;
                    (shared, streams)
                }
                None => {
                    let stream = execute_stream(Arc::clone(&physical), state.task_ctx())?;
                    (physical, vec![stream])
                }
            };
            let plan = Arc::new(Mutex::new(physical));
            let execution = |stream| Execution { stream, plan: Arc::clone(&plan) };
            Ok(streams.into_iter().map(execution).collect())
        }))
    }
}
