//! A result that several plans of one query are given: computed once in each process, and kept.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{Distribution, PhysicalExprRef};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;
use tokio::sync::OnceCell;

use crate::lazy::Memo;

/// Runs its input once, whoever asks. Copies of it share what came of it.
#[derive(Debug)]
pub struct SharedExec {
    input: Arc<dyn ExecutionPlan>,
    rows: Arc<OnceCell<Kept>>,
    /// Where they stay for other queries.
    memo: Option<Arc<Memo>>,
}

/// The rows, or why there are none.
type Kept =
    std::result::Result<(Vec<RecordBatch>, Option<MemoryReservation>), Arc<DataFusionError>>;

impl SharedExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, memo: Option<Arc<Memo>>) -> Self {
        Self { input, rows: Arc::default(), memo }
    }
}

impl DisplayAs for SharedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedExec: computed once")
    }
}

impl ExecutionPlan for SharedExec {
    fn name(&self) -> &'static str {
        "SharedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                let (rows, memo) = (Arc::clone(&self.rows), self.memo.clone());
                Ok(Arc::new(Self { input, rows, memo }))
            }
            _ => internal_err!("SharedExec has one input"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition > 0 {
            return internal_err!("a shared result has one partition");
        }
        let (rows, input) = (Arc::clone(&self.rows), Arc::clone(&self.input));
        let memo = self.memo.clone();
        let kept = async move {
            // What failed has been run, and is not run again.
            let run = async {
                if let Some(rows) = memo.as_ref().and_then(|memo| memo.rows()) {
                    return Ok((rows, None));
                }
                let (rows, held) = collect(input, context).await.map_err(Arc::new)?;
                Ok(match memo {
                    Some(memo) => {
                        let held = memo.keep(rows.clone(), held);
                        (rows, held)
                    }
                    None => (rows, Some(held)),
                })
            };
            match rows.get_or_init(|| run).await {
                Ok((rows, _)) => Ok(futures::stream::iter(rows.clone().into_iter().map(Ok))),
                Err(error) => Err(DataFusionError::Shared(Arc::clone(error))),
            }
        };
        let rows = futures::stream::once(kept).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

async fn collect(
    input: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
) -> Result<(Vec<RecordBatch>, MemoryReservation)> {
    let held = MemoryConsumer::new("a shared result").register(context.memory_pool());
    let mut rows = input.execute(0, context)?;
    let mut kept = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        held.try_grow(batch.get_array_memory_size())?;
        kept.push(batch);
    }
    Ok((kept, held))
}
