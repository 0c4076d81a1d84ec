//! The layers of a query that has run on the pool: its stages, put together again as one plan, with what
//! their operators counted on all workers.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::internal_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::repartition::RepartitionExec;

use super::plan::{StagePlan, StageWork, resolved};
use crate::cluster::worker::{ReadStageExec, Shape};
use crate::layers::{LayerGraph, OperatorMetrics};

/// What the operators of a stage counted, each before its inputs.
pub(super) type Counted = Vec<Option<OperatorMetrics>>;

/// The layers of stages that have run. None where a worker planned the whole for itself.
pub(super) fn layers(stages: &[(&StagePlan, Counted)]) -> Result<Option<LayerGraph>> {
    let mut together = Together { stages, counted: HashMap::new() };
    let Some(last) = stages.len().checked_sub(1) else { return Ok(None) };
    let Some(plan) = together.stage(last)? else { return Ok(None) };
    let counted =
        |node: &Arc<dyn ExecutionPlan>| together.counted.get(&Arc::as_ptr(node).cast()).copied();
    LayerGraph::of_run(&plan, &counted).map(Some).map_err(DataFusionError::from)
}

struct Together<'a> {
    stages: &'a [(&'a StagePlan, Counted)],
    /// By the operator's place in memory, which holds while the plan does.
    counted: HashMap<*const (), OperatorMetrics>,
}

impl Together<'_> {
    fn stage(&mut self, place: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let stages = self.stages;
        let Some((stage, counted)) = stages.get(place) else { return Ok(None) };
        let StageWork::Parts { plan, places, .. } = &stage.work else { return Ok(None) };
        let plan = resolved(plan, places, &[])?;
        self.operator(&plan, &mut counted.iter()).map(Some)
    }

    fn operator(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        counted: &mut std::slice::Iter<'_, Option<OperatorMetrics>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let own = counted.next().copied().flatten();
        if let Some(read) = node.downcast_ref::<ReadStageExec>() {
            return self.below(read);
        }
        let mut inputs = Vec::new();
        for input in node.children() {
            inputs.push(self.operator(input, counted)?);
        }
        let node = if inputs.is_empty() {
            Arc::clone(node)
        } else {
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Arc::clone(node).replace_children(inputs, options)?
        };
        if let Some(own) = own {
            self.counted.insert(Arc::as_ptr(&node).cast(), own);
        }
        Ok(node)
    }

    /// The stage that a leaf reads, with the exchange between the two.
    fn below(&mut self, read: &ReadStageExec) -> Result<Arc<dyn ExecutionPlan>> {
        let stages = self.stages;
        let place = read.stage() as usize;
        let (Some(below), Some((stage, _))) = (self.stage(place)?, stages.get(place)) else {
            return internal_err!("there is no stage {place}");
        };
        Ok(match (&stage.work, read.shape()) {
            (StageWork::Parts { spread: Some(spread), .. }, _) => {
                Arc::new(RepartitionExec::try_new(below, spread.clone())?)
            }
            (_, Shape::All) => Arc::new(CoalescePartitionsExec::new(below)),
            (_, Shape::Spread | Shape::Each) => below,
        })
    }
}
