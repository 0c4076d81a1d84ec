//! What a generator must say about a table, and how a table is cut.

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;

/// Rows of a unit in the order of the table.
pub(super) type Rows = Box<dyn RecordBatchReader + Send>;

/// A table that can be made in pieces.
pub(super) trait Table: Send + Sync {
    /// Its name, which becomes its folder's.
    fn name(&self) -> &str;

    /// Its columns.
    fn schema(&self) -> SchemaRef;

    /// How many rows it has; a guess within a percent where only making them tells.
    fn rows(&self) -> u64;

    /// The most units it can be cut into without leaving one empty.
    fn most_units(&self) -> u64;

    /// The rows of one unit of `units`, all the same for whoever asks and whenever.
    fn unit(&self, unit: u64, units: u64) -> Rows;

    /// Columns whose values hardly ever repeat within a unit: looking for repetition in them only
    /// costs time.
    fn distinct_columns(&self) -> &'static [&'static str];
}

/// How a table is cut: units into files, in order. The cut depends on the table and the arguments,
/// never on the machine, so that everyone's files are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Row groups, over all files.
    pub(super) units: u64,
    /// Files.
    pub(super) files: u64,
}

impl Cut {
    /// Cuts `table` into units of about `unit_rows`, and these into `parts` files, or as many as
    /// keep each below `file_rows`. A table of few rows gets fewer files than asked for.
    pub(super) fn new(
        table: &dyn Table,
        unit_rows: u64,
        file_rows: u64,
        parts: Option<u32>,
    ) -> Self {
        let most = table.most_units().max(1);
        let files = match parts {
            Some(parts) => u64::from(parts).min(most),
            None => table.rows().div_ceil(file_rows.max(1)).clamp(1, most),
        };
        let units = table.rows().div_ceil(unit_rows.max(1)).clamp(files, most);
        Self { units, files }
    }

    /// The file that `unit` belongs to.
    pub(super) fn file_of(&self, unit: u64) -> u64 {
        (u128::from(unit) * u128::from(self.files) / u128::from(self.units.max(1))) as u64
    }

    /// Whether `unit` is the first of its file.
    pub(super) fn opens(&self, unit: u64) -> bool {
        unit.checked_sub(1).is_none_or(|before| self.file_of(before) != self.file_of(unit))
    }

    /// Whether `unit` is the last of its file.
    pub(super) fn closes(&self, unit: u64) -> bool {
        unit + 1 >= self.units || self.file_of(unit + 1) != self.file_of(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_opens_and_closes_once_and_gets_its_share() {
        for (units, files) in [(1, 1), (5, 1), (7, 3), (8, 8), (1000, 7)] {
            let cut = Cut { units, files };
            assert_eq!((0..units).filter(|unit| cut.opens(*unit)).count() as u64, files);
            assert_eq!((0..units).filter(|unit| cut.closes(*unit)).count() as u64, files);
            for file in 0..files {
                let share = (0..units).filter(|unit| cut.file_of(*unit) == file).count() as u64;
                assert!(share == units / files || share == units / files + 1);
            }
        }
    }
}
