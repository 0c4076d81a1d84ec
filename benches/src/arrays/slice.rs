//! A9: a corner of an array of very many chunks. Nothing may be done for each of them.

use strata_engine::{Array, Binary, Grid, Index, Kind, Scalar};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};

pub(super) const CASE: Case = Case {
    name: "A9",
    what: "((x + 1) * 2)[0, :10] of 1,000,000 chunks",
    file: "slice",
    peers: &["dask"],
    at_most: AtMost { seconds: Some(0.020), ..AtMost::NOTHING },
    repeats: 5,
    ours: |work| all_timed(work, once),
    ..Case::PLAIN
};

async fn once(work: Work) -> Result<f64> {
    let length = work.scale.of(10_000, 1_000, 100);
    let zero = Scalar::Float(0.0);
    let grid = Grid::even(&[length; 2], &[10; 2]);
    let x = Array::filled_with(zero, Kind::F64.into(), grid)?;
    let more = x.binary_with(Binary::Add, Scalar::Signed(1), false)?;
    let twice = more.binary_with(Binary::Mul, Scalar::Signed(2), false)?;
    let first = Index::Slice { start: None, stop: Some(10), step: None };
    work.sum(&twice.index(&[Index::At(0), first])?).await
}
