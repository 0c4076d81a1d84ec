//! A write that appears whole or not at all: runs its input, which writes where nobody looks, then
//! commits; on any error, or when the query is dropped half-way, nothing has appeared.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use crate::extension::WriteTransaction;

/// Commits a [`WriteTransaction`] once its input has run to its end.
#[derive(Debug)]
pub struct AtomicWriteExec {
    input: Arc<dyn ExecutionPlan>,
    transaction: Arc<dyn WriteTransaction>,
    started: Arc<AtomicBool>,
}

impl AtomicWriteExec {
    /// Wraps `input`, the plan that writes and returns how many rows it wrote.
    pub fn new(input: Arc<dyn ExecutionPlan>, transaction: Arc<dyn WriteTransaction>) -> Self {
        Self { input, transaction, started: Arc::default() }
    }
}

impl DisplayAs for AtomicWriteExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtomicWriteExec")
    }
}

impl ExecutionPlan for AtomicWriteExec {
    fn name(&self) -> &'static str {
        "AtomicWriteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self {
                input,
                transaction: Arc::clone(&self.transaction),
                started: Arc::clone(&self.started),
            })),
            _ => internal_err!("AtomicWriteExec has one input"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if self.started.swap(true, Ordering::SeqCst) {
            return internal_err!("a write can run only once; plan it again to repeat it");
        }
        let written = self.input.execute(partition, context)?;
        let transaction = Arc::clone(&self.transaction);
        // The row count is held back until the commit: a count that was seen must be true.
        let counted = futures::stream::once(async move {
            match written.try_collect::<Vec<_>>().await {
                Ok(batches) => {
                    transaction.commit().await?;
                    Ok(futures::stream::iter(batches.into_iter().map(Ok)))
                }
                Err(error) => Err(transaction.abort().await.unwrap_or(error)),
            }
        })
        .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), counted.boxed())))
    }
}
