//! The root of every plan that reads files: passes rows through untouched, and when reading fails,
//! asks the extensions which file it was, where in it, and what to do. Looking costs time, so it
//! happens only after a failure.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;

use crate::extension::Extension;

/// Explains the failures of its input.
#[derive(Debug)]
pub struct DiagnosedExec {
    input: Arc<dyn ExecutionPlan>,
    extensions: Vec<Arc<dyn Extension>>,
    session: Arc<SessionState>,
}

impl DiagnosedExec {
    /// Puts `input` under the eyes of the extensions.
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        extensions: Vec<Arc<dyn Extension>>,
        session: Arc<SessionState>,
    ) -> Self {
        Self { input, extensions, session }
    }
}

impl DisplayAs for DiagnosedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiagnosedExec")
    }
}

impl ExecutionPlan for DiagnosedExec {
    fn name(&self) -> &'static str {
        "DiagnosedExec"
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
            _ => internal_err!("DiagnosedExec has one input"),
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
        let explained = input.then(move |item| {
            let (plan, session) = (Arc::clone(&plan), Arc::clone(&session));
            let extensions = extensions.clone();
            async move {
                let error = match item {
                    Ok(batch) => return Ok(batch),
                    Err(error) => error,
                };
                for extension in &extensions {
                    if let Some(found) = extension.diagnose(&error, &plan, &session).await {
                        return Err(found);
                    }
                }
                Err(error)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), explained.boxed())))
    }
}
