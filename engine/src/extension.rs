//! The seam by which connectors, and later GPU kernels, add themselves to a session: one type, one
//! line in `bootstrap.rs`. An extension first shapes the parts a session is built from, then
//! installs what needs the finished session.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use crate::wire::Wire;

/// What a session is built from, while extensions may still change it.
pub struct SessionParts {
    /// Configuration, functions, rules, planners, table and file formats.
    pub state: SessionStateBuilder,
    /// Memory, disk and object stores.
    pub runtime: RuntimeEnvBuilder,
}

/// Something that adds itself to every session.
#[async_trait]
pub trait Extension: Debug + Send + Sync {
    /// A short name, for messages and for `strata config`.
    fn name(&self) -> &'static str;

    /// Adds what a session is built with: rules, planners, formats, object stores.
    fn configure(&self, parts: SessionParts) -> crate::Result<SessionParts> {
        Ok(parts)
    }

    /// Adds what needs the finished session: catalogs, tables, functions.
    fn install(&self, _session: &SessionContext) -> crate::Result<()> {
        Ok(())
    }

    /// Adds the plan nodes that it has and that a pool is to know.
    fn wire(&self, _wire: &mut Wire) -> crate::Result<()> {
        Ok(())
    }

    /// Takes charge of a `COPY` or `INSERT`, so that its output appears whole or not at all.
    ///
    /// Returns the plan with its target exchanged for one that shows nothing yet, and the
    /// transaction that will show it; none where the target is not this extension's.
    async fn begin_write(
        &self,
        _plan: &LogicalPlan,
        _session: &dyn datafusion::catalog::Session,
    ) -> Result<Option<WriteTarget>, DataFusionError> {
        Ok(None)
    }

    /// Says what was wrong with what a failed plan read: which file, where in it, and what to do.
    /// None where the error is of another kind, or nothing can be found quickly.
    async fn diagnose(
        &self,
        _error: &DataFusionError,
        _plan: &Arc<dyn ExecutionPlan>,
        _session: &SessionState,
    ) -> Option<DataFusionError> {
        None
    }

    /// As [`diagnose`](Self::diagnose), for a plan that failed while it was made.
    async fn diagnose_planning(
        &self,
        _error: &DataFusionError,
        _plan: &LogicalPlan,
        _session: &SessionState,
    ) -> Option<DataFusionError> {
        None
    }

    /// Fails where something that `plan` has read is not what it was when it was planned, so that
    /// rows of two writings are not taken for those of one.
    async fn verify(
        &self,
        _plan: &Arc<dyn ExecutionPlan>,
        _session: &SessionState,
    ) -> Result<(), DataFusionError> {
        Ok(())
    }
}

/// A write whose output is not visible yet.
pub struct WriteTarget {
    /// The plan, writing to where nobody looks.
    pub plan: LogicalPlan,
    /// What makes the output visible.
    pub transaction: Arc<dyn WriteTransaction>,
}

/// Makes the outputs of one write visible together. Dropped without either call, it gives up as
/// [`abort`](Self::abort) does, as far as that can be done without waiting.
#[async_trait]
pub trait WriteTransaction: Debug + Send + Sync {
    /// Shows the outputs: all of them, or none and an error.
    async fn commit(&self) -> Result<(), DataFusionError>;

    /// Removes whatever was written. Returns what went wrong where it was the writing itself: the
    /// plan's own error may only say that something did.
    async fn abort(&self) -> Option<DataFusionError>;
}
