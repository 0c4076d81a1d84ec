//! The files a plan reads.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use object_store::ObjectMeta;

/// The scans of files in a plan.
pub(super) fn scans(plan: &Arc<dyn ExecutionPlan>) -> Vec<&FileScanConfig> {
    let mut found = Vec::new();
    collect(plan, &mut found);
    found
}

fn collect<'a>(plan: &'a Arc<dyn ExecutionPlan>, found: &mut Vec<&'a FileScanConfig>) {
    if let Some(source) = plan.downcast_ref::<DataSourceExec>()
        && let Some(scan) = source.data_source().downcast_ref::<FileScanConfig>()
    {
        found.push(scan);
    }
    for child in plan.children() {
        collect(child, found);
    }
}

/// The files of a scan, each once: large ones are read in several ranges.
pub(super) fn files(scan: &FileScanConfig) -> Vec<ObjectMeta> {
    let mut seen = HashSet::new();
    scan.file_groups
        .iter()
        .flat_map(|group| group.iter())
        .map(|file| file.object_meta.clone())
        .filter(|meta| seen.insert(meta.location.clone()))
        .collect()
}
