//! W6: a stack of images, one to a chunk of a store, cut into blocks and sharpened, each with half of the point spread
//! function around it.

use futures::FutureExt;
use strata_engine::{Array, Boundary, Distribution, Grid, Kind, Reduce};

use super::Result;
use super::case::{AtMost, Case, Scale, Work, all_timed};
use super::deconvolution::blur;
use super::store::{Store, write};

pub(super) const CASE: Case = Case {
    name: "W6",
    what: "10 Richardson-Lucy iterations on 128 × 1024 × 1024 u16 in Zarr, PSF 33 × 65 × 65",
    file: "stack",
    peers: &["dask"],
    at_most: AtMost { time: Some(0.4), ..AtMost::NOTHING },
    store: Some(STACK),
    ours: |work| all_timed(work, |work| once(work, SOME)),
    ..Case::PLAIN
};

pub(super) const FULL: Case = Case {
    name: "W6f",
    what: "100 of them on 950 × 2048 × 2048, PSF 128³",
    file: "stack_full",
    store: Some(FULL_STACK),
    // Two blocks at a time take 17.
    memory: Some("20GB"),
    long: true,
    ours: |work| all_timed(work, |work| once(work, ALL)),
    ..CASE
};

/// 268 MB, about three quarters of it packed.
const STACK: Store = Store {
    name: "stack",
    make: |session, path, scale| {
        async move { write(session, path, images(scale, SOME)?).await }.boxed()
    },
};

/// 8 GB.
const FULL_STACK: Store = Store {
    name: "stack-whole",
    make: |session, path, scale| {
        async move { write(session, path, images(scale, ALL)?).await }.boxed()
    },
};

/// How large everything is.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    shape: [u64; 3],
    block: [u64; 3],
    psf: [u64; 3],
    iterations: u32,
}

const SOME: Sizes =
    Sizes { shape: [128, 1024, 1024], block: [64, 256, 256], psf: [33, 65, 65], iterations: 10 };

const ALL: Sizes = Sizes {
    shape: [950, 2048, 2048],
    block: [950, 256, 512],
    psf: [128, 128, 128],
    iterations: 100,
};

impl Sizes {
    fn at(self, scale: Scale) -> Self {
        let small =
            Self { shape: [32, 256, 256], block: [16, 64, 64], psf: [9, 17, 17], iterations: 10 };
        let tiny = Self { shape: [8, 64, 64], block: [4, 32, 32], psf: [5, 9, 9], iterations: 2 };
        scale.of(self, small, tiny)
    }
}

/// Noise: how long it takes does not depend on what is seen.
fn images(scale: Scale, full: Sizes) -> Result<Array> {
    let shape = full.at(scale).shape;
    let light = Distribution::Integers { low: 100, high: 1_100 };
    Ok(Array::random(light, 1, Kind::U16, Grid::even(&shape, &[1, shape[1], shape[2]]))?)
}

async fn once(work: Work, full: Sizes) -> Result<f64> {
    let sizes = full.at(work.scale);
    let psf = blur(sizes.psf, sizes.psf.map(|length| length as f64 / 8.0))?;
    let images = work.open().await?.cast(Kind::F32.into())?;
    let blocks = images.rechunk(Grid::even(&sizes.shape, &sizes.block))?;
    let made = blocks.richardson_lucy(&psf, sizes.iterations, None, Boundary::Periodic)?;
    let made = made.cast(Kind::F64.into())?;
    work.sum(&made.reduce(Reduce::Sum, false, &[0, 1, 2])?).await
}
