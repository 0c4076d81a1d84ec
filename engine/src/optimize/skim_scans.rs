//! Filters that joins and sorts find while they run are known to the scans below them, which skip
//! files and row groups by them; the rows that are read all the same are skimmed before they take the
//! way through an exchange. (Without one, the operator above does the same work at the same price.)

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::expressions::DynamicFilterTracking;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};

use crate::physical::SkimExec;

#[derive(Debug)]
pub(super) struct SkimScans;

impl PhysicalOptimizerRule for SkimScans {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // The reader filters rows itself.
        if options.execution.parquet.pushdown_filters {
            return Ok(plan);
        }
        let batch_size = options.execution.batch_size.get();
        plan.transform_up(|node| {
            let exchange = node.downcast_ref::<RepartitionExec>();
            if !exchange.is_some_and(|e| matches!(e.partitioning(), Partitioning::Hash(..))) {
                return Ok(Transformed::no(node));
            }
            node.map_children(|child| {
                let filters = found_later(&child);
                Ok(match filters.is_empty() {
                    true => Transformed::no(child),
                    false => Transformed::yes(Arc::new(SkimExec::new(child, filters, batch_size))),
                })
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "skim_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The filters on a scan of files that are found while the query runs, as filters on what is made of
/// it by filtering and projecting. One on a column that is not passed on is left to the scan.
fn found_later(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn PhysicalExpr>> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let columns = filter
            .projection()
            .as_ref()
            .map(|indices| ProjectionExprs::from_indices(indices, &filter.input().schema()));
        return projected(found_later(filter.input()), columns.as_ref());
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return projected(found_later(projection.input()), Some(projection.projection_expr()));
    }
    let scan = plan.downcast_ref::<DataSourceExec>();
    let Some(files) = scan.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>())
    else {
        return Vec::new();
    };
    let source = files.file_source();
    let Some(filter) = source.filter() else { return Vec::new() };
    let later = split_conjunction(&filter)
        .into_iter()
        .filter(|part| DynamicFilterTracking::classify(part).contains_dynamic_filter())
        .cloned()
        .collect();
    projected(later, source.projection())
}

fn projected(
    filters: Vec<Arc<dyn PhysicalExpr>>,
    columns: Option<&ProjectionExprs>,
) -> Vec<Arc<dyn PhysicalExpr>> {
    match columns {
        Some(columns) => {
            filters.iter().filter_map(|filter| columns.project_expr(filter).ok()).collect()
        }
        None => filters,
    }
}
