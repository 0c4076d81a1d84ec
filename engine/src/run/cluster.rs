//! Runs plans on a pool: the session's planner has them made by workers. Nothing is tried again here,
//! as the scheduler does that where it helps.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use parking_lot::Mutex;

use super::{Execution, Ready, Runner};
use crate::cluster::Pool;
use crate::error::Result;

/// The runner for sessions whose queries a pool runs.
#[derive(Debug, Clone)]
pub struct PoolRunner {
    name: String,
}

impl PoolRunner {
    /// For sessions that were built with this pool.
    pub fn new(pool: &Pool) -> Self {
        Self { name: pool.address().to_string() }
    }
}

#[async_trait]
impl Runner for PoolRunner {
    fn name(&self) -> &str {
        &self.name
    }

    async fn prepare(&self, session: &SessionContext, plan: LogicalPlan) -> Result<Ready> {
        let state = session.state();
        let physical = state.create_physical_plan(&plan).await?;
        Ok(Ready::new(physical, move |physical| {
            let stream = execute_stream(Arc::clone(&physical), state.task_ctx())?;
            Ok(Execution { stream, plan: Arc::new(Mutex::new(physical)) })
        }))
    }
}
