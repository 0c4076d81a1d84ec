//! A4: an array and its transpose, added up. Of ones, nothing but the bandwidth counts; of chance, making
//! it does.

use strata_engine::{Array, Binary, Distribution, Grid, Kind, Reduce, Scalar};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};

pub(super) const ONES: Case = Case {
    name: "A4",
    what: "(x + x.T).sum() of ones",
    file: "transpose",
    peers: &["dask", "numpy"],
    at_most: AtMost { time: Some(1.0), memory: Some(0.8), ..AtMost::NOTHING },
    repeats: 3,
    ours: |work| all_timed(work, |work| sum(work, ones, |sum, _| sum)),
    ..Case::PLAIN
};

pub(super) const RANDOM: Case = Case {
    name: "A4r",
    what: "(x + x.T).sum() of chance",
    file: "transpose_random",
    ours: |work| all_timed(work, |work| sum(work, chance, near)),
    ..ONES
};

fn ones(shape: &[u64], chunk: &[u64]) -> Result<Array> {
    Ok(Array::filled_with(Scalar::Float(1.0), Kind::F64.into(), Grid::even(shape, chunk))?)
}

fn chance(shape: &[u64], chunk: &[u64]) -> Result<Array> {
    let uniform = Distribution::Uniform { low: 0.0, high: 1.0 };
    Ok(Array::random(uniform, 1, Kind::F64, Grid::even(shape, chunk))?)
}

/// One, if the sum is about as chance has it: every generator has other values.
fn near(sum: f64, cells: f64) -> f64 {
    f64::from(u8::from((sum / cells - 1.0).abs() < 10.0 / cells.sqrt()))
}

async fn sum(
    work: Work,
    make: fn(&[u64], &[u64]) -> Result<Array>,
    check: fn(f64, f64) -> f64,
) -> Result<f64> {
    let length = work.scale.of(8000, 1000, 20);
    let x = make(&[length; 2], &[length / 8; 2])?;
    let both = x.binary(Binary::Add, &x.transposed()?)?;
    let sum = work.sum(&both.reduce(Reduce::Sum, false, &[0, 1])?).await?;
    Ok(check(sum, (length * length) as f64))
}
