//! What a pool asks of every plan: that no part of it needs what another process finds out while it runs.

use ballista_core::config::BallistaConfig;
use datafusion::common::config::OptimizerOptions;
use datafusion::config::{ConfigOptions, ExtensionOptions};
use datafusion::error::Result;

use crate::config::{ByteSize, StrataOptions, options_of};

/// Sides of joins that are smaller than this are given to every task whole, in bytes, and in rows where
/// the bytes are not known. Moving both sides costs more than making one side in every task, up to here:
/// measured with TPC-H at scale 1, where eight times as much as DataFusion's own limits took a third off,
/// and more made the builds of wrongly estimated sides dear (q18).
const GIVEN_TO_ALL: (usize, usize) = (8 << 20, 1_000_000);

/// Up to here a side is given to every task where the other is far larger: TPC-H q05 at scale 10 moves 2.7 GiB
/// of rows otherwise, for 35 MiB that they are joined to.
const GIVEN_BESIDE_FAR_MORE: usize = 96 << 20;

/// Nobody has more cores, and a plan has a line for each part.
const MOST_PARTS: usize = 100_000;

/// What a pool of so many cores asks of every plan. Client, scheduler and workers plan alike by it.
pub(super) fn for_the_pool(options: &mut ConfigOptions, cores: usize) -> Result<()> {
    let parts = match options_of(options).pool.parts {
        0 => cores,
        parts => parts,
    };
    options.execution.target_partitions = parts.clamp(1, MOST_PARTS);
    // What a join finds out while it runs does not reach scans in other processes.
    options.set("datafusion.optimizer.enable_dynamic_filter_pushdown", "false")?;
    options.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    // Other exchanges than by keys are not made.
    options.optimizer.enable_round_robin_repartition = false;
    // Its operator has no form on the wire.
    options.optimizer.enable_window_topn = false;
    // What is read in one process is not there in another.
    if let Some(strata) = options.extensions.get_mut::<StrataOptions>() {
        strata.array.keep = ByteSize(0);
    }
    // The parts of a scan are its files: no task takes another's.
    options.execution.enable_file_stream_work_stealing = false;
    let mut ballista = BallistaConfig::default();
    let theirs = OptimizerOptions::default();
    let ours = &mut options.optimizer;
    // Where nobody chose others.
    if ours.hash_join_single_partition_threshold == theirs.hash_join_single_partition_threshold {
        ours.hash_join_single_partition_threshold = GIVEN_TO_ALL.0;
    }
    if ours.hash_join_single_partition_threshold_rows
        == theirs.hash_join_single_partition_threshold_rows
    {
        ours.hash_join_single_partition_threshold_rows = GIVEN_TO_ALL.1;
    }
    ExtensionOptions::set(
        &mut ballista,
        "optimizer.broadcast_join_threshold_bytes",
        &GIVEN_BESIDE_FAR_MORE.to_string(),
    )?;
    options.extensions.insert(ballista);
    Ok(())
}
