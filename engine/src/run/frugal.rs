//! Planning for little memory, after a first plan was refused some: joins that spill instead of
//! holding a side, sorts that spill instead of keeping the first rows of all, and smaller batches,
//! of which merges hold one for each run.

use std::sync::Arc;

use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};

use crate::config::{ByteSize, StrataOptions};
use crate::optimize;

/// Rows of a batch: an eighth of DataFusion's usual ones.
const BATCH: usize = 1024;

/// Plans again, for less memory, and starts.
pub(super) async fn start(
    state: SessionState,
    plan: &LogicalPlan,
) -> Result<(SendableRecordBatchStream, Arc<dyn ExecutionPlan>)> {
    let rules = optimize::frugal(state.physical_optimizers());
    let mut state = SessionStateBuilder::from(state).with_physical_optimizer_rules(rules).build();
    let options = state.config_mut().options_mut();
    let batch = options.execution.batch_size.get().min(BATCH);
    options.execution.batch_size = ConfigNonZeroUsize::try_new(batch)?;
    if let Some(strata) = options.extensions.get_mut::<StrataOptions>() {
        strata.array.keep = ByteSize(0);
    }
    let physical = state.create_physical_plan(plan).await?;
    let stream = execute_stream(Arc::clone(&physical), state.task_ctx())?;
    Ok((stream, physical))
}
