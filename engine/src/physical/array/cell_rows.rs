//! The cells of chunks as rows.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, RecordOutput};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::cells::{Cells, boxes, cell_schema, rows};
use crate::array::shape_of;

/// Rows of the cells of chunks.
#[derive(Debug)]
pub struct CellsExec {
    cells: Arc<Cells>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CellsExec {
    pub(crate) fn new(cells: Arc<Cells>, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(cell_schema(&cells)),
            input.output_partitioning().clone(),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = Arc::new(properties);
        Self { cells, input, properties, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// What the rows look like.
    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }
}

impl DisplayAs for CellsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.cells.places.iter().map(|place| place.name.as_str());
        let values = self.cells.values.iter().map(|column| column.name.as_str());
        write!(f, "CellsExec: {}", places.chain(values).collect::<Vec<_>>().join(", "))?;
        if self.cells.only {
            f.write_str("; of the cells that are asked for")?;
        }
        match &self.cells.as_rows {
            Some(reason) => write!(f, "; row by row, as {reason}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for CellsExec {
    operator_on_chunks!("CellsExec");

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(Arc::clone(&self.cells), input))),
            _ => internal_err!("CellsExec has one input"),
        }
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let all = crate::array::cells(&self.cells.grid.shape()).unwrap_or(u64::MAX);
        let all = usize::try_from(all).unwrap_or(usize::MAX);
        let parts = self.input.output_partitioning().partition_count().max(1);
        let rows = match args.partition() {
            Some(_) => Precision::Inexact(all.div_ceil(parts)),
            None if self.cells.only => Precision::Inexact(all),
            None => Precision::Exact(all),
        };
        Ok(Arc::new(Statistics::new_unknown(&self.schema()).with_num_rows(rows)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let size = context.session_config().batch_size().max(1);
        let input = self.input.execute(partition, context)?;
        let (cells, schema) = (Arc::clone(&self.cells), self.schema());
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let rows = input
            .map(move |batch| {
                let all = boxes(&cells, &batch?)?;
                let (cells, schema) = (Arc::clone(&cells), Arc::clone(&schema));
                let batches = all.into_iter().flat_map(move |(_, region, values)| {
                    let (cells, schema) = (Arc::clone(&cells), Arc::clone(&schema));
                    let count = shape_of(&region).iter().product::<u64>() as usize;
                    let starts = (0..count).step_by(size);
                    starts.filter_map(move |from| {
                        let range = from..(from + size).min(count);
                        rows(&cells, &schema, &region, &values, range).transpose()
                    })
                });
                Ok::<_, datafusion::error::DataFusionError>(futures::stream::iter(batches))
            })
            .try_flatten()
            .map(move |batch: Result<RecordBatch>| batch.map(|b| b.record_output(&baseline)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
