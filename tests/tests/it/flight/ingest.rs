//! Bulk ingest: all rows or none.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandStatementIngest, TableDefinitionOptions, TableExistsOption, TableNotExistOption,
};
use futures::StreamExt;

use super::{Client, POOL, Served, number, run};

pub(super) fn rows(begins: i64, count: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(begins..begins + count));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(
        (begins..begins + count).map(|id| format!("n{id}")),
    ));
    RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()
}

pub(super) fn into(
    table: &str,
    missing: TableNotExistOption,
    there: TableExistsOption,
) -> CommandStatementIngest {
    CommandStatementIngest {
        table_definition_options: Some(TableDefinitionOptions {
            if_not_exist: missing as i32,
            if_exists: there as i32,
        }),
        table: table.to_string(),
        schema: None,
        catalog: None,
        temporary: false,
        transaction_id: None,
        options: Default::default(),
    }
}

pub(super) fn create(table: &str) -> CommandStatementIngest {
    into(table, TableNotExistOption::Create, TableExistsOption::Fail)
}

pub(super) fn append(table: &str) -> CommandStatementIngest {
    into(table, TableNotExistOption::Fail, TableExistsOption::Append)
}

pub(super) async fn ingest(
    client: &mut Client,
    command: CommandStatementIngest,
    batches: Vec<RecordBatch>,
) -> Result<i64, String> {
    let stream = futures::stream::iter(batches.into_iter().map(Ok));
    client.execute_ingest(command, stream).await.map_err(|error| error.to_string())
}

async fn a_million_rows(server: &Served) {
    let mut client = server.client().await;
    let million = || (0..100).map(|at| rows(at * 10_000, 10_000)).collect::<Vec<_>>();
    assert_eq!(ingest(&mut client, create("t"), million()).await.unwrap(), 1_000_000);
    assert_eq!(number(&mut client, "SELECT sum(id) FROM t").await, 499_999_500_000);
    let error = ingest(&mut client, create("t"), million()).await.unwrap_err();
    assert!(error.contains("already"), "{error}");
    assert_eq!(ingest(&mut client, append("t"), million()).await.unwrap(), 1_000_000);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 2_000_000);
    let replace = into("t", TableNotExistOption::Create, TableExistsOption::Replace);
    assert_eq!(ingest(&mut client, replace, vec![rows(5, 2)]).await.unwrap(), 2);
    assert_eq!(number(&mut client, "SELECT sum(id) FROM t").await, 11);
    let error = ingest(&mut client, append("nowhere"), vec![rows(0, 1)]).await.unwrap_err();
    assert!(error.contains("no table 'nowhere'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_a_table_join_one_or_replace_one() {
    a_million_rows(&Served::new(&[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_reads_what_was_taken_in() {
    a_million_rows(&Served::new(&POOL)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_join_a_table_of_files_in_one_piece() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let text = "COPY (SELECT value + 1 AS id, CASE WHEN value = 0 THEN 'a' END AS name FROM range(0, 1)) TO 'data/' STORED AS parquet";
    run(&mut client, text).await.unwrap();
    let text = "CREATE EXTERNAL TABLE d STORED AS PARQUET LOCATION 'data/'";
    run(&mut client, text).await.unwrap();
    assert_eq!(ingest(&mut client, append("d"), vec![rows(10, 5)]).await.unwrap(), 5);
    assert_eq!(number(&mut client, "SELECT sum(id) FROM d").await, 61);
    let none = vec![RecordBatch::try_from_iter([("id", rows(0, 1).column(0).clone())]).unwrap()];
    assert_eq!(ingest(&mut client, append("d"), none).await.unwrap(), 1);
    assert_eq!(number(&mut client, "SELECT count(*) - count(name) FROM d").await, 1);
    // The texts of COPY and those of the table are held in two ways; the files are read as one all the same.
    assert_eq!(number(&mut client, "SELECT count(*) FROM 'data/'").await, 7);
    assert_eq!(number(&mut client, "SELECT count(name) FROM 'data/'").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_leaves_nothing() {
    let server = Served::new(&["--memory", "256MiB"]);
    let mut client = server.client().await;
    ingest(&mut client, create("t"), vec![rows(0, 3)]).await.unwrap();
    let other: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let unknown =
        RecordBatch::try_from_iter([("id", Arc::clone(&other)), ("more", other)]).unwrap();
    let error = ingest(&mut client, append("t"), vec![unknown]).await.unwrap_err();
    assert!(error.contains("no column 'more'"), "{error}");
    let mut wrong = append("t");
    wrong.schema = Some("nowhere".to_string());
    let error = ingest(&mut client, wrong, vec![rows(0, 1)]).await.unwrap_err();
    assert!(error.contains("no schema"), "{error}");
    let mut temporary = create("u");
    (temporary.temporary, temporary.schema) = (true, Some("public".to_string()));
    let error = ingest(&mut client, temporary, vec![rows(0, 1)]).await.unwrap_err();
    assert!(error.contains("cannot be in schema 'public'"), "{error}");

    // More than there is memory for.
    let large = (0..60).map(|at| rows(at * 200_000, 200_000)).collect();
    let error = ingest(&mut client, create("large"), large).await.unwrap_err();
    assert!(error.contains("table 'large'"), "{error}");
    assert!(run(&mut client, "SELECT * FROM large").await.is_err());

    // Nor by any other way that a table grows.
    let text = "INSERT INTO t SELECT value AS id, 'n' || value AS name FROM range(0, 30000000)";
    let error = run(&mut client, text).await.unwrap_err();
    assert!(error.contains("table 't'"), "{error}");
    assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 3);

    // Whoever leaves midway.
    let (sent, mut came) = tokio::sync::mpsc::unbounded_channel();
    let rest = futures::stream::once(async move {
        sent.send(()).unwrap();
        std::future::pending::<Result<RecordBatch, FlightError>>().await
    });
    let half = futures::stream::iter((0..10).map(|at| Ok(rows(at, 1)))).chain(rest);
    let mut other = FlightSqlServiceClient::new(server.channel().await);
    let leaving = tokio::spawn(async move { other.execute_ingest(create("half"), half).await });
    came.recv().await.unwrap();
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    server.rests().await;
    assert!(run(&mut client, "SELECT * FROM half").await.is_err());
    assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 3);
    // What it held is given back.
    for _ in 0..20 {
        let name = into("again", TableNotExistOption::Create, TableExistsOption::Replace);
        ingest(&mut client, name, vec![rows(0, 200_000)]).await.unwrap();
    }
}
