//! Results of other plans that every chunk is given whole.

use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};
use tokio::sync::OnceCell;

use super::chunks::Assembled;
use crate::array::Tensor;
use crate::lazy::Array;

/// Plans, what their results look like, and the results, once somebody has asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    plans: Vec<Makes>,
    results: Arc<OnceCell<Collected>>,
}

/// A plan, and the arrays that it makes: each a part of its rows.
type Makes = (Arc<dyn ExecutionPlan>, Vec<Array>);

/// The results, or why there are none.
type Collected = std::result::Result<(Arc<[Tensor]>, MemoryReservation), Arc<DataFusionError>>;

impl Given {
    pub(super) fn new(plans: Vec<Makes>) -> Self {
        Self { plans, results: Arc::default() }
    }

    /// How many plans there are.
    pub(super) fn len(&self) -> usize {
        self.plans.len()
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> u64 {
        self.arrays().map(Array::bytes).fold(0, u64::saturating_add)
    }

    /// What makes them.
    pub(super) fn plans(&self) -> impl Iterator<Item = &Makes> {
        self.plans.iter()
    }

    /// What they look like.
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.plans.iter().flat_map(|(_, arrays)| arrays)
    }

    /// The same, made by other plans.
    pub(super) fn made_by(&self, plans: &[Arc<dyn ExecutionPlan>]) -> Result<Self> {
        if plans.len() != self.plans.len() {
            return internal_err!("chunks came with {} given results", plans.len());
        }
        let arrays = self.plans.iter().map(|(_, arrays)| arrays.clone());
        Ok(Self::new(plans.iter().cloned().zip(arrays).collect()))
    }

    /// The results, computed when first asked for.
    pub(super) fn collected(
        &self,
        context: &Arc<TaskContext>,
    ) -> BoxFuture<'static, Result<Arc<[Tensor]>>> {
        let (plans, results) = (self.plans.clone(), Arc::clone(&self.results));
        let context = Arc::clone(context);
        async move {
            // What failed has been run, and is not run again.
            let collect = async { collect(plans, context).await.map_err(Arc::new) };
            match results.get_or_init(|| collect).await {
                Ok((results, _)) => Ok(Arc::clone(results)),
                Err(error) => Err(DataFusionError::Shared(Arc::clone(error))),
            }
        }
        .boxed()
    }
}

async fn collect(
    plans: Vec<Makes>,
    context: Arc<TaskContext>,
) -> Result<(Arc<[Tensor]>, MemoryReservation)> {
    let held = MemoryConsumer::new("results given to all").register(context.memory_pool());
    let mut results = Vec::with_capacity(plans.len());
    for (plan, arrays) in &plans {
        let mut rows = plan.execute(0, Arc::clone(&context))?;
        let mut whole = Vec::with_capacity(arrays.len());
        for array in arrays {
            held.try_grow(usize::try_from(array.bytes()).unwrap_or(usize::MAX))?;
            whole.push(Assembled::new(array.dtype(), array.grid()));
        }
        while let Some(batch) = rows.try_next().await? {
            for (part, whole) in whole.iter().enumerate() {
                whole.take(&batch, part)?;
            }
        }
        for whole in whole {
            results.push(whole.finish()?);
        }
    }
    Ok((results.into(), held))
}
