//! A plan cut into stages, at the exchanges that it has, by Ballista's planner. That one also looks at the sides
//! of joins, and gives the smaller to every task where its own bound allows it: after exchanges were put in,
//! which then move rows for nothing. Which sides are given is settled before (`optimize::given_sides`), so it
//! is shown no other joins, and told a bound that no side reaches.

use std::sync::Arc;

use ballista_core::JobId;
use ballista_core::config::BallistaConfig;
use ballista_scheduler::planner::{DefaultDistributedPlanner, DistributedPlanner};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::config::{ConfigOptions, ExtensionOptions};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{Partitioning, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    PlanProperties, SendableRecordBatchStream,
};

/// A stage of a plan.
pub(super) struct CutStage {
    /// Its number, by which the leaves of others name it.
    pub(super) id: usize,
    /// What its tasks do.
    pub(super) plan: Arc<dyn ExecutionPlan>,
    /// By what its rows are exchanged.
    pub(super) spread: Option<Partitioning>,
}

/// The stages of a plan, sources first.
pub(super) fn stages_of(
    plan: Arc<dyn ExecutionPlan>,
    options: &ConfigOptions,
) -> Result<Vec<CutStage>> {
    let mut options = options.clone();
    let mut ballista = BallistaConfig::default();
    let bound = usize::MAX.to_string();
    ExtensionOptions::set(&mut ballista, "optimizer.broadcast_join_threshold_bytes", &bound)?;
    options.extensions.insert(ballista);
    DefaultDistributedPlanner::new()
        .plan_query_stages(&JobId::from("strata".to_string()), hidden(plan)?, &options)
        .map_err(|error| DataFusionError::External(Box::new(error)))?
        .into_iter()
        .map(|stage| {
            let [input] = stage.children()[..] else {
                return internal_err!("a stage has not one input");
            };
            Ok(CutStage {
                id: stage.stage_id(),
                plan: shown(Arc::clone(input))?,
                spread: stage.shuffle_output_partitioning().cloned(),
            })
        })
        .collect()
}

/// A plan whose joins of exchanged sides cannot be told from other operators.
fn hidden(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let exchanged = node.downcast_ref::<HashJoinExec>().is_some_and(|join| {
            // One that is aware of NULLs runs in one task, which is Ballista's to arrange.
            *join.partition_mode() == PartitionMode::Partitioned && !join.null_aware
        });
        Ok(match exchanged {
            true => Transformed::yes(Arc::new(ExchangedJoin { join: node }) as _),
            false => Transformed::no(node),
        })
    })
    .data()
}

/// The plan that was [`hidden`].
fn shown(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        Ok(match node.downcast_ref::<ExchangedJoin>() {
            Some(hidden) => Transformed::yes(Arc::clone(&hidden.join)),
            None => Transformed::no(node),
        })
    })
    .data()
}

/// A join of exchanged sides that does not look like one. It is never run.
#[derive(Debug)]
struct ExchangedJoin {
    join: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for ExchangedJoin {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.join.fmt_as(t, f)
    }
}

impl ExecutionPlan for ExchangedJoin {
    fn name(&self) -> &'static str {
        "ExchangedJoin"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.input_distribution_requirements().into_per_child()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.join.input_distribution_requirements()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.join.maintains_input_order()
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(apply)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let join = Arc::clone(&self.join).replace_children(children, options)?;
        Ok(Arc::new(Self { join }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.join.child_stats_requests(partition)
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.join.statistics_from_inputs(inputs, args)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("a join that is hidden from a planner is not run")
    }
}
