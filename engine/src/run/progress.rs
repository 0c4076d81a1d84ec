//! How far a running query is, read from the metrics of its scans. Rows are counted as the scans
//! deliver them; the total is what the files' own statistics say, where they say it.

use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;

use crate::cluster::PoolExec;

/// How far one scan is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanProgress {
    /// Rows it has delivered.
    pub rows: u64,
    /// Rows its files hold, where their statistics say so.
    pub total_rows: Option<u64>,
    /// Bytes it has read, where the format counts them.
    pub bytes: u64,
    /// Bytes its files hold.
    pub total_bytes: u64,
    /// Files it is done with.
    pub files: u64,
    /// Files it has to read.
    pub total_files: u64,
}

/// How far a query is: its scans, in the order of the plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// One entry for each scan of files.
    pub scans: Vec<ScanProgress>,
}

impl Progress {
    /// Reads the metrics of a plan that runs, or has run.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        let mut progress = Self::default();
        progress.visit(plan);
        progress
    }

    fn visit(&mut self, plan: &Arc<dyn ExecutionPlan>) {
        if let Some(pool) = plan.downcast_ref::<PoolExec>() {
            self.scans.push(pool.progress());
            return;
        }
        if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
            self.scans.extend(scan_progress(scan));
        }
        for child in plan.children() {
            self.visit(child);
        }
    }

    /// Rows delivered by all scans.
    pub fn rows(&self) -> u64 {
        self.scans.iter().map(|scan| scan.rows).sum()
    }

    /// Bytes read by all scans.
    pub fn bytes(&self) -> u64 {
        self.scans.iter().map(|scan| scan.bytes).sum()
    }

    /// The share of the work that is done, between 0 and 1: each scan counts by the bytes of its
    /// files. None where nothing tells.
    pub fn fraction(&self) -> Option<f64> {
        let (mut done, mut total) = (0.0, 0.0);
        for scan in &self.scans {
            let weight = scan.total_bytes.max(1) as f64;
            let by_files = scan.files as f64 / scan.total_files.max(1) as f64;
            let by_rows = scan.total_rows.map_or(0.0, |rows| scan.rows as f64 / rows.max(1) as f64);
            // Filters skip rows, so rows alone may never reach their total; files do.
            done += weight * by_files.max(by_rows).min(1.0);
            total += weight;
        }
        (total > 0.0).then(|| done / total)
    }
}

fn scan_progress(scan: &DataSourceExec) -> Option<ScanProgress> {
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let files = || config.file_groups.iter().flat_map(|group| group.iter());
    let mut progress = ScanProgress {
        total_rows: match config.statistics().num_rows {
            Precision::Exact(rows) | Precision::Inexact(rows) => Some(rows as u64),
            Precision::Absent => None,
        },
        total_bytes: files().map(|file| file.object_meta.size).sum(),
        total_files: files().count() as u64,
        ..Default::default()
    };
    if let Some(metrics) = scan.metrics() {
        let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
        progress.rows = metrics.output_rows().unwrap_or(0) as u64;
        progress.bytes = sum("bytes_scanned");
        progress.files = sum("files_processed");
    }
    Some(progress)
}
