//! What nobody chose follows from the limits that hold: smaller batches and reservations under
//! little memory.

use datafusion::common::config::ConfigNonZeroUsize;
use datafusion::config::ConfigOptions;

use super::Settings;

/// What a partition has for each row of a batch, or its batches are smaller: 128 MiB for DataFusion's
/// usual ones.
const MEMORY_FOR_A_ROW: usize = 16 << 10;
/// Batches are not made smaller than this by themselves.
const SMALL_BATCH: usize = 1024;
/// Among how many sorts of a partition the limit is divided when each sets some aside.
const SORTS: usize = 8;

impl Settings {
    /// The options to run queries with.
    pub(crate) fn in_force(&self) -> ConfigOptions {
        let mut options = self.options().clone();
        let execution = &mut options.execution;
        let pool = self.strata().memory.limit.pool_bytes();
        let partitions = execution.target_partitions.max(1);
        let chosen = |name: &str| self.is_chosen(&format!("datafusion.execution.{name}"));
        // Merges hold batches of every run: smaller ones where partitions have little memory each.
        if !chosen("batch_size") {
            let rows = (pool / partitions / MEMORY_FOR_A_ROW).max(SMALL_BATCH);
            let rows = 1 << rows.ilog2();
            if let Ok(rows) = ConfigNonZeroUsize::try_new(rows) {
                execution.batch_size = rows.min(execution.batch_size);
            }
        }
        // What a sort sets aside for merging its runs is a share of the limit, so that the sorts of
        // a query with many of them still find room.
        if !chosen("sort_spill_reservation_bytes") {
            let share = pool / partitions / SORTS;
            execution.sort_spill_reservation_bytes =
                execution.sort_spill_reservation_bytes.min(share);
        }
        // An exchange that spills into two open files waits forever for one of them
        // (apache/datafusion#24883): a file that is full with its first batch is never left open.
        if !chosen("max_spill_file_size_bytes")
            && let Ok(a_batch) = ConfigNonZeroUsize::try_new(1)
        {
            execution.max_spill_file_size_bytes = a_batch;
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Origin;

    use super::*;

    #[test]
    fn little_memory_makes_batches_small_unless_someone_chose_their_size() {
        let mut settings = Settings::default();
        settings.set("memory.limit", "64MiB", Origin::Session).unwrap();
        assert_eq!(settings.in_force().execution.batch_size.get(), SMALL_BATCH);
        // The usual size, but chosen.
        settings.set("datafusion.execution.batch_size", "8192", Origin::Session).unwrap();
        assert_eq!(settings.in_force().execution.batch_size.get(), 8192);
        settings.reset("datafusion.execution.batch_size").unwrap();
        settings.set("memory.limit", "64GiB", Origin::Session).unwrap();
        assert_eq!(settings.in_force().execution.batch_size.get(), 8192);
    }
}
