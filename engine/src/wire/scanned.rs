//! A table that was looked at before it was sent: what its scan reads is known, and nothing is listed
//! again on the other side.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{ScanArgs, Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::provider_as_source;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};

/// A table whose scan is known: what the plan's columns and filters leave of it.
#[derive(Debug)]
pub(crate) struct ScannedTable {
    schema: SchemaRef,
    scan: Arc<dyn ExecutionPlan>,
}

impl ScannedTable {
    pub(super) fn new(schema: SchemaRef, scan: Arc<dyn ExecutionPlan>) -> Self {
        Self { schema, scan }
    }

    /// What it reads.
    pub(crate) fn scan_plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.scan
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
        // Those that are still beneath a scan were promised to be kept by the table that was scanned.
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::clone(&self.scan))
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
        if let LogicalPlan::TableScan(scan) = node {
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
        let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
        let Some((_, physical)) = next.next() else {
            return Err(DataFusionError::Internal("a plan has more tables than before".into()));
        };
        let table = ScannedTable::new(scan.source.schema(), Arc::clone(physical));
        scan.source = provider_as_source(Arc::new(table));
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    Ok((plan.data, scans))
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
    if crosses(&scan) {
        return Ok(scan);
    }
    // Only this process has it: what the query needs of it goes along.
    let schema = scan.schema();
    let rows = collect_partitioned(scan, state.task_ctx()).await?;
    Ok(MemorySourceConfig::try_new_exec(&rows, schema, None)?)
}

/// Whether a scan means the same in another process.
fn crosses(scan: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(source) = scan.downcast_ref::<DataSourceExec>() {
        let source: &dyn Any = source.data_source().as_ref();
        return source.is::<FileScanConfig>() || source.is::<MemorySourceConfig>();
    }
    scan.downcast_ref::<LazyMemoryExec>().is_some() || scan.downcast_ref::<EmptyExec>().is_some()
}
