//! A number that is the same for the same work on the same data: of operators with all they are told,
//! and of the versions of the files they read. What computes with chance has another one each time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::arrow::array::ArrayData;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{CsvSource, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr_common::physical_expr;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// The fingerprints of a plan's operators: each is made once, from those of its inputs.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    /// By the operator's place in memory, which holds while the plan does.
    made: HashMap<*const (), blake3::Hash>,
}

impl Fingerprints {
    /// Of a plan down to its sources.
    pub(super) fn of(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Fingerprint {
        let mut half = [0; 16];
        half.copy_from_slice(&self.hash(plan).as_bytes()[..16]);
        Fingerprint(half)
    }

    fn hash(&mut self, plan: &Arc<dyn ExecutionPlan>) -> blake3::Hash {
        let place = Arc::as_ptr(plan).cast();
        if let Some(made) = self.made.get(&place) {
            return *made;
        }
        let mut hasher = blake3::Hasher::new();
        add(&mut hasher, plan);
        for child in plan.children() {
            part(&mut hasher, self.hash(child).as_bytes());
        }
        let made = hasher.finalize();
        self.made.insert(place, made);
        made
    }
}

/// Adds a part with its length, so that no two lists of parts look alike.
fn part(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// Adds what an operator does, but for its inputs.
fn add(hasher: &mut blake3::Hasher, plan: &Arc<dyn ExecutionPlan>) {
    part(hasher, plan.name().as_bytes());
    part(hasher, displayable(plan.as_ref()).one_line().to_string().as_bytes());
    for field in plan.schema().fields() {
        part(hasher, field.name().as_bytes());
        part(hasher, field.data_type().to_string().as_bytes());
    }
    if is_volatile(plan) {
        part(hasher, &never_again());
    }
    if let Some(source) = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source) {
        if let Some(files) = source.downcast_ref::<FileScanConfig>() {
            add_files(hasher, files);
        }
        if let Some(rows) = source.downcast_ref::<MemorySourceConfig>() {
            add_rows(hasher, rows);
        }
    }
}

/// Whether an operator computes something that is another thing each time.
pub(crate) fn is_volatile(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut volatile = false;
    let visited = plan.apply_expressions(&mut |expr| {
        volatile |= physical_expr::is_volatile(expr);
        Ok(TreeNodeRecursion::Continue)
    });
    volatile || visited.is_err()
}

/// What no other call has given, or will give, in this process or another.
fn never_again() -> [u8; 28] {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut nonce = [0; 28];
    nonce[..16].copy_from_slice(&now.to_le_bytes());
    nonce[16..24].copy_from_slice(&CALLS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    nonce[24..].copy_from_slice(&std::process::id().to_le_bytes());
    nonce
}

/// Which files, which parts of them, which versions, and how they are read.
fn add_files(hasher: &mut blake3::Hasher, files: &FileScanConfig) {
    part(hasher, files.object_store_url.as_str().as_bytes());
    part(hasher, format!("{:?}", files.file_compression_type).as_bytes());
    if let Some(csv) = files.file_source().downcast_ref::<CsvSource>() {
        let read = (
            (csv.has_header(), csv.delimiter(), csv.quote(), csv.escape()),
            (csv.comment(), csv.terminator(), csv.newlines_in_values(), csv.truncate_rows()),
        );
        part(hasher, format!("{read:?}").as_bytes());
    }
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
            add_data(hasher, &column.to_data());
        }
    }
}

fn add_data(hasher: &mut blake3::Hasher, data: &ArrayData) {
    part(hasher, &(data.offset() as u64).to_le_bytes());
    part(hasher, &(data.len() as u64).to_le_bytes());
    let nulls = data.nulls().map(|nulls| (nulls.buffer().as_ptr() as u64, nulls.offset() as u64));
    let (at, offset) = nulls.unwrap_or_default();
    part(hasher, &[at.to_le_bytes(), offset.to_le_bytes()].concat());
    for buffer in data.buffers() {
        part(hasher, &(buffer.as_ptr() as u64).to_le_bytes());
    }
    for child in data.child_data() {
        add_data(hasher, child);
    }
}
