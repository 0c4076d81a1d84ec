//! After the last row, asks the extensions whether what was read is still what was planned. A reader
//! knows a file by the size its listing told; a file that is replaced meanwhile would be cut there
//! without a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::context::SessionState;
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream,
};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};

use super::pass_through::{PassThroughExec, Step};
use crate::extension::Extension;

/// Fails where what its input read has changed since it was planned.
pub type VerifiedExec = PassThroughExec<Verified>;

/// The step of [`VerifiedExec`].
#[derive(Debug)]
pub struct Verified {
    extensions: Vec<Arc<dyn Extension>>,
    session: Arc<SessionState>,
    /// Partitions that have ended: the last one of each run looks.
    ended: Arc<AtomicUsize>,
}

impl VerifiedExec {
    /// Has the extensions look at what `input` read, once it has ended.
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        extensions: Vec<Arc<dyn Extension>>,
        session: Arc<SessionState>,
    ) -> Self {
        Self::over(input, Verified { extensions, session, ended: Arc::default() })
    }
}

impl Step for Verified {
    const NAME: &'static str = "VerifiedExec";

    fn pass(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let plan = Arc::clone(input);
        let session = Arc::clone(&self.session);
        let extensions = self.extensions.clone();
        let partitions = input.output_partitioning().partition_count();
        let ended = Arc::clone(&self.ended);
        let look = async move {
            if !(ended.fetch_add(1, Ordering::AcqRel) + 1).is_multiple_of(partitions) {
                return None;
            }
            for extension in &extensions {
                if let Err(changed) = extension.verify(&plan, &session).await {
                    return Some(Err(changed));
                }
            }
            None
        };
        rows.chain(look.into_stream().filter_map(futures::future::ready)).boxed()
    }

    fn renew(&self) -> Self {
        Self {
            extensions: self.extensions.clone(),
            session: Arc::clone(&self.session),
            ended: Arc::default(),
        }
    }
}
