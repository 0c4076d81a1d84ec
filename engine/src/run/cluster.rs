//! Runs plans on a pool: the session's planner has them made by workers. Nothing is tried again here,
//! as the scheduler does that where it helps.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
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
        let Ok(layers) = query.layers().await else { return 0.0 };
        let workers = self.pool.workers().await.unwrap_or_default();
        let memory: u64 = workers.iter().map(|worker| worker.memory).sum();
        layers.projected() as f64 / memory.max(1) as f64
    }

    async fn prepare(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Ready> {
        let state = session.state();
        let physical = state.create_physical_plan(&plan).await?;
        let context = state.task_ctx();
        let ready = Ready::new(physical, move |physical| {
            let stream = execute_stream(Arc::clone(&physical), state.task_ctx())?;
            Ok(Execution { stream, plan: Arc::new(Mutex::new(physical)) })
        });
        Ok(ready.in_shares(context))
    }
}
