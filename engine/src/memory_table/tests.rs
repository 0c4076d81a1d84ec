use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;

use super::*;
use crate::{Origin, SessionBuilder, Settings};

const BATCH: usize = 128 << 10;

fn session() -> SessionContext {
    let mut settings = Settings::default();
    settings.set("memory.limit", "64MiB", Origin::Session).unwrap();
    let session = SessionBuilder::new(settings).build().unwrap();
    let consumer = MemoryConsumer::new("table 't'");
    let mut rows = HeldRows::new(consumer.register(&session.runtime_env().memory_pool));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..(BATCH / 8) as i64));
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    // Two halves of the same values.
    rows.push(batch.slice(0, BATCH / 16)).unwrap();
    rows.push(batch.slice(BATCH / 16, BATCH / 16)).unwrap();
    let table = rows.into_table(batch.schema(), 2).unwrap();
    session.register_table("t", Arc::new(table)).unwrap();
    session
}

async fn run(session: &SessionContext, text: &str) -> Result<Vec<RecordBatch>> {
    session.sql(text).await?.collect().await
}

fn held(session: &SessionContext) -> usize {
    session.runtime_env().memory_pool.reserved()
}

#[tokio::test]
async fn a_table_is_counted_however_it_grows_and_shrinks() {
    let session = session();
    assert!((BATCH..BATCH + 1024).contains(&held(&session)), "{}", held(&session));
    run(&session, "INSERT INTO t SELECT id + 1 FROM t").await.unwrap();
    assert!((2 * BATCH..3 * BATCH).contains(&held(&session)), "{}", held(&session));
    run(&session, "UPDATE t SET id = 0 WHERE id % 2 = 0").await.unwrap();
    assert!(held(&session) >= 2 * BATCH, "{}", held(&session));
    let before = held(&session);
    run(&session, "EXPLAIN DELETE FROM t").await.unwrap();
    run(&session, "EXPLAIN UPDATE t SET id = 1").await.unwrap();
    assert_eq!(held(&session), before, "what is explained is not done");
    run(&session, "DELETE FROM t WHERE id <> 0").await.unwrap();
    assert!((BATCH..2 * BATCH).contains(&held(&session)), "{}", held(&session));
    run(&session, "DROP TABLE t").await.unwrap();
    assert_eq!(held(&session), 0);
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused_and_none_of_them_stay() {
    let session = session();
    let before = held(&session);
    let text = "INSERT INTO t SELECT value FROM range(0, 20000000)";
    let error = run(&session, text).await.unwrap_err().to_string();
    assert!(error.contains("table 't'"), "{error}");
    assert_eq!(held(&session), before);
    let rows = run(&session, "SELECT * FROM t").await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), BATCH / 8);
}

/// Three parts with one batch each: their first ids are 0, 1 and 2.
fn in_three_parts() -> SessionContext {
    let session = session();
    let pool = Arc::clone(&session.runtime_env().memory_pool);
    let mut rows = HeldRows::new(MemoryConsumer::new("table 'p'").register(&pool));
    for at in 0..3_i64 {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1024).map(|id| at + 3 * id)));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..1024).map(|_| "text")));
        rows.push(RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap()).unwrap();
    }
    let schema = rows.batches[0].schema();
    session.register_table("p", Arc::new(rows.into_table(schema, 3).unwrap())).unwrap();
    session
}

async fn number(session: &SessionContext, text: &str) -> i64 {
    let rows = run(session, text).await.unwrap();
    rows[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test]
async fn a_change_that_fails_half_way_changes_nothing() {
    let session = in_three_parts();
    let before = held(&session);
    // The last batch cannot be made.
    for text in ["UPDATE p SET id = 7 / (id - 2)", "DELETE FROM p WHERE 7 / (id - 2) < 100"] {
        let error = run(&session, text).await.unwrap_err().to_string();
        assert!(error.contains("Divide by zero"), "{text}: {error}");
        assert_eq!(number(&session, "SELECT count(DISTINCT id) FROM p").await, 3072, "{text}");
        assert_eq!(held(&session), before, "{text}");
    }
    let text = "UPDATE p SET id = 7 / (id - 2) WHERE id <> 2";
    run(&session, text).await.expect("of rows that stay as they are, nothing is made");
}

#[tokio::test]
async fn a_change_that_does_not_fit_is_refused_and_changes_nothing() {
    let session = in_three_parts();
    let before = held(&session);
    let text = "UPDATE p SET text = repeat(text, 10000)";
    let error = run(&session, text).await.unwrap_err().to_string();
    assert!(error.contains("table 'p'"), "{error}");
    assert_eq!(number(&session, "SELECT max(length(text))::BIGINT FROM p").await, 4);
    assert_eq!(held(&session), before);
    run(&session, "UPDATE p SET text = repeat(text, 1000) WHERE id < 1024").await.unwrap();
    assert!(held(&session) >= before + 4 * 1000 * 1024, "{}", held(&session));
    run(&session, "DELETE FROM p WHERE id < 1024").await.unwrap();
    assert!(held(&session) <= before, "{}", held(&session));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_the_same_time_are_counted_one_after_the_other() {
    let session = in_three_parts();
    let changes = (0..8).flat_map(|at| {
        [
            format!(
                "INSERT INTO p SELECT value, 'more' FROM range({}, {})",
                4000 + at * 100,
                4100 + at * 100
            ),
            format!("UPDATE p SET text = repeat('x', {}) WHERE id < 500", at + 1),
            format!("DELETE FROM p WHERE id % 24 = {at} AND id < 3072"),
        ]
    });
    let all = changes.map(|text| {
        let session = session.clone();
        tokio::spawn(async move { run(&session, &text).await.unwrap() })
    });
    for done in all.collect::<Vec<_>>() {
        done.await.unwrap();
    }
    assert_eq!(number(&session, "SELECT count(*) FROM p").await, 3072 - 1024 + 800);
    // It is what a new count of all rows comes to.
    let counted = held(&session);
    run(&session, "DELETE FROM p WHERE id < 0").await.unwrap();
    assert_eq!(held(&session), counted);
    run(&session, "DELETE FROM p").await.unwrap();
    run(&session, "DELETE FROM t").await.unwrap();
    assert_eq!(held(&session), 0);
}

#[tokio::test]
async fn rows_that_come_one_by_one_are_dealt_out_to_all_parts() {
    let session = session();
    for id in 0..4 {
        run(&session, &format!("INSERT INTO t VALUES ({id})")).await.unwrap();
    }
    let table = session.table_provider("t").await.unwrap();
    let parts = table.downcast_ref::<MemoryTable>().unwrap().stored.parts();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
}
