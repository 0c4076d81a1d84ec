//! Rows of a pool that are read while they are made.

use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use futures::TryStreamExt;
use strata::RunText;
use strata_engine::Processes;
use strata_tests::pool::{Shape, TestPool};

use super::signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_strata-under-test");
const SMALL: [(&str, &str); 1] = [("pool.small", "0B")];

async fn rows(session: &SessionContext, text: &str) -> SendableRecordBatchStream {
    session.run(text).await.unwrap().execute_stream().await.unwrap()
}

/// The numbers of the next batch, none where there is none.
async fn next(rows: &mut SendableRecordBatchStream) -> Option<Vec<i64>> {
    let next = tokio::time::timeout(Duration::from_secs(60), rows.try_next());
    let batch = next.await.expect("rows come in time").unwrap()?;
    Some(batch.column(0).as_primitive::<Int64Type>().values().to_vec())
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not come to be");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Workers that are processes of their own.
async fn workers(pool: &TestPool, count: usize) -> Vec<Processes> {
    let mut workers = Vec::new();
    for _ in 0..count {
        let local = pool.local(PROGRAM, Shape { workers: 1, cores: 1 });
        workers.push(local.start(&pool.pool).await.unwrap());
    }
    until("the workers", async || pool.pool.workers().await.unwrap().len() == count).await;
    workers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_query_gives_rows_and_makes_no_more_than_are_read() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let session = pool.session(&SMALL);
    let endless = "SELECT value, value * 3 AS t FROM range(0, 1000000000000) WHERE value >= 5";
    let mut rows = rows(&session, endless).await;
    let mut expected = 5;
    for _ in 0..2 {
        // More than was made and kept before anybody came.
        for _ in 0..1500 {
            let values = next(&mut rows).await.unwrap();
            assert_eq!(values[0], expected);
            expected = values[values.len() - 1] + 1;
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let workers = pool.pool.workers().await.unwrap();
        let held: u64 = workers.iter().map(|worker| worker.memory_used).sum();
        assert!(held < 1 << 20, "{held} bytes are kept of rows that nobody has asked for");
    }
    drop(rows);
    until("nothing runs", async || {
        let workers = pool.pool.workers().await.unwrap();
        workers.iter().all(|worker| worker.tasks == 0 && worker.memory_used < 1 << 20)
    })
    .await;
    assert_eq!(pool.pool.jobs().await.unwrap().last().unwrap().state, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_while_its_rows_are_read_changes_none() {
    let pool = TestPool::empty(Duration::from_secs(3)).await;
    let mut processes = workers(&pool, 2).await;
    let session = pool.session(&SMALL);
    let count = 30_000_000;
    let mut rows = rows(&session, &format!("SELECT value FROM range(0, {count})")).await;
    let (mut expected, mut kills) = (0, 0);
    while let Some(values) = next(&mut rows).await {
        assert!(values.iter().copied().eq(expected..expected + values.len() as i64), "{expected}");
        expected += values.len() as i64;
        if kills < 2 && expected > (kills + 1) * count / 3 {
            let all = pool.pool.workers().await.unwrap();
            let busy = all.iter().find(|worker| worker.tasks > 0).expect("its rows are being made");
            signal("KILL", busy.process);
            let local = pool.local(PROGRAM, Shape { workers: 1, cores: 1 });
            processes.push(local.start(&pool.pool).await.unwrap());
            kills += 1;
        }
    }
    assert_eq!((expected, kills), (count, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_handed_out_before_all_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let here = super::here();
    for part in 0..6 {
        let (from, to) = (part * 100_000, (part + 1) * 100_000);
        let copy = format!("COPY (FROM range({from}, {to})) TO '{path}/{part}.parquet'");
        here.run(&copy).await.unwrap().collect().await.unwrap();
    }
    let pool = TestPool::empty(Duration::from_secs(3)).await;
    let mut processes = workers(&pool, 1).await;
    let session = pool.session(&[("pool.small", "0B"), ("pool.parts", "6")]);
    // Each part takes a while.
    let text =
        format!("SELECT value FROM '{path}/*.parquet' WHERE md5(CAST(value AS VARCHAR)) <> 'x'");
    let mut rows = rows(&session, &text).await;
    let mut all = next(&mut rows).await.unwrap();
    let job = pool.pool.jobs().await.unwrap().pop().unwrap();
    assert!(job.tasks_done < job.tasks, "{job:?}");
    let process = pool.pool.workers().await.unwrap()[0].process;
    let mut killed = false;
    while let Some(values) = next(&mut rows).await {
        all.extend(values);
        if !killed && all.len() > 200_000 {
            killed = true;
            let local = pool.local(PROGRAM, Shape { workers: 1, cores: 1 });
            processes.push(local.start(&pool.pool).await.unwrap());
            signal("KILL", process);
        }
    }
    assert!(killed && all.into_iter().eq(0..600_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_holds_up_nobody() {
    let pool = TestPool::empty(Duration::from_secs(2)).await;
    let _one = workers(&pool, 1).await;
    let session = pool.session(&SMALL);
    let mut open = Vec::new();
    // The only core is everybody's, whoever has a result open.
    for from in 0..3 {
        let text = format!("SELECT value FROM range({from}, 1000000000000)");
        let mut rows = rows(&session, &text).await;
        assert_eq!(next(&mut rows).await.unwrap()[0], from);
        open.push(rows);
    }
    for rows in &mut open {
        for _ in 0..50 {
            assert!(next(rows).await.is_some());
        }
    }
}
