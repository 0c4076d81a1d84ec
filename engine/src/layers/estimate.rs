//! How much passes through a layer, as far as statistics tell.

use datafusion::arrow::datatypes::{DataType, Fields, Schema};
use datafusion::common::Result;
use datafusion::common::stats::Precision;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use serde::{Deserialize, Serialize};

use super::memory::Memory;

/// What is taken for a text or a list, of which nothing is known.
const TEXT: u64 = 32;

/// What is expected of a layer, over all its tasks. Unknown is none, not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Rows that come in, or are read.
    pub rows_in: Option<u64>,
    /// Their bytes; for files, as they are on disk.
    pub bytes_in: Option<u64>,
    /// Rows that go out.
    pub rows_out: Option<u64>,
    /// Their bytes in memory.
    pub bytes_out: Option<u64>,
    /// What one task holds at its peak.
    pub memory: Option<Memory>,
}

/// Rows and bytes, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) rows: Option<u64>,
    pub(super) bytes: Option<u64>,
}

impl Size {
    /// What an operator makes.
    pub(super) fn of(plan: &dyn ExecutionPlan, context: &StatisticsContext) -> Result<Self> {
        let statistics = context.compute(plan, &StatisticsArgs::new())?;
        let rows = match known(statistics.num_rows) {
            Some(rows) => Some(rows),
            None => at_most(plan, context)?,
        };
        let by_width = rows.map(|rows| rows.saturating_mul(row_width(&plan.schema())));
        Ok(Self { rows, bytes: known(statistics.total_byte_size).or(by_width) })
    }

    /// What a source reads: of files, what they take on disk.
    pub(super) fn read_by(plan: &dyn ExecutionPlan, context: &StatisticsContext) -> Result<Self> {
        let made = Self::of(plan, context)?;
        let scan = plan.downcast_ref::<DataSourceExec>();
        let files = scan.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
        let on_disk = files.map(|files| {
            let all = files.file_groups.iter().flat_map(|group| group.files());
            all.map(|file| file.effective_size()).sum()
        });
        Ok(Self { rows: made.rows, bytes: on_disk.or(made.bytes) })
    }

    /// Both together; unknown if one is.
    pub(super) fn and(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        Self { rows: sum(self.rows, other.rows), bytes: sum(self.bytes, other.bytes) }
    }

    /// Nothing at all.
    pub(super) fn none() -> Self {
        Self { rows: Some(0), bytes: Some(0) }
    }
}

/// What an operator cannot exceed: the rows of its input, where it makes no more of them.
fn at_most(plan: &dyn ExecutionPlan, context: &StatisticsContext) -> Result<Option<u64>> {
    match (plan.cardinality_effect(), &plan.children()[..]) {
        (CardinalityEffect::Equal | CardinalityEffect::LowerEqual, [input]) => {
            Ok(Size::of(input.as_ref(), context)?.rows)
        }
        _ => Ok(None),
    }
}

fn known(value: Precision<usize>) -> Option<u64> {
    value.get_value().map(|value| *value as u64)
}

/// What a row takes in memory.
pub(super) fn row_width(schema: &Schema) -> u64 {
    sum(schema.fields()).max(1)
}

fn sum(fields: &Fields) -> u64 {
    fields.iter().map(|field| width(field.data_type())).fold(0, u64::saturating_add)
}

fn width(kind: &DataType) -> u64 {
    match kind {
        DataType::Struct(fields) => sum(fields),
        DataType::FixedSizeBinary(bytes) => u64::from(bytes.unsigned_abs()),
        DataType::FixedSizeList(item, length) => {
            width(item.data_type()).saturating_mul(u64::from(length.unsigned_abs()))
        }
        DataType::Boolean | DataType::Null => 1,
        other => other.primitive_width().map_or(TEXT, |bytes| bytes as u64),
    }
}
