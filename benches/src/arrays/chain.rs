//! A12: a chain of twelve functions of each value of a gigabyte in memory. The answer is as large.

use futures::FutureExt;
use strata_engine::{Array, Binary, Block, Kind, Scalar, Tensor, Unary};

use super::case::{AtMost, Case, timed, total};

pub(super) const CASE: Case = Case {
    name: "A12",
    what: "12 functions of each of 1 GB of values in memory",
    file: "chain",
    peers: &["dask", "numpy"],
    at_most: AtMost { time: Some(0.3), ..AtMost::NOTHING },
    repeats: 3,
    ours: |work| {
        async move {
            let count = work.scale.of(125_000_000, 2_000_000, 1_000);
            let values = (0..count).map(|at| at as f64 / count as f64).collect();
            let values = Tensor::from_block(Kind::F64.into(), vec![count], Block::F64(values))?;
            let x = Array::of(values)?;
            Ok(timed((work, x), |(work, x)| async move {
                let with = |x: &Array, by, number| x.binary_with(by, Scalar::Float(number), false);
                let mut y = with(&x, Binary::Mul, 2.0)?;
                y = with(&y, Binary::Add, 1.0)?;
                y = y.binary(Binary::Sub, &x)?;
                y = with(&y, Binary::Div, 3.0)?;
                y = y.unary(Unary::Abs)?.unary(Unary::Sqrt)?;
                y = y.binary(Binary::Mul, &x)?;
                y = with(&y, Binary::Add, 0.5)?;
                y = with(&y, Binary::Maximum, 0.6)?;
                y = with(&y, Binary::Minimum, 1.4)?;
                y = y.unary(Unary::Neg)?.unary(Unary::Square)?;
                Ok(total(&y.compute(&work.session).await?))
            }))
        }
        .boxed()
    },
    ..Case::PLAIN
};
