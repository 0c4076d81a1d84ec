//! A5 to A7 and W3: matrices in memory. A blocked product, and singular values of tall matrices with all their vectors.

use futures::FutureExt;
use futures::future::BoxFuture;
use strata_engine::{Array, Block, Compressed, Grid, Kind, Tensor};

use super::Result;
use super::case::{AtMost, Case, Timed, Work, timed, total};

pub(super) const PRODUCT: Case = Case {
    name: "A5",
    what: "x @ y of 4000², in chunks of 1000²",
    file: "product",
    peers: &["dask", "numpy"],
    at_most: AtMost { time: Some(1.1), ..AtMost::NOTHING },
    repeats: 3,
    ours: product,
    ..Case::PLAIN
};

pub(super) const SVD: Case = Case {
    name: "A6",
    what: "singular values and vectors of 2,000,000 × 20",
    file: "svd",
    at_most: AtMost { time: Some(0.6), ..AtMost::NOTHING },
    ours: |work| svd(work.scale.of(2_000_000, 100_000, 1_600), work),
    ..PRODUCT
};

pub(super) const TALL: Case = Case {
    name: "W3",
    what: "the same of 10,000,000 × 20",
    file: "svd_tall",
    peers: &["dask"],
    repeats: 1,
    ours: |work| svd(work.scale.of(10_000_000, 200_000, 1_600), work),
    ..SVD
};

pub(super) const COMPRESSED: Case = Case {
    name: "A7",
    what: "10 singular values of genotypes, 1,000,000 × 500, 2 power iterations",
    file: "svd_compressed",
    peers: &["dask"],
    at_most: AtMost { time: Some(0.5), memory: Some(0.2), ..AtMost::NOTHING },
    ours: compressed,
    ..PRODUCT
};

/// Numbers that have no order to speak of, the same as the peers'.
fn scattered(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(|at| (at.wrapping_mul(2_654_435_761) >> 7) % 1009)
}

fn floats(shape: [u64; 2], chunk: [u64; 2]) -> Result<Array> {
    Ok(evenly(shape, 0.5)?.rechunk(Grid::even(&shape, &chunk))?)
}

/// Numbers from -`less` up to a whole one more.
pub(super) fn evenly(shape: [u64; 2], less: f64) -> Result<Array> {
    let values = scattered(shape[0] * shape[1]).map(|at| at as f64 / 1009.0 - less).collect();
    Ok(Array::of(Tensor::from_block(Kind::F64.into(), shape.to_vec(), Block::F64(values))?)?)
}

fn product(work: Work) -> BoxFuture<'static, Result<Timed>> {
    async move {
        let length = work.scale.of(4000, 800, 40);
        let x = floats([length; 2], [length / 4; 2])?;
        Ok(timed((work, x), |(work, x)| async move {
            let y = x.transposed()?;
            Ok(total(&x.matmul(&y)?.compute(&work.session).await?))
        }))
    }
    .boxed()
}

/// All three parts are brought into memory; the largest singular value tells whether they are right.
pub(super) async fn parts(
    work: &Work,
    (left, values, right): (Array, Array, Array),
) -> Result<f64> {
    let left = left.compute(&work.session).await?;
    let right = right.compute(&work.session).await?;
    let values = values.index(&[strata_engine::Index::At(0)])?.compute(&work.session).await?;
    assert!(left.shape().first() >= right.shape().first(), "vectors have the wrong shapes");
    Ok(total(&values))
}

fn svd(rows: u64, work: Work) -> BoxFuture<'static, Result<Timed>> {
    async move {
        let x = floats([rows, 20], [rows / 16, 20])?;
        Ok(timed((work, x), |(work, x)| async move { parts(&work, x.svd()?).await }))
    }
    .boxed()
}

fn compressed(work: Work) -> BoxFuture<'static, Result<Timed>> {
    async move {
        let rows = work.scale.of(1_000_000, 20_000, 1_000);
        let shape = [rows, 500];
        let values = scattered(rows * 500).map(|at| (at % 3) as u8).collect();
        let values = Tensor::from_block(Kind::U8.into(), shape.to_vec(), Block::U8(values))?;
        let x = Array::of(values)?.rechunk(Grid::even(&shape, &[rows / 20, 500]))?;
        Ok(timed((work, x), |(work, x)| async move {
            parts(&work, x.svd_compressed(Compressed::new(10))?).await
        }))
    }
    .boxed()
}
