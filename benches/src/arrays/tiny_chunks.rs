//! A11: the sum of very many tiny chunks: what a chunk costs beside its values. Peers are given a
//! twentieth of them.

use futures::FutureExt;
use strata::RunText;
use strata_engine::{Array, Grid, Kind, Reduce, Scalar};

use super::Result;
use super::case::{AtMost, Case, Scale, Units, Work, all_timed, timed};

pub(super) const CASE: Case = Case {
    name: "A11",
    what: "sum of 1,000,000 chunks of 10 x 10",
    file: "tiny_chunks",
    peers: &["dask"],
    at_most: AtMost { seconds: Some(5e-6), ..AtMost::NOTHING },
    units: Some(Units { name: "chunk", ours: chunks, peers: |scale| chunks(scale) / 20 }),
    ours: |work| all_timed(work, mean),
    ..Case::PLAIN
};

/// The same where tiny chunks are not taken together: what each costs.
pub(super) const EACH: Case = Case {
    name: "A11e",
    what: "the same, each chunk by itself",
    peers: &[],
    ours: |work| {
        async move {
            let set = "SET array.without = 'take_neighbours'";
            work.session.run(set).await?;
            Ok(timed(work, mean))
        }
        .boxed()
    },
    ..CASE
};

async fn mean(work: Work) -> Result<f64> {
    let shape = [10, chunks(work.scale) * 10];
    let grid = Grid::even(&shape, &[10; 2]);
    let x = Array::filled_with(Scalar::Float(1.0), Kind::F64.into(), grid)?;
    let sum = work.sum(&x.reduce(Reduce::Sum, false, &[0, 1])?).await?;
    // It does not depend on how many there are.
    Ok(sum / (shape[0] * shape[1]) as f64)
}

fn chunks(scale: Scale) -> u64 {
    scale.of(1_000_000, 20_000, 200)
}
