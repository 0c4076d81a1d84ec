//! Operators that pass rows through: they look at them, repack them, or leave out what nobody asks for,
//! and change neither what they are nor their order. Each is a [`Step`] in a file of its own; what
//! makes it an operator is here.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;
use futures::stream::BoxStream;

/// What is done to the rows of one operator.
pub trait Step: fmt::Debug + Send + Sync + 'static {
    /// The operator's name in a plan.
    const NAME: &'static str;
    /// Whether no row is left out.
    const KEEPS_ALL: bool = true;

    /// What a plan shows behind the name.
    fn describe(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    /// The rows of one partition of `input`, as they go on.
    fn pass(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> BoxStream<'static, Result<RecordBatch>>;

    /// The same step over other input: nothing that was counted of the old one stays.
    fn renew(&self) -> Self;
}

/// The operator of a step.
#[derive(Debug)]
pub struct PassThroughExec<S> {
    input: Arc<dyn ExecutionPlan>,
    step: S,
    metrics: ExecutionPlanMetricsSet,
}

impl<S: Step> PassThroughExec<S> {
    pub(super) fn over(input: Arc<dyn ExecutionPlan>, step: S) -> Self {
        Self { input, step, metrics: ExecutionPlanMetricsSet::new() }
    }

    pub(super) fn step(&self) -> &S {
        &self.step
    }
}

impl<S: Step> DisplayAs for PassThroughExec<S> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::NAME)?;
        self.step.describe(f)
    }
}

impl<S: Step> ExecutionPlan for PassThroughExec<S> {
    fn name(&self) -> &'static str {
        S::NAME
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
                let step = self.step.renew();
                Ok(Arc::new(Self::over(input, step)))
            }
            _ => internal_err!("{} has one input", S::NAME),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        match S::KEEPS_ALL {
            true => CardinalityEffect::Equal,
            false => CardinalityEffect::LowerEqual,
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let Some(input) = inputs.first() else {
            return internal_err!("{} has one input", S::NAME);
        };
        Ok(match S::KEEPS_ALL {
            true => Arc::clone(input),
            false => Arc::new(Statistics::clone(input).to_inexact()),
        })
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let passed = self
            .step
            .pass(&self.input, rows)
            .map(move |batch| batch.map(|batch| batch.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), passed)))
    }
}
