//! `DELETE` and `UPDATE`: what becomes of rows that are there.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::compute::{filter_record_batch, not, prep_null_mask_filter};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{DFSchema, Result};
use datafusion::datasource::sink::DataSink;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, PhysicalExpr};

use super::stored::Stored;

/// What happens to rows that are there.
#[derive(Debug)]
pub(super) struct Change {
    schema: SchemaRef,
    /// Which rows; all of them where there is none.
    filter: Option<Arc<dyn PhysicalExpr>>,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    Gone,
    /// Columns get values, which are made of the row as it was.
    Assigned(Vec<(usize, Arc<dyn PhysicalExpr>)>),
}

impl Change {
    /// Those rows go that the filters let through.
    pub(super) fn delete(
        state: &dyn Session,
        schema: SchemaRef,
        filters: Vec<Expr>,
    ) -> Result<Self> {
        Self::new(state, schema, filters, Vec::new()).map(|of| Self { fate: Fate::Gone, ..of })
    }

    /// Columns of those rows that the filters let through get other values.
    pub(super) fn update(
        state: &dyn Session,
        schema: SchemaRef,
        assignments: Vec<(String, Expr)>,
        filters: Vec<Expr>,
    ) -> Result<Self> {
        Self::new(state, schema, filters, assignments)
    }

    fn new(
        state: &dyn Session,
        schema: SchemaRef,
        filters: Vec<Expr>,
        assignments: Vec<(String, Expr)>,
    ) -> Result<Self> {
        let columns = DFSchema::try_from(Arc::clone(&schema))?;
        let made = |value| state.create_physical_expr(value, &columns);
        let filter = conjunction(filters).map(made).transpose()?;
        let assigned = assignments
            .into_iter()
            .map(|(name, value)| Ok((schema.index_of(&name)?, made(value)?)));
        let fate = Fate::Assigned(assigned.collect::<Result<_>>()?);
        Ok(Self { schema, filter, fate })
    }

    /// What is left of a batch, and how many rows of it were changed.
    fn of(&self, batch: &RecordBatch) -> Result<(RecordBatch, u64)> {
        let chosen = self.chosen(batch)?;
        let count = chosen.true_count() as u64;
        let left = match &self.fate {
            _ if count == 0 => batch.clone(),
            Fate::Gone => filter_record_batch(batch, &not(&chosen)?)?,
            Fate::Assigned(values) => {
                let mut columns = batch.columns().to_vec();
                for (at, value) in values {
                    // Of the other rows, it may not be possible to make one.
                    let new = value.evaluate_selection(batch, &chosen)?;
                    let new = new.into_array(batch.num_rows())?;
                    if let Some(column) = columns.get_mut(*at) {
                        *column = zip(&chosen, &new, &*column)?;
                    }
                }
                RecordBatch::try_new(Arc::clone(&self.schema), columns)?
            }
        };
        Ok((left, count))
    }

    fn chosen(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let Some(filter) = &self.filter else {
            return Ok(BooleanArray::from(BooleanBuffer::new_set(batch.num_rows())));
        };
        let chosen = filter.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(match as_boolean_array(&chosen)? {
            known if known.null_count() == 0 => known.clone(),
            unsure => prep_null_mask_filter(unsure),
        })
    }
}

/// Changes rows when it is run, where DataFusion's own table does so as soon as it is planned: `EXPLAIN DELETE` would
/// delete.
#[derive(Debug)]
pub(super) struct ChangeSink {
    pub(super) stored: Arc<Stored>,
    pub(super) change: Change,
}

impl DisplayAs for ChangeSink {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (kind, &self.change.fate) {
            (DisplayFormatType::TreeRender, _) => Ok(()),
            (_, Fate::Gone) => f.write_str("MemoryTable (delete)"),
            (_, Fate::Assigned(_)) => f.write_str("MemoryTable (update)"),
        }
    }
}

#[async_trait]
impl DataSink for ChangeSink {
    fn schema(&self) -> &SchemaRef {
        &self.change.schema
    }

    async fn write_all(&self, _: SendableRecordBatchStream, _: &Arc<TaskContext>) -> Result<u64> {
        self.stored.change(|batch| self.change.of(batch)).await
    }
}
