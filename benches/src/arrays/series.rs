//! W10: how long series of a store go with others when they are moved.

use futures::FutureExt;
use strata_engine::{Array, Binary, Distribution, Grid, Index, Kind, Scalar, Unary};

use super::Result;
use super::case::{AtMost, Case, Scale, Work, all_timed};
use super::store::{Store, write};

pub(super) const CASE: Case = Case {
    name: "W10",
    what: "cross-correlation of 250 with 250 series of 500,000 steps in Zarr, 24 lags both ways",
    file: "series",
    peers: &["dask"],
    at_most: AtMost { time: Some(0.6), ..AtMost::NOTHING },
    store: Some(SERIES),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

pub(super) const FULL: Case = Case {
    name: "W10f",
    what: "the same of 1,000 with 1,000 series",
    store: Some(FULL_SERIES),
    long: true,
    ..CASE
};

/// 1 GB, about half of it packed.
const SERIES: Store = Store {
    name: "series",
    make: |session, path, scale| {
        async move { write(session, path, series(scale, 500)?).await }.boxed()
    },
};

/// 4 GB.
const FULL_SERIES: Store = Store {
    name: "series-whole",
    make: |session, path, scale| {
        async move { write(session, path, series(scale, 2_000)?).await }.boxed()
    },
};

/// Noise on a wave that all have, in hundredths.
fn series(scale: Scale, count: u64) -> Result<Array> {
    let shape = [scale.of(count, 60, 10), scale.of(500_000, 20_000, 1_000)];
    let grid = Grid::even(&shape, &[shape[0] / 2, scale.of(10_000, 2_000, 250)]);
    let number = Scalar::Float;
    let noise = Distribution::Normal { mean: 0.0, std: 1.0 };
    let noise = Array::random(noise, 1, Kind::F32, grid.clone())?;
    let made = Array::from_function(grid, |places| {
        let wave = places[1].binary_with(Binary::Mul, number(0.02), false)?.unary(Unary::Sin)?;
        let values = noise.binary(Binary::Add, &wave.cast(Kind::F32.into())?)?;
        let hundredths = values.binary_with(Binary::Mul, number(100.0), false)?;
        hundredths.unary(Unary::Round)?.binary_with(Binary::Div, number(100.0), false)
    })?;
    Ok(made)
}

async fn once(work: Work) -> Result<f64> {
    let all = work.open().await?;
    let half = all.shape().first().map(|count| *count as i64 / 2);
    let rows = |start, stop| all.index(&[Index::Slice { start, stop, step: None }]);
    let (first, second) = (rows(None, half)?, rows(half, None)?);
    work.sum(&first.cross_correlation(&second, 24)?).await
}
