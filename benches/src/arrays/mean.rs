//! A1: the mean over time of a cube in a Zarr store.

use strata_engine::Reduce;

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cube::CUBE;

pub(super) const CASE: Case = Case {
    name: "A1",
    what: "mean over time of the Zarr cube",
    file: "mean",
    peers: &["dask", "xarray", "numpy"],
    at_most: AtMost { time: Some(0.6), memory: Some(0.4), ..AtMost::NOTHING },
    store: Some(CUBE),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

async fn once(work: Work) -> Result<f64> {
    let mean = work.open().await?.reduce(Reduce::Mean, false, &[0])?;
    work.sum(&mean).await
}
