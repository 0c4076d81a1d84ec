//! What breaks besides a killed worker, and what becomes of the query.

use std::time::{Duration, Instant};

use datafusion::execution::context::SessionContext;
use strata_engine::Pool;
use strata_tests::oracle::answer;
use strata_tests::pool::{Shape, TestPool};

use super::{here, locked, name_tables, scheduler, signal, tpch};

const PROGRAM: &str = env!("CARGO_BIN_EXE_strata-under-test");
const PATIENCE: Duration = Duration::from_secs(2);
/// What a busy machine takes beyond what is promised.
const SLACK: Duration = Duration::from_secs(5);
/// Rows that take a while, on more than one worker.
const LONG: &str = "SELECT count(*) AS n, sum(a.value % 7) AS s FROM range(0, 3000000) AS a \
                    JOIN range(0, 3000000) AS b ON a.value = b.value";

async fn answers_alike(here: &SessionContext, pool: &SessionContext, text: &str) {
    let expected = answer(here, text).await.unwrap();
    let got = answer(pool, text).await.unwrap();
    assert!(got.difference(&expected, false).is_none(), "{text}");
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not come to be");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_worker_is_given_up_and_may_come_back() {
    let data = tpch(0.05).await;
    let here = here();
    name_tables(&here, data.path()).await;
    let pool = TestPool::empty(PATIENCE).await;
    let shape = Shape { workers: 1, cores: 1 };
    let hung = pool.local(PROGRAM, shape).start(&pool.pool).await.unwrap();
    let _sound =
        pool.local(PROGRAM, Shape { workers: 1, ..shape }).start(&pool.pool).await.unwrap();
    until("two workers", async || pool.pool.workers().await.unwrap().len() == 2).await;
    let session = pool.session(&[]);
    name_tables(&session, data.path()).await;
    let text = &crate::tpch::queries()[4].1;
    let expected = answer(&here, text).await.unwrap();
    // Hung before the query, and while it runs.
    for delay in [Duration::ZERO, Duration::from_millis(60)] {
        let began = Instant::now();
        let stop = async {
            tokio::time::sleep(delay).await;
            signal("STOP", hung.ids()[0]);
        };
        let (got, ()) = tokio::join!(answer(&session, text), stop);
        let got = got.unwrap();
        assert!(got.difference(&expected, false).is_none());
        let took = began.elapsed();
        assert!(took < 3 * PATIENCE + SLACK, "{took:?}");
        signal("CONT", hung.ids()[0]);
        until("it is back", async || pool.pool.workers().await.unwrap().len() == 2).await;
        answers_alike(&here, &session, text).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_at_once_that_the_scheduler_is_gone() {
    let security = locked();
    let (scheduler, address) = scheduler(&[], &security);
    let pool = Pool::find(address, security.clone()).await.unwrap();
    let workers = strata_engine::LocalWorkers {
        program: PROGRAM.into(),
        scheduler: pool.address().clone(),
        token: security.token.unwrap(),
        workers: 2,
        cores: 1,
        memory: 512 << 20,
        spill: None,
    };
    let processes = workers.start(&pool).await.unwrap();
    let session = strata::session_on(pool, strata::Settings::default()).unwrap();
    let killed = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        signal("KILL", scheduler.0.id());
        Instant::now()
    };
    let long = LONG.replace("3000000", "300000000");
    let (error, killed) = tokio::join!(answer(&session, &long), killed);
    let error = error.unwrap_err();
    assert!(killed.elapsed() < SLACK, "{error}");
    assert!(error.contains("127.0.0.1"), "{error}");
    // Workers that have nobody to work for end by themselves: these were told to wait a second.
    let ids = processes.ids();
    until("the workers have left", async || {
        ids.iter().all(|id| {
            let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            status.is_empty() || status.contains(") Z ")
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_on_one_worker_is_another_workers_work() {
    let mut pool = TestPool::empty(Duration::from_secs(30)).await;
    // One has no room for its rows, neither in memory nor on disk.
    pool.add_worker_with(1, &[("memory.limit", "64MiB"), ("spill.limit", "1KiB")]).await;
    pool.add_worker_with(1, &[]).await;
    until("two workers", async || pool.pool.workers().await.unwrap().len() == 2).await;
    let data = tpch(0.3).await;
    let session = pool.session(&[]);
    name_tables(&session, data.path()).await;
    let here = here();
    name_tables(&here, data.path()).await;
    let text = "SELECT count(*) AS n, sum(a.l_quantity) AS q, min(b.l_comment) AS c \
                FROM lineitem AS a JOIN lineitem AS b ON a.l_orderkey = b.l_orderkey \
                AND a.l_linenumber = b.l_linenumber AND a.l_comment = b.l_comment";
    answers_alike(&here, &session, text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_worker_has_memory_for_fails_by_name() {
    let mut pool = TestPool::empty(Duration::from_secs(30)).await;
    for _ in 0..2 {
        pool.add_worker_with(1, &[("memory.limit", "64MiB"), ("spill.limit", "1KiB")]).await;
    }
    until("two workers", async || pool.pool.workers().await.unwrap().len() == 2).await;
    let session = pool.session(&[]);
    let text =
        "SELECT value, row_number() OVER (ORDER BY value % 1000) AS n FROM range(0, 20000000)";
    let began = Instant::now();
    let error = answer(&session, text).await.unwrap_err();
    assert!(error.contains("spill") || error.contains("memory"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
    // The workers are there, and work.
    assert_eq!(pool.pool.workers().await.unwrap().len(), 2);
    let here = here();
    answers_alike(&here, &session, "SELECT sum(value) AS s FROM range(0, 1000)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_time_is_over_leaves_when_its_rows_are_fetched() {
    let mut pool = TestPool::empty(Duration::from_secs(30)).await;
    pool.add_worker_for(1, Some(Duration::from_millis(400))).await;
    pool.add_worker(1).await;
    until("two workers", async || pool.pool.workers().await.unwrap().len() == 2).await;
    let session = pool.session(&[]);
    let here = here();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(900) {
        answers_alike(&here, &session, &LONG.replace("3000000", "100000")).await;
    }
    until("one has left", async || pool.pool.workers().await.unwrap().len() == 1).await;
    answers_alike(&here, &session, &LONG.replace("3000000", "100000")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_query_ends_on_the_pool() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let session = pool.session(&[]);
    let long = LONG.replace("3000000", "300000000");
    let dropped = tokio::time::timeout(Duration::from_millis(300), answer(&session, &long)).await;
    assert!(dropped.is_err());
    until("nothing runs", async || {
        let workers = pool.pool.workers().await.unwrap();
        workers.iter().all(|worker| worker.tasks == 0 && worker.memory_used < 1 << 20)
    })
    .await;
    let jobs = pool.pool.jobs().await.unwrap();
    assert_eq!(jobs.last().unwrap().state, "cancelled", "{jobs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_workers_a_query_is_refused_in_time() {
    let pool = TestPool::empty(PATIENCE).await;
    let began = Instant::now();
    let error = answer(&pool.session(&[]), "SELECT 1").await.unwrap_err();
    assert!(error.contains("no workers") && error.contains("strata worker"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3) + SLACK);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_the_ones_this_machine_gives() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let here = here();
    let session = pool.session(&[]);
    for text in [
        "SELECT 1 / (value - 500) FROM range(0, 1000)",
        "SELECT CAST('x' || value AS INT) FROM range(0, 10)",
        "SELECT * FROM 'no/such/file.parquet'",
        "SELECT nothing FROM range(0, 10)",
        "SELECT (SELECT value FROM range(0, 2)) AS v",
        "SELECT sum(value * 9223372036854775807) FROM range(0, 10)",
    ] {
        let (there, local) = (answer(&session, text).await, answer(&here, text).await);
        match (there, local) {
            (Ok(there), Ok(local)) => assert!(there.difference(&local, false).is_none(), "{text}"),
            (there, local) => assert_eq!(there.err(), local.err(), "{text}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_refused_memory_is_planned_for_little() {
    let mut pool = TestPool::empty(Duration::from_secs(30)).await;
    // Four tasks at once, each of which holds a side of the join.
    pool.add_worker_with(4, &[("memory.limit", "110MiB")]).await;
    until("a worker", async || pool.pool.workers().await.unwrap().len() == 1).await;
    let data = tpch(0.1).await;
    let here = here();
    let session = pool.session(&[]);
    name_tables(&here, data.path()).await;
    name_tables(&session, data.path()).await;
    let text = "SELECT count(*) AS n, min(a.l_comment) AS a, max(b.l_comment) AS b \
                FROM lineitem AS a JOIN lineitem AS b ON a.l_orderkey = b.l_orderkey \
                AND a.l_linenumber = b.l_linenumber AND a.l_comment = b.l_comment";
    answers_alike(&here, &session, text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_clients_do_not_reach_is_named() {
    let mut pool = TestPool::empty(Duration::from_secs(30)).await;
    pool.add_unreachable_worker("127.0.0.77").await;
    until("a worker", async || pool.pool.workers().await.unwrap().len() == 1).await;
    let session = pool.session(&[]);
    // Few rows come with the news that they are there, and many do not.
    assert!(answer(&session, "SELECT 1").await.is_ok());
    let many = "SELECT value, value * 2 AS b, value * 3 AS c FROM range(0, 300000)";
    let error = answer(&session, many).await.unwrap_err();
    assert!(error.contains("127.0.0.77") && error.contains("--host"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_come_whole_and_in_order() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let session = pool.session(&[]);
    let text = "SELECT value, 'row ' || value AS t FROM range(0, 400000) ORDER BY value DESC";
    let got = answer(&session, text).await.unwrap();
    let here = here();
    let expected = answer(&here, text).await.unwrap();
    assert!(got.difference(&expected, true).is_none());
}
