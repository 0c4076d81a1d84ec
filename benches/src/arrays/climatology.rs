//! A10: means of months that interleave over the whole time axis of the cube, and the spread of what differs from
//! them, within a third of the cube's bytes.

use strata_engine::{Binary, Reduce};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cube::CUBE;

pub(super) const CASE: Case = Case {
    name: "A10",
    what: "anomalies from monthly means of the Zarr cube, std of each step",
    file: "climatology",
    peers: &["xarray"],
    at_most: AtMost { time: Some(0.6), peak: Some(500_000_000), ..AtMost::NOTHING },
    store: Some(CUBE),
    memory: Some("500MB"),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

async fn once(work: Work) -> Result<f64> {
    let cube = work.open().await?;
    let steps = cube.shape().first().copied().unwrap_or(0);
    let month = |step: u64| ((step % 365) * 12 / 365) as u32;
    let labels: Vec<u32> = (0..steps).map(month).collect();
    let groups = labels.iter().max().map_or(0, |last| last + 1);
    let all: Vec<Option<u32>> = labels.iter().copied().map(Some).collect();
    let means = cube.group(Reduce::Mean, false, 0, (&all, groups), &[])?;
    let anomaly = cube.binary(Binary::Sub, &means.ungroup(0, &labels)?)?;
    work.sum(&anomaly.reduce(Reduce::Std { ddof: 0 }, false, &[1, 2])?).await
}
