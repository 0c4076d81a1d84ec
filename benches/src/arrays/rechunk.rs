//! A3: from chunks of whole maps to chunks of whole time series, Zarr to Zarr.

use strata_connectors::zarr::{Saves, Saving, save};
use strata_engine::Grid;

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cube::CUBE;

pub(super) const CASE: Case = Case {
    name: "A3",
    what: "rechunk to whole time series, Zarr to Zarr",
    file: "rechunk",
    peers: &["dask"],
    at_most: AtMost { time: Some(0.8), memory: Some(0.3), ..AtMost::NOTHING },
    store: Some(CUBE),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

async fn once(work: Work) -> Result<f64> {
    let cube = work.open().await?;
    let shape = cube.shape();
    let [time, lat, lon] = shape[..] else { return Err("no cube".into()) };
    let chunk = [time, lat.div_ceil(10), lon.div_ceil(10)];
    let other = cube.rechunk(Grid::even(&shape, &chunk))?;
    let to = work.out.display().to_string();
    save(&work.session, Saves::Array(&other.into()), &to, &Saving::default()).await?;
    Ok(0.0)
}
