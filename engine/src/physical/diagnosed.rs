//! The root of every plan that reads files: when reading fails, asks the extensions which file it
//! was, where in it, and what to do. Looking costs time, so it happens only after a failure.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::context::SessionState;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::pass_through::{PassThroughExec, Step};
use crate::extension::Extension;

/// Explains the failures of its input.
pub type DiagnosedExec = PassThroughExec<Diagnosed>;

/// The step of [`DiagnosedExec`].
#[derive(Debug, Clone)]
pub struct Diagnosed {
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
        Self::over(input, Diagnosed { extensions, session })
    }
}

impl Step for Diagnosed {
    const NAME: &'static str = "DiagnosedExec";

    fn pass(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let (step, plan) = (self.clone(), Arc::clone(input));
        rows.then(move |item| {
            let (step, plan) = (step.clone(), Arc::clone(&plan));
            async move {
                let error = match item {
                    Ok(batch) => return Ok(batch),
                    Err(error) => error,
                };
                for extension in &step.extensions {
                    if let Some(found) = extension.diagnose(&error, &plan, &step.session).await {
                        return Err(found);
                    }
                }
                Err(error)
            }
        })
        .boxed()
    }

    fn renew(&self) -> Self {
        self.clone()
    }
}
