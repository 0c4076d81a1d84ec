//! A table that was looked at before it was sent: what its scan reads is known, and nothing is listed
//! again on the other side.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::catalog::{ScanArgs, Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::provider_as_source;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use prost::Message;

use super::Wire;
use crate::physical::PackedExec;

/// A table whose scan is known: what the plan's columns and filters leave of it.
#[derive(Debug)]
pub(super) struct ScannedTable {
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

/// Scans every table of an optimized plan, and puts the scans in the tables' place. Returns what is
/// read.
pub(crate) async fn scans_in_place_of_tables(
    plan: LogicalPlan,
    state: &SessionState,
) -> Result<(LogicalPlan, Vec<Arc<dyn ExecutionPlan>>)> {
    let mut tables = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && !is_the_query_itself(scan)
        {
            tables.push(scan.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut scans = Vec::with_capacity(tables.len());
    for table in &tables {
        scans.push(scan_of(table, state).await?);
    }
    let mut next = tables.iter().zip(&scans);
    let plan = plan.transform_down_with_subqueries(|node| {
        let mut scan = match node {
            LogicalPlan::TableScan(scan) if !is_the_query_itself(&scan) => scan,
            other => return Ok(Transformed::no(other)),
        };
        let Some((_, physical)) = next.next() else {
            return Err(DataFusionError::Internal("a plan has more tables than before".into()));
        };
        let schema = scan.source.schema();
        let all = || (0..schema.fields().len()).collect();
        let columns = scan.projection.clone().unwrap_or_else(all);
        let table = ScannedTable { schema, columns, scan: Arc::clone(physical) };
        scan.source = provider_as_source(Arc::new(table));
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    Ok((plan.data, scans))
}

/// Whether a scan reads the rows of the recursion it is part of.
fn is_the_query_itself(scan: &TableScan) -> bool {
    let table = source_as_provider(&scan.source);
    table.is_ok_and(|table| table.downcast_ref::<CteWorkTable>().is_some())
}

async fn scan_of(table: &TableScan, state: &SessionState) -> Result<Arc<dyn ExecutionPlan>> {
    let provider = source_as_provider(&table.source)?;
    // As the planner does: a table does not know by which name it is called.
    let filters = unnormalize_cols(table.filters.iter().cloned());
    let statistics: Vec<_> = table.statistics_requests.iter().cloned().collect();
    let asked = ScanArgs::default()
        .with_projection(table.projection.as_deref())
        .with_filters(Some(&filters))
        .with_limit(table.fetch)
        .with_statistics_requests(&statistics);
    let scan = Arc::clone(provider.scan_with_args(state, asked).await?.plan());
    // A series forgets on the wire which of its columns were asked for.
    if scan.downcast_ref::<LazyMemoryExec>().is_some()
        && let Some(projection) = &table.projection
    {
        let all = provider.scan(state, None, &filters, table.fetch).await?;
        return project(&all, projection);
    }
    if crosses(&scan) {
        return Ok(PackedExec::over_packed(scan));
    }
    // Only this process has it: what the query needs of it goes along.
    let schema = scan.schema();
    let rows = collect_partitioned(scan, state.task_ctx()).await?;
    Ok(MemorySourceConfig::try_new_exec(&rows, schema, None)?)
}

/// Some columns of a plan, by their places.
fn project(plan: &Arc<dyn ExecutionPlan>, places: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
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

/// Whether a scan means the same in another process.
fn crosses(scan: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(source) = scan.downcast_ref::<DataSourceExec>() {
        let source: &dyn Any = source.data_source().as_ref();
        return source.is::<FileScanConfig>() || source.is::<MemorySourceConfig>();
    }
    scan.downcast_ref::<LazyMemoryExec>().is_some() || scan.downcast_ref::<EmptyExec>().is_some()
}
