//! What is read once and exchanged makes the same chunks as what each chunk reads for itself, wherever the
//! pieces wait, and whoever is killed meanwhile.

use std::time::{Duration, Instant};

use datafusion::prelude::SessionContext;
use strata::{RunText, Settings};
use strata_engine::{LayerGraph, Origin};
use strata_tests::oracle::answer;
use strata_tests::pool::{Shape, TestPool};
use strata_tests::random::Random;

use super::compare;

/// Everything is exchanged, and hardly a piece stays in memory.
const ALWAYS: &[(&str, &str)] = &[("array.exchange", "0"), ("array.pieces", "1KiB")];

fn session(chosen: &[(&str, &str)]) -> SessionContext {
    let mut settings = Settings::default();
    for (name, value) in chosen {
        settings.set(name, value, Origin::Session).unwrap();
    }
    settings.set("datafusion.execution.target_partitions", "3", Origin::Session).unwrap();
    strata::session(settings).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanged_expressions_have_numpys_values() {
    compare(&session(ALWAYS), 20_000..20_500).await;
    compare(&session(&ALWAYS[..1]), 20_000..20_200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanged_expressions_have_numpys_values_on_a_pool() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    compare(&pool.session(ALWAYS), 30_000..30_150).await;
}

/// 32 MiB in a store, cut along the first dimension.
async fn stored(folder: &std::path::Path) -> String {
    let path = folder.join("x.zarr").display().to_string();
    let made = "random_normal(64, 128, 512, seed => 5, chunks => [2, 128, 512])";
    let text = format!("{made}.save('{path}')");
    session(&[]).run(&text).await.unwrap().collect().await.unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_lie_otherwise_are_exchanged_where_that_saves_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(folder.path()).await;
    let session = session(&[]);
    let layers = async |text: String| {
        let plan = session.run(&text).await.unwrap().into_unoptimized_plan();
        let plan = session.state().create_physical_plan(&plan).await.unwrap();
        let graph = LayerGraph::of(&plan).unwrap();
        let operators = graph.layers().iter().flat_map(|layer| &layer.operators);
        operators.map(|operator| operator.name.clone()).collect::<Vec<String>>()
    };
    // Once, where it is.
    let scattered = |names: Vec<String>| {
        let count = names.iter().filter(|name| *name == "ScatterChunks").count();
        assert!(count <= 1, "{names:?}");
        count == 1
    };
    let x = format!("zarr('{path}')");
    for (text, expected) in [
        // Each of 64 chunks wants a little of each of 32.
        (format!("{x}.rechunk(64, 16, 64)"), true),
        (format!("{x}.rechunk(64, 16, 64).mean(0)"), true),
        // And of what lies around it.
        (format!("{x}.rechunk(64, 16, 64).gaussian_filter(1)"), true),
        (format!("{x}.rechunk(64, 16, 64).laplace(boundary => 'periodic')"), true),
        (format!("{x}.rechunk(64, 16, 64).richardson_lucy(ones(3, 3, 3) / 27)"), true),
        (format!("{x}.fft(0)"), false),
        (format!("{x}.gradient(1)"), false),
        (format!("{x}.uniform_filter((3, 1, 1))"), false),
        // Chunks together, and parts of chunks that nobody else wants.
        (format!("{x}.rechunk(8, 128, 512)"), false),
        (format!("{x}[:, 3]"), false),
        (format!("{x}.mean(0)"), false),
        (format!("{x} + {x}"), false),
    ] {
        assert_eq!(scattered(layers(text.clone()).await), expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_while_chunks_are_exchanged_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = stored(folder.path()).await;
    let program = env!("CARGO_BIN_EXE_strata-under-test");
    let pool = TestPool::empty(Duration::from_secs(3)).await;
    let one = Shape { workers: 1, cores: 1 };
    let mut workers = Vec::new();
    for _ in 0..2 {
        workers.push(pool.local(program, one).start(&pool.pool).await.unwrap());
    }
    let (here, on_pool) = (session(&[]), pool.session(&[]));
    let text = format!("(zarr('{path}').rechunk(64, 16, 64) * 2).mean(0, 2)");
    let expected = answer(&here, &text).await.unwrap();
    let began = Instant::now();
    assert_eq!(answer(&on_pool, &text).await.unwrap().difference(&expected, false), None);
    let undisturbed = began.elapsed();
    let mut random = Random::new(11);
    for _ in 0..6 {
        let moment = undisturbed.mul_f64(random.below(1000) as f64 / 1000.0);
        let victim = random.below(2) as usize;
        let process = workers[victim].ids()[0];
        let kill = async {
            tokio::time::sleep(moment).await;
            crate::pool::signal("KILL", process);
        };
        let (got, ()) = tokio::join!(answer(&on_pool, &text), kill);
        let got = got.unwrap_or_else(|error| panic!("killed after {moment:?}: {error}"));
        assert_eq!(got.difference(&expected, false), None, "killed after {moment:?}");
        workers[victim] = pool.local(program, one).start(&pool.pool).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_256_mib_cross_the_wire() {
    use strata_engine::{Array, Binary, Grid, Reduce, Scalar, Slice};
    const LENGTH: i64 = 1 << 25;
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let number = Scalar::Signed;
    let whole = Grid::even(&[LENGTH as u64], &[LENGTH as u64]);
    let places = Array::arange(number(0), number(LENGTH), number(1)).unwrap();
    let places = places.rechunk(whole).unwrap();
    let more = places.binary_with(Binary::Add, number(1), false).unwrap();
    // Each worker has one of two, of which the larger is kept; it goes to the client.
    let both = Array::stack(&[places, more], 0, None).unwrap();
    let larger = both.reduce(Reduce::Max, false, &[0]).unwrap();
    let larger = larger.compute(&pool.session(&[])).await.unwrap();
    let Slice::I64(values) = larger.values() else { panic!("{:?}", larger.dtype()) };
    assert_eq!(values.len() as i64, LENGTH);
    assert!(values.iter().enumerate().all(|(at, value)| *value == 1 + at as i64));
}
