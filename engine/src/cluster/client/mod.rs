//! A pool, from a client's side.

mod answer;
mod exec;
mod fetch;
mod scans;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use serde::de::DeserializeOwned;

pub use exec::PoolExec;
pub(crate) use table::with_rows_from_pool;

use super::link::{Address, Link, Links};
use super::options::for_the_pool;
use super::protocol::{Cancel, Jobs, Workers};
pub use super::scheduler::{JobRow, WorkerRow};
use super::security::Security;
use crate::error::{EngineError, Result};
use crate::session::reconfigured;
use crate::wire::Wire;
use scans::scans_in_place_of_tables;

/// A pool of workers that a session runs its queries on.
#[derive(Debug)]
pub struct Pool {
    link: Link,
    links: Links,
    cores: AtomicUsize,
}

impl Pool {
    /// Finds the scheduler, which must be there and let us in.
    pub async fn find(scheduler: Address, security: Security) -> Result<Arc<Self>> {
        let link = Link::to(scheduler, &security)?;
        let pool = Self { link, links: Links::new(security), cores: AtomicUsize::new(1) };
        pool.workers().await?;
        Ok(Arc::new(pool))
    }

    /// Where the scheduler is.
    pub fn address(&self) -> &Address {
        self.link.address()
    }

    /// The cores of its workers, when they were last asked about.
    pub fn cores(&self) -> usize {
        self.cores.load(Ordering::Relaxed)
    }

    /// Who works in it.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>> {
        let answer = self.link.ask(&Workers {}).await?;
        self.cores.store((answer.cores as usize).max(1), Ordering::Relaxed);
        rows(&answer.workers)
    }

    /// Its queries: the last that have ended, and those that run.
    pub async fn jobs(&self) -> Result<Vec<JobRow>> {
        rows(&self.link.ask(&Jobs {}).await?.jobs)
    }

    /// Ends a query; says what it was doing.
    pub async fn cancel(&self, job: u64) -> Result<String> {
        let answer = self.link.ask(&Cancel { job }).await?;
        if answer.found {
            return Ok(answer.state);
        }
        Err(EngineError::Pool(format!("there is no job {job}; SHOW JOBS lists them all")))
    }

    /// A plan that has the rows of an optimized logical plan made by the pool.
    pub(crate) async fn plan(
        self: &Arc<Self>,
        plan: &LogicalPlan,
        state: &SessionState,
    ) -> Result<PoolExec, DataFusionError> {
        let mut config = state.config().clone();
        for_the_pool(config.options_mut(), self.cores())?;
        // A value that may be several is looked at as it is computed: in one place.
        if !has_single_values(plan)? {
            config.options_mut().optimizer.enable_physical_uncorrelated_scalar_subquery = true;
        }
        let pooled = reconfigured(state.clone(), config).build();
        let optimized = pooled.optimize(plan)?;
        let (sent, scans) = scans_in_place_of_tables(optimized, &pooled).await?;
        let wire = state.config().get_extension::<Wire>().unwrap_or_default();
        let bytes = wire.logical_to_bytes(&sent)?;
        PoolExec::new(Arc::clone(self), &sent, bytes, scans, state)
    }
}

/// Whether each subquery that stands for a value has one row at most, by its form: it may be joined then.
fn has_single_values(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut single = true;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarSubquery(value) = expr {
                    single &= value.subquery.max_rows().is_some_and(|rows| rows <= 1);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(single)
}

fn rows<T: DeserializeOwned>(texts: &[String]) -> Result<Vec<T>> {
    let rows: Result<_, _> = texts.iter().map(|text| serde_json::from_str(text)).collect();
    rows.map_err(|error| {
        EngineError::Pool(format!("the scheduler's answer makes no sense: {error}"))
    })
}
