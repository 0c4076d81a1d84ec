//! Arrays: their answers are NumPy's.

mod attributes;
mod cells;
mod cf;
mod complex;
mod datasets;
mod exchange;
mod expressions;
mod fourier;
mod groups;
mod interp;
mod language;
mod matrices;
mod memory;
mod neighbours;
mod npy;
mod numpy;
mod packed;
mod queries;
mod rows;
mod rules;
mod settled;
mod statistics;
mod tensors;
mod writes;
mod zarr;
mod zfp;

use datafusion::prelude::SessionContext;
use expressions::{Expression, Parts};
use strata_engine::{Array, Scalar, Tensor};
use strata_tests::oracle::Grain;
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::{Python, python_with};
use strata_tests::random::Random;

/// How many expressions each runner is asked.
const ASKED: u64 = 2000;

/// Asks NumPy and a session for the same; says where they differ.
async fn compare(session: &SessionContext, seeds: std::ops::Range<u64>) {
    compare_beside(session, None, seeds).await;
}

/// The same, but for what another session finds otherwise than NumPy, too.
async fn compare_beside(
    session: &SessionContext,
    beside: Option<&SessionContext>,
    seeds: std::ops::Range<u64>,
) {
    let Some(python) = python_with("numpy") else { return };
    let mut data = Vec::new();
    let (asked, parts): (Vec<Expression>, Vec<Parts>) =
        seeds.map(|seed| Expression::random(&mut Random::new(seed), &mut data)).unzip();
    let expected = numpy::evaluate(&python, &asked, &data);
    let mut wrong = Vec::new();
    for (at, (expression, expected)) in asked.iter().zip(&expected).enumerate() {
        let Some(difference) = differs(session, expression, expected).await else { continue };
        let is_there_too = match beside {
            Some(other) => differs(other, expression, expected).await.is_some(),
            None => false,
        };
        if !is_there_too {
            wrong.push((expression.size(), at, difference));
        }
    }
    let answered = expected.iter().filter(|answer| answer.is_ok()).count();
    assert!(answered * 10 > asked.len() * 7, "NumPy answers only {answered} of {}", asked.len());
    wrong.sort();
    let mut shown = Vec::new();
    for (_, at, difference) in wrong.iter().take(5) {
        shown.push(match smallest(&python, session, &parts[*at], &data).await {
            Some(part) => part,
            None => format!("{difference}\n  of {}", asked[*at].json),
        });
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ; the smallest:\n{}",
        wrong.len(),
        asked.len(),
        shown.join("\n")
    );
}

/// The smallest part of an expression that differs by itself.
async fn smallest(
    python: &Python,
    session: &SessionContext,
    parts: &[Expression],
    data: &[u8],
) -> Option<String> {
    for (part, expected) in parts.iter().zip(numpy::evaluate(python, parts, data)) {
        if let Some(difference) = differs(session, part, &expected).await {
            return Some(format!("{difference}\n  of {}", part.json));
        }
    }
    None
}

/// How the answer of a session differs from NumPy's.
async fn differs(
    session: &SessionContext,
    expression: &Expression,
    expected: &numpy::Expected,
) -> Option<String> {
    let got = match &expression.array {
        Ok(array) => compute(session, array).await,
        Err(error) => Err(error.clone()),
    };
    // What is not shown is not computed, and cannot fail.
    let values = ["All-NaN slice", "negative integer powers"];
    let of_values = |refused: &String| values.iter().any(|reason| refused.contains(reason));
    let json = expression.json.to_string();
    let shows_less = [r#""op":"index""#, r#""times":0"#].iter().any(|part| json.contains(part));
    let culled = got.is_ok() && expected.as_ref().is_err_and(of_values) && shows_less;
    let rounded = expression.array.as_ref().is_ok_and(passes_f32);
    numpy::difference(&got, expected, rounded).filter(|_| !culled)
}

/// Whether there are values of 32 bits on the way: NumPy rounds those otherwise here and there.
fn passes_f32(array: &Array) -> bool {
    let mut seen = std::collections::HashSet::new();
    let mut left = vec![array.clone()];
    while let Some(array) = left.pop() {
        if array.kind() == strata_engine::Kind::F32 {
            return true;
        }
        let inputs = array.inputs().iter();
        left.extend(inputs.filter(|input| seen.insert(std::ptr::from_ref(input.form()))).cloned());
    }
    false
}

async fn compute(session: &SessionContext, array: &Array) -> Result<Tensor, String> {
    array.compute(session).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_have_numpys_values_and_types() {
    let session = Grain { batch_size: 8192, partitions: 3 }.session();
    compare(&session, 0..ASKED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_have_numpys_values_on_a_pool() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    compare(&pool.session(&[]), 10_000..10_000 + ASKED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_shown_by_the_smallest_part_that_fails() {
    let Some(python) = python_with("numpy") else { return };
    let session = Grain { batch_size: 8192, partitions: 3 }.session();
    let mut data = Vec::new();
    let mut made = (0..).map(|seed| Expression::random(&mut Random::new(seed), &mut data));
    let (_, mut parts) = made.find(|(_, parts)| parts.len() >= 4).unwrap();
    assert!(parts.windows(2).all(|two| two[0].size() <= two[1].size()));
    assert_eq!(smallest(&python, &session, &parts, &data).await, None);
    // From the second on, each is something that NumPy is not told of.
    let [start, stop, step] = [0, 12_345, 1].map(Scalar::Signed);
    for part in &mut parts[1..] {
        part.array = Array::arange(start, stop, step).map_err(|error| error.to_string());
    }
    let told = smallest(&python, &session, &parts, &data).await.unwrap();
    assert!(told.ends_with(&parts[1].json.to_string()), "{told}");
}

/// Sums of many floats, some of which nearly cancel, cut in several ways: as exact as their rounding.
#[tokio::test(flavor = "multi_thread")]
async fn sums_have_all_digits_but_the_last() {
    let Some(python) = python_with("numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy").display().to_string();
    let script = format!(
        "import math, numpy as np\n\
         x = np.random.default_rng(3).normal(size=(700, 300)) * 10.0 ** np.arange(-150, 150).clip(-6, 6)\n\
         np.save({path:?}, x)\n\
         print(*[repr(math.fsum(row)) for row in x], repr(math.fsum(x.ravel())))"
    );
    let output = std::process::Command::new(python.program()).args(["-c", &script]).output();
    let told = String::from_utf8(output.unwrap().stdout).unwrap();
    let expected: Vec<f64> = told.split_whitespace().map(|sum| sum.parse().unwrap()).collect();
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for session in [here, pool.session(&[])] {
        for cut in ["700, 300", "64, 300", "700, 7", "33, 41"] {
            let x = format!("npy('{path}').rechunk({cut})");
            for (axes, expected) in [("1", &expected[..700]), ("", &expected[700..])] {
                for text in [
                    format!("{x}.sum({axes})"),
                    format!("{x}.mean({axes}) * {}", if axes.is_empty() { 210_000 } else { 300 }),
                    format!("({x} * 2 - {x}).sum({axes})"),
                ] {
                    let rows = strata_tests::oracle::answer(&session, &text).await.unwrap().rows;
                    assert_eq!(rows.len(), expected.len());
                    for (row, expected) in rows.iter().zip(expected) {
                        let Some(strata_tests::answer::Cell::Real(sum)) = row.last() else {
                            panic!("{row:?}")
                        };
                        let off = (sum - expected).abs() / expected.abs();
                        assert!(off < 1e-12, "{text}: {sum} is off by {off}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn what_goes_too_far_is_refused_by_name() {
    use strata_engine::{Binary, Grid, Kind, Reduce, Scalar};
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let one = Scalar::Float(1.0);
    let zeros = |shape: &[u64], chunk: &[u64]| {
        Array::filled_with(one, Kind::F64.into(), Grid::even(shape, chunk)).unwrap()
    };
    let small = zeros(&[4], &[2]);
    // A loop that goes on and on.
    let mut deep = Ok(small.clone());
    for _ in 0..5_000 {
        deep = deep.and_then(|array| array.binary_with(Binary::Add, one, false));
    }
    assert!(deep.unwrap_err().to_string().contains("save what is there"));
    // Means of what has its mean taken away, again and again.
    let mut nested = small.clone();
    for _ in 0..40 {
        let mean = nested.reduce(Reduce::Mean, false, &[]).unwrap();
        nested = nested.binary(Binary::Sub, &mean).unwrap();
    }
    let error = compute(&session, &nested).await.unwrap_err();
    assert!(error.contains("reductions of reductions"), "{error}");
    // More than there is, and more than can be counted.
    let vast = zeros(&[1 << 20, 1 << 20], &[1024, 1024]);
    let error = compute(&session, &vast).await.unwrap_err();
    assert!(error.contains("8TiB") && error.contains("memory.limit"), "{error}");
    assert!(small.repeat(1 << 40, 0).is_err() && small.tile(1 << 40, 0).is_err());
    let ends = zeros(&[u64::MAX >> 4], &[1]).index(&[strata_engine::Index::Slice {
        start: Some(1),
        stop: None,
        step: None,
    }]);
    assert_eq!(ends.unwrap().shape(), [(u64::MAX >> 4) - 1]);
    let first = zeros(&[1 << 20, 1 << 20], &[1, 1 << 20]).index(&[strata_engine::Index::At(7)]);
    let first = first.unwrap().index(&[strata_engine::Index::At(-1)]).unwrap();
    assert!(compute(&session, &first).await.unwrap().shape().is_empty());
}
