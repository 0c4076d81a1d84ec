//! Arrays: their answers are NumPy's.

mod expressions;
mod numpy;
mod zarr;

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
async fn compare(session: &datafusion::prelude::SessionContext, seeds: std::ops::Range<u64>) {
    let Some(python) = python_with("numpy") else { return };
    let mut data = Vec::new();
    let asked: Vec<Expression> =
        seeds.map(|seed| Expression::random(&mut Random::new(seed), &mut data)).collect();
    let expected = numpy::evaluate(&python, &asked, &data);
    let mut wrong = Vec::new();
    for (at, (expression, expected)) in asked.iter().zip(&expected).enumerate() {
        let got = match &expression.array {
            Ok(array) => compute(session, array).await,
            Err(error) => Err(error.clone()),
        };
        if let Some(difference) = numpy::difference(&got, expected) {
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

async fn compute(
    session: &datafusion::prelude::SessionContext,
    array: &Array,
) -> Result<Tensor, String> {
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
