//! A number that is the same for the same work on the same data: of operators with all they are told,
//! and of the versions of the files they read.

use std::fmt;
use std::sync::Arc;

use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde::{Serialize, Serializer};

/// The first half of a BLAKE3 hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Fingerprint {
    /// Of a plan down to its sources.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        let mut hasher = blake3::Hasher::new();
        add(&mut hasher, plan);
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(half)
    }
}

/// Adds a part with its length, so that no two lists of parts look alike.
fn part(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn add(hasher: &mut blake3::Hasher, plan: &Arc<dyn ExecutionPlan>) {
    part(hasher, plan.name().as_bytes());
    part(hasher, displayable(plan.as_ref()).one_line().to_string().as_bytes());
    for field in plan.schema().fields() {
        part(hasher, field.name().as_bytes());
        part(hasher, field.data_type().to_string().as_bytes());
    }
    if let Some(source) = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source) {
        if let Some(files) = source.downcast_ref::<FileScanConfig>() {
            add_files(hasher, files);
        }
        if let Some(rows) = source.downcast_ref::<MemorySourceConfig>() {
            add_rows(hasher, rows);
        }
    }
    let children = plan.children();
    part(hasher, &(children.len() as u64).to_le_bytes());
    for child in children {
        add(hasher, child);
    }
}

/// Which files, which parts of them, and which versions.
fn add_files(hasher: &mut blake3::Hasher, files: &FileScanConfig) {
    part(hasher, files.object_store_url.as_str().as_bytes());
    for group in &files.file_groups {
        part(hasher, &(group.len() as u64).to_le_bytes());
        for file in group.files() {
            let meta = &file.object_meta;
            part(hasher, meta.location.as_ref().as_bytes());
            part(hasher, &meta.size.to_le_bytes());
            match &meta.e_tag {
                Some(tag) => part(hasher, tag.as_bytes()),
                None => part(hasher, &meta.last_modified.timestamp_micros().to_le_bytes()),
            }
            let range = file.range.as_ref().map_or((0, -1), |range| (range.start, range.end));
            part(hasher, &[range.0.to_le_bytes(), range.1.to_le_bytes()].concat());
        }
    }
}

/// Rows in memory are what they are by where they are: the same for as long as they are kept, and
/// only within this process.
fn add_rows(hasher: &mut blake3::Hasher, rows: &MemorySourceConfig) {
    part(hasher, &std::process::id().to_le_bytes());
    for batch in rows.partitions().iter().flatten() {
        part(hasher, &(batch.num_rows() as u64).to_le_bytes());
        for column in batch.columns() {
            let data = column.to_data();
            part(hasher, &(data.offset() as u64).to_le_bytes());
            for buffer in data.buffers() {
                part(hasher, &(buffer.as_ptr() as u64).to_le_bytes());
            }
        }
    }
}
