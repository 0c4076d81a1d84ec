//! Passes rows through untouched, and after the last one asks the extensions whether what was read
//! is still what was planned. A reader knows a file by the size its listing told; a file that is
//! replaced meanwhile would be cut there without a word.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{FutureExt, StreamExt};

use crate::extension::Extension;

/// Fails where what its input read has changed since it was planned.
#[derive(Debug)]
pub struct VerifiedExec {
    input: Arc<dyn ExecutionPlan>,
    extensions: Vec<Arc<dyn Extension>>,
    session: Arc<SessionState>,
    /// Partitions that have not ended: the last one looks.
    running: Arc<AtomicUsize>,
}

impl VerifiedExec {
    /// Has the extensions look at what `input` read, once it has ended.
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        extensions: Vec<Arc<dyn Extension>>,
        session: Arc<SessionState>,
    ) -> Self {
        let running = Arc::new(AtomicUsize::new(input.output_partitioning().partition_count()));
        Self { input, extensions, session, running }
    }
}

impl DisplayAs for VerifiedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedExec")
    }
}

impl ExecutionPlan for VerifiedExec {
    fn name(&self) -> &'static str {
        "VerifiedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => {
                Ok(Arc::new(Self::new(input, self.extensions.clone(), Arc::clone(&self.session))))
            }
            _ => internal_err!("VerifiedExec has one input"),
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
        let input = self.input.execute(partition, context)?;
        let plan = Arc::clone(&self.input);
        let session = Arc::clone(&self.session);
        let extensions = self.extensions.clone();
        let running = Arc::clone(&self.running);
        let look = async move {
            if running.fetch_sub(1, Ordering::AcqRel) != 1 {
                return None;
            }
            for extension in &extensions {
                if let Err(changed) = extension.verify(&plan, &session).await {
                    return Some(Err(changed));
                }
            }
            None
        };
        let verified = input.chain(look.into_stream().filter_map(futures::future::ready));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), verified.boxed())))
    }
}
