//! W1: the largest singular values of genotypes that are never stored: each pass makes them anew. Peers are given a
//! tenth of the rows.

use strata_engine::{Array, Compressed, Distribution, Grid, Kind};

use super::Result;
use super::case::{AtMost, Case, Scale, Units, Work, all_timed};
use super::matrices::parts;

pub(super) const CASE: Case = Case {
    name: "W1",
    what: "10 singular values of random genotypes, 1,000,000 × 20,000, 2 power iterations",
    file: "genotypes",
    peers: &["dask"],
    at_most: AtMost { peak: Some(4_000_000_000), ..AtMost::NOTHING },
    long: true,
    memory: Some("3GB"),
    units: Some(Units { name: "1000 rows", ours: thousands, peers: |scale| thousands(scale) / 10 }),
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

/// So many thousand rows.
fn thousands(scale: Scale) -> u64 {
    scale.of(1_000, 20, 10)
}

async fn once(work: Work) -> Result<f64> {
    let shape = [thousands(work.scale) * 1000, work.scale.of(20_000, 500, 100)];
    let alleles = Distribution::Integers { low: 0, high: 3 };
    let grid = Grid::even(&shape, &[1000, shape[1]]);
    let genotypes = Array::random(alleles, 1, Kind::U8, grid)?;
    let largest = parts(&work, genotypes.svd_compressed(Compressed::new(10))?).await?;
    Ok(near(largest, shape))
}

/// One, if the largest singular value is about that of as many ones, which is what alleles are in the middle:
/// every generator has other values, and peers have fewer of them.
fn near(largest: f64, shape: [u64; 2]) -> f64 {
    let ones = ((shape[0] * shape[1]) as f64).sqrt();
    f64::from(u8::from((largest / ones - 1.0).abs() < 0.01))
}
