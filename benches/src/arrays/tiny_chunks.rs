//! A11: the sum of very many tiny chunks: what a chunk costs beside its values. Peers are given a
//! twentieth of them.

use futures::FutureExt;
use strata_engine::{Array, Grid, Kind, Reduce, Scalar};

use super::case::{AtMost, Case, Scale, Units};

pub(super) const CASE: Case = Case {
    name: "A11",
    what: "sum of 1,000,000 chunks of 10 x 10",
    file: "tiny_chunks",
    peers: &["dask"],
    at_most: AtMost { time: None, memory: None, seconds: Some(5e-6) },
    stored: false,
    repeats: 1,
    units: Some(Units { name: "chunk", ours: chunks, peers: |scale| chunks(scale) / 20 }),
    ours: |work| {
        async move {
            Ok(Box::new(move || {
                let work = work.clone();
                async move {
                    let shape = [10, chunks(work.scale) * 10];
                    let one = Scalar::Float(1.0);
                    let grid = Grid::even(&shape, &[10; 2]);
                    let x = Array::filled_with(one, Kind::F64.into(), grid)?;
                    let sum = work.sum(&x.reduce(Reduce::Sum, false, &[0, 1])?).await?;
                    // A mean, which does not depend on how many there are.
                    Ok(sum / (shape[0] * shape[1]) as f64)
                }
                .boxed()
            }) as _)
        }
        .boxed()
    },
    by_hand: None,
};

fn chunks(scale: Scale) -> u64 {
    scale.of(1_000_000, 20_000, 200)
}
