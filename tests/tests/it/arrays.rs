//! Arrays: their answers are NumPy's.

mod cf;
mod exchange;
mod expressions;
mod groups;
mod language;
mod matrices;
mod memory;
mod npy;
mod numpy;
mod rows;
mod rules;
mod statistics;
mod writes;
mod zarr;

use datafusion::prelude::SessionContext;
use expressions::Expression;
use strata_engine::{Array, Tensor};
use strata_tests::oracle::Grain;
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;
use strata_tests::random::Random;

/// How many expressions each runner is asked.
const HERE: u64 = 2000;
const ON_A_POOL: u64 = 300;

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
    let asked: Vec<Expression> =
        seeds.map(|seed| Expression::random(&mut Random::new(seed), &mut data)).collect();
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
    let shown: Vec<String> = wrong
        .iter()
        .take(5)
        .map(|(_, at, difference)| format!("{difference}\n  of {}", asked[*at].json))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ; the smallest:\n{}",
        wrong.len(),
        asked.len(),
        shown.join("\n")
    );
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
    let culled = got.is_ok()
        && expected.as_ref().is_err_and(|refused| refused.contains("All-NaN slice"))
        && expression.json.to_string().contains(r#""op":"index""#);
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
    compare(&session, 0..HERE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_have_numpys_values_on_a_pool() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    compare(&pool.session(&[]), 10_000..10_000 + ON_A_POOL).await;
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
