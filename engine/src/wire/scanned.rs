//! A table that was looked at before it was sent: what its scan reads is known, and nothing is listed
//! again on the other side.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use prost::Message;

use super::Wire;

/// A table whose scan is known: what the plan's columns and filters leave of it.
#[derive(Debug)]
pub(crate) struct ScannedTable {
    schema: SchemaRef,
    /// The table's columns that the scan has, by their places.
    columns: Vec<usize>,
    scan: Arc<dyn ExecutionPlan>,
}

/// A [`ScannedTable`] on the wire.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(bytes = "bytes", tag = "1")]
    scan: bytes::Bytes,
    #[prost(uint64, repeated, tag = "2")]
    columns: Vec<u64>,
}

impl ScannedTable {
    /// A table of this schema, whose scan has the columns at these places.
    pub(crate) fn new(
        schema: SchemaRef,
        columns: Vec<usize>,
        scan: Arc<dyn ExecutionPlan>,
    ) -> Self {
        Self { schema, columns, scan }
    }

    pub(super) fn to_bytes(&self, wire: &Arc<Wire>) -> Result<Vec<u8>> {
        let columns = self.columns.iter().map(|column| *column as u64).collect();
        let scan = wire.physical_to_bytes(Arc::clone(&self.scan))?;
        Ok(Bytes { scan, columns }.encode_to_vec())
    }

    pub(super) fn from_bytes(
        bytes: &[u8],
        schema: SchemaRef,
        wire: &Arc<Wire>,
        context: &TaskContext,
    ) -> Result<Self> {
        let Bytes { scan, columns } =
            Bytes::decode(bytes).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let scan = wire.physical_from_bytes(&scan, context)?;
        let columns: Vec<usize> = columns.into_iter().map(|column| column as usize).collect();
        let has = scan.schema();
        let fits = columns.len() == has.fields().len()
            && columns.iter().zip(has.fields()).all(|(at, field)| {
                schema.fields().get(*at).is_some_and(|of| of.data_type() == field.data_type())
            });
        if !fits {
            return internal_err!("a table's scan does not have the columns of the table");
        }
        Ok(Self { schema, columns, scan })
    }
}

#[async_trait]
impl TableProvider for ScannedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Those beneath a scan were asked of the table when it was scanned; it takes no others.
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        wanted: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let wanted = wanted.cloned().unwrap_or_else(all);
        if wanted == self.columns {
            return Ok(Arc::clone(&self.scan));
        }
        // A plan that is optimized once more may want less of a scan than was sent.
        let places = wanted.iter().map(|at| self.columns.iter().position(|has| has == at));
        match places.collect::<Option<Vec<usize>>>() {
            Some(places) => project(&self.scan, &places),
            None => internal_err!("more is wanted of a table than was scanned of it"),
        }
    }
}

/// Some columns of a plan, by their places.
pub(crate) fn project(
    plan: &Arc<dyn ExecutionPlan>,
    places: &[usize],
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let columns = places.iter().map(|at| {
        let Some(field) = schema.fields().get(*at) else {
            return internal_err!("a scan has no column {at}");
        };
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), *at));
        Ok((column, field.name().clone()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(columns, Arc::clone(plan))?))
}
