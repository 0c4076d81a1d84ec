//! What a plan reads, found out before it is sent: each table becomes its scan.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::ScanArgs;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};

use crate::physical::PackedExec;
use crate::wire::{ScannedTable, project};

/// Scans every table of an optimized plan, and puts the scans in the tables' place. Returns what is
/// read.
pub(super) async fn scans_in_place_of_tables(
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
        let table = ScannedTable::new(schema, columns, Arc::clone(physical));
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
    let mut rows = collect_partitioned(scan, state.task_ctx()).await?;
    for batch in rows.iter_mut().flatten() {
        let count = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        *batch = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &count)?;
    }
    Ok(MemorySourceConfig::try_new_exec(&rows, schema, None)?)
}

/// Whether all rows say of their columns what the first say, which is what goes along on the wire: rows that were
/// put in with values for everything may be followed by some with none.
fn is_of_one_schema(memory: &MemorySourceConfig) -> bool {
    let schema = memory.original_schema();
    memory.partitions().iter().flatten().all(|batch| batch.schema_ref() == &schema)
}

/// Whether a scan means the same in another process.
fn crosses(scan: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(source) = scan.downcast_ref::<DataSourceExec>() {
        let source: &dyn Any = source.data_source().as_ref();
        return match source.downcast_ref::<MemorySourceConfig>() {
            Some(memory) => is_of_one_schema(memory),
            None => source.is::<FileScanConfig>(),
        };
    }
    scan.downcast_ref::<LazyMemoryExec>().is_some() || scan.downcast_ref::<EmptyExec>().is_some()
}
