//! Workers that are killed at random moments of TPC-H queries: the answer is the same, in time.

use std::time::{Duration, Instant};

use datafusion::execution::context::SessionContext;
use strata_engine::Processes;
use strata_tests::answer::Answer;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::random::Random;

use super::{name_tables, signal, tpch};

/// How long a worker may be silent. A killed one is missed at once: its connection ends.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a new process and a busy machine take beyond that.
const SLACK: Duration = Duration::from_secs(8);

/// Queries with one stage, many stages, shared stages, and joins of every kind.
const QUERIES: [&str; 9] = ["q01", "q02", "q05", "q08", "q10", "q13", "q16", "q18", "q21"];

struct Asked {
    name: String,
    text: String,
    expected: Answer,
    took: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_changes_no_answer() {
    let mut random = Random::new(2026);
    let data = tpch(0.1).await;
    let here = Grain { batch_size: 8192, partitions: 2 }.session();
    name_tables(&here, data.path()).await;
    let mut kills = 0;
    for shape in [Shape { workers: 3, cores: 1 }, Shape { workers: 2, cores: 2 }] {
        let program = env!("CARGO_BIN_EXE_strata-under-test");
        let pool = TestPool::empty(PATIENCE).await;
        let one = Shape { workers: 1, ..shape };
        let mut workers: Vec<Processes> = Vec::new();
        for _ in 0..shape.workers {
            workers.push(pool.local(program, one).start(&pool.pool).await.unwrap());
        }
        wait_for(&pool, shape.workers).await;
        let session = pool.session(&[]);
        name_tables(&session, data.path()).await;
        let asked = undisturbed(&here, &session).await;
        for _ in 0..3 {
            for asked in &asked {
                let moment = asked.took.mul_f64(random.below(1000) as f64 / 1000.0);
                let victim = random.below(workers.len() as u64) as usize;
                let process = workers[victim].ids()[0];
                let began = Instant::now();
                let query = answer(&session, &asked.text);
                let kill = async {
                    tokio::time::sleep(moment).await;
                    signal("KILL", process);
                };
                let (got, ()) = tokio::join!(query, kill);
                let took = began.elapsed();
                let context = format!("{} with {shape:?}, killed after {moment:?}", asked.name);
                let got = got.unwrap_or_else(|error| panic!("{context}: {error}"));
                let difference = got.difference(&asked.expected, false);
                assert!(difference.is_none(), "{context}: {}", difference.unwrap());
                let limit = PATIENCE + SLACK + 3 * asked.took;
                assert!(took <= limit, "{context}: {took:?}, and {:?} undisturbed", asked.took);
                kills += 1;
                workers[victim] = pool.local(program, one).start(&pool.pool).await.unwrap();
                wait_for(&pool, shape.workers).await;
            }
        }
    }
    assert!(kills >= 50, "only {kills} workers were killed");
}

/// Until so many workers have joined, and the lost ones are gone.
async fn wait_for(pool: &TestPool, workers: usize) {
    let began = Instant::now();
    while pool.pool.workers().await.unwrap().len() != workers {
        assert!(began.elapsed() < Duration::from_secs(20), "the workers did not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn undisturbed(here: &SessionContext, pool: &SessionContext) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (name, text) in crate::tpch::queries() {
        if !QUERIES.contains(&name.as_str()) {
            continue;
        }
        let expected = answer(here, &text).await.unwrap();
        let began = Instant::now();
        let got = answer(pool, &text).await.unwrap();
        let took = began.elapsed();
        assert!(got.difference(&expected, false).is_none(), "{name}");
        asked.push(Asked { name, text, expected, took });
    }
    asked
}
