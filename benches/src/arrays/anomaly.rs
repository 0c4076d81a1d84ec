//! A2: what differs from the mean over time, and how it spreads at each time. The cube is read twice, or
//! held in memory.

use strata_engine::{Binary, Reduce};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cube::CUBE;

pub(super) const CASE: Case = Case {
    name: "A2",
    what: "(cube - mean over time), std over (lat, lon)",
    file: "anomaly",
    peers: &["dask", "xarray", "numpy"],
    at_most: AtMost { time: Some(0.7), memory: Some(0.25), ..AtMost::NOTHING },
    store: Some(CUBE),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

async fn once(work: Work) -> Result<f64> {
    let cube = work.open().await?;
    let mean = cube.reduce(Reduce::Mean, false, &[0])?;
    let anomaly = cube.binary(Binary::Sub, &mean)?;
    let std = anomaly.reduce(Reduce::Std { ddof: 0 }, false, &[1, 2])?;
    work.sum(&std).await
}
