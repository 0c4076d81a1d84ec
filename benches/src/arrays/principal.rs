//! W5: the principal components of genotypes in a store: what is loaded is centred and scaled, variant by variant, and
//! decomposed.

use strata_engine::{Binary, Compressed, Kind, Reduce};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cohort::{COHORT, FULL_COHORT};
use super::matrices::parts;

pub(super) const CASE: Case = Case {
    name: "W5",
    what: "10 singular values of 60,000 × 20,000 genotypes in Zarr, centred and scaled",
    file: "principal",
    peers: &["dask"],
    at_most: AtMost { time: Some(0.5), ..AtMost::NOTHING },
    store: Some(COHORT),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

pub(super) const FULL: Case = Case {
    name: "W5f",
    what: "the same of 1,250,000 × 20,000, 25 GB (dask: loaded again in each pass)",
    file: "principal_full",
    store: Some(FULL_COHORT),
    long: true,
    ..CASE
};

async fn once(work: Work) -> Result<f64> {
    let genotypes = work.open().await?;
    let (kind, spread) = (Kind::F32.into(), Reduce::Std { ddof: 0 });
    let mean = genotypes.reduce(Reduce::Mean, false, &[0])?.cast(kind)?;
    let spread = genotypes.reduce(spread, false, &[0])?.cast(kind)?;
    let scaled = genotypes.cast(kind)?.binary(Binary::Sub, &mean)?.binary(Binary::Div, &spread)?;
    parts(&work, scaled.svd_compressed(Compressed::new(10))?).await
}
