//! Statements of all languages, and what is told of their results.

use arrow::array::cast::AsArray;
use arrow::array::{Array, FixedSizeListArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow_flight::Ticket;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use futures::TryStreamExt;

use super::{Client, POOL, Served, count, fetch, number, run};

async fn all_languages(server: &Served) {
    let mut client = server.client().await;
    assert_eq!(number(&mut client, "SELECT 41 + 1").await, 42);
    assert_eq!(count(&run(&mut client, "range(0, 100).filter(value % 10 = 0)").await.unwrap()), 10);
    run(&mut client, "CREATE TABLE t AS SELECT value AS id, value % 7 AS k FROM range(0, 10000)")
        .await
        .unwrap();
    let text = "SELECT k, count(*) AS n FROM t GROUP BY k ORDER BY k";
    assert_eq!(count(&run(&mut client, text).await.unwrap()), 7);
    assert_eq!(number(&mut client, "t.agg(sum(id))").await, 49_995_000);
    run(&mut client, "x = arange(12).reshape(3, 4)").await.unwrap();
    assert_eq!(number(&mut client, "x.sum()").await, 66);
    assert_eq!(count(&run(&mut client, "x").await.unwrap()), 12);
    assert_eq!(number(&mut client, "SELECT sum(value) FROM x").await, 66);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_languages_are_answered() {
    let server = Served::new(&[]);
    all_languages(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_answers_the_same() {
    let server = Served::new(&POOL);
    all_languages(&server).await;
    let mut client = server.client().await;
    let jobs = run(&mut client, "SHOW JOBS").await.unwrap();
    assert!(count(&jobs) >= 3, "the pool did it: {jobs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_does_nothing_before_it_is_fetched() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = client.execute("CREATE TABLE t AS SELECT 1 AS a".to_string(), None).await.unwrap();
    assert!(info.schema.is_empty(), "its columns come when it is done");
    assert!(run(&mut client, "SELECT * FROM t").await.is_err());
    assert_eq!(count(&fetch(&mut client, info.clone()).await.unwrap()), 0);
    assert_eq!(number(&mut client, "SELECT a FROM t").await, 1);
    let again = fetch(&mut client, info).await.unwrap_err();
    assert!(again.contains("was closed, fetched"), "{again}");
    let info = client.execute("INSERT INTO t VALUES (2)".to_string(), None).await.unwrap();
    assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 1);
    assert_eq!(count(&fetch(&mut client, info).await.unwrap()), 1);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 2);
    assert_eq!(
        client.execute_update("INSERT INTO t VALUES (3), (4)".into(), None).await.unwrap(),
        2
    );
    assert_eq!(client.execute_update("DROP TABLE t".into(), None).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_the_shell_says() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    for (text, code, says) in [
        ("SELEC 1", "InvalidArgument", "did you mean SELECT?"),
        ("SELECT nope FROM range(0, 1)", "InvalidArgument", "there is no column 'nope'"),
        ("SELECT * FROM nowhere", "NotFound", "nowhere"),
        ("SELECT * FROM 'nowhere.csv'", "NotFound", "does not exist"),
        ("SELECT 1; SELECT 2", "InvalidArgument", "2 statements"),
        ("  ", "InvalidArgument", "no statement"),
        ("SELECT 1 / (value - 1) FROM range(0, 3)", "InvalidArgument", "division by zero"),
        ("SET memory.limit = '1TiB'", "PermissionDenied", "setting of the server"),
        ("SET flight.idle = '1TiB'", "PermissionDenied", "setting of the server"),
        ("RESET memory.limit", "PermissionDenied", "setting of the server"),
        ("SET flight.message = 'large'", "InvalidArgument", "not a size"),
    ] {
        let error = run(&mut client, text).await.unwrap_err();
        let code = code.to_string();
        let spoken = match code.as_str() {
            "InvalidArgument" => "invalid argument",
            "NotFound" => "not found",
            _ => "permission",
        };
        assert!(
            error.contains(says)
                && (error.contains(&code) || error.to_lowercase().contains(spoken)),
            "{text}: {error}"
        );
    }
}

/// The sizes of the messages of a result, and how many rows they hold.
async fn messages(client: &mut Client, ticket: Ticket) -> (Vec<usize>, usize) {
    let response = client.inner_mut().do_get(ticket).await.unwrap().into_inner();
    let messages: Vec<_> = response.try_collect().await.unwrap();
    let sizes = messages.iter().map(|message| message.data_body.len()).collect();
    let stream = futures::stream::iter(messages.into_iter().map(Ok));
    let mut decoder = FlightDataDecoder::new(stream);
    let mut rows = 0;
    while let Some(data) = decoder.try_next().await.unwrap() {
        if let DecodedPayload::RecordBatch(batch) = data.payload {
            rows += batch.num_rows();
        }
    }
    (sizes, rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_as_large_and_as_small_as_asked_for() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    run(
        &mut client,
        "CREATE TABLE t AS SELECT value AS a, repeat('text', 100) AS b FROM range(0, 20000)",
    )
    .await
    .unwrap();
    let mut ask = async |set: &str| {
        run(&mut client, set).await.unwrap();
        let info = client.execute("SELECT * FROM t".to_string(), None).await.unwrap();
        messages(&mut client, info.endpoint[0].ticket.clone().unwrap()).await
    };
    let (plain, rows) = ask("SET flight.message = '2MiB'").await;
    assert_eq!(rows, 20000);
    assert!(plain.iter().all(|size| *size <= 3 << 20), "{plain:?}");
    assert!(plain.iter().any(|size| *size > 1 << 20), "and not much smaller: {plain:?}");
    let (small, rows) = ask("SET flight.message = '100KiB'").await;
    assert_eq!(rows, 20000);
    assert!(small.iter().all(|size| *size <= 150 << 10), "{small:?}");
    let total: usize = plain.iter().sum();
    for codec in ["lz4", "zstd"] {
        let (squeezed, rows) = ask(&format!("SET flight.compression = {codec}")).await;
        assert_eq!(rows, 20000);
        assert!(squeezed.iter().sum::<usize>() * 5 < total, "{codec}: {squeezed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_go_to_those_who_ask_for_them() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    run(&mut client, "COPY (SELECT 'a' AS s, [1, 2] AS l) TO 'v.parquet'").await.unwrap();
    let kind = async |client: &mut Client| {
        let info = client.execute("FROM 'v.parquet'".to_string(), None).await.unwrap();
        let told = info.clone().try_decode_schema().unwrap();
        let batch = fetch(client, info).await.unwrap().remove(0);
        assert_eq!(told.fields(), batch.schema().fields(), "what was told is what came");
        batch.column(0).data_type().clone()
    };
    assert_eq!(kind(&mut client).await, DataType::Utf8);
    run(&mut client, "SET flight.views = true").await.unwrap();
    assert_eq!(kind(&mut client).await, DataType::Utf8View);
}

#[tokio::test(flavor = "multi_thread")]
async fn tensors_come_whole() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    // A row is 32 MiB: larger than any message is made otherwise.
    let text = "arange(8388608).reshape(2, 2048, 2048).cast('f64').save('x.arrow')";
    run(&mut client, text).await.unwrap();
    let info = client.execute("FROM 'x.arrow'".to_string(), None).await.unwrap();
    let field = info.clone().try_decode_schema().unwrap().field(0).clone();
    assert_eq!(field.metadata()["ARROW:extension:name"], "arrow.fixed_shape_tensor");
    let batches = fetch(&mut client, info).await.unwrap();
    assert_eq!(count(&batches), 2);
    let mut sum = 0.0;
    for batch in &batches {
        let rows: &FixedSizeListArray = batch.column(0).as_fixed_size_list();
        sum += rows.values().as_primitive::<Float64Type>().values().iter().sum::<f64>();
    }
    assert_eq!(sum, 8388607.0 * 8388608.0 / 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_are_tensors_to_those_who_want_them() {
    let server = Served::new(&["--set", "flight.tensors=true"]);
    let mut client = server.client().await;
    run(&mut client, "x = arange(60).reshape(5, 3, 4).rechunk((2, 3, 2))").await.unwrap();
    for text in ["x", "x + 0", "arange(60).reshape(5, 3, 4)"] {
        let info = client.execute(text.to_string(), None).await.unwrap();
        let field = info.clone().try_decode_schema().unwrap().field(0).clone();
        assert_eq!(field.metadata()["ARROW:extension:metadata"], "{\"shape\":[3,4]}", "{text}");
        let batches = fetch(&mut client, info).await.unwrap();
        assert_eq!(count(&batches), 5, "{text}");
        let values: Vec<i64> = batches
            .iter()
            .flat_map(|batch| {
                let rows: &FixedSizeListArray = batch.column(0).as_fixed_size_list();
                let (begin, end) = (rows.value_offset(0), rows.value_offset(rows.len()));
                let values = rows.values().as_primitive::<Int64Type>().values();
                values[begin as usize..end as usize].to_vec()
            })
            .collect();
        assert_eq!(values, (0..60).collect::<Vec<i64>>(), "{text}");
    }
    assert_eq!(number(&mut client, "x.sum()").await, 1770);
    assert_eq!(number(&mut client, "SELECT count(*) FROM x").await, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_explanations_and_listings_are_rows() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    run(&mut client, "CREATE TABLE t AS SELECT 1 AS a").await.unwrap();
    for text in [
        "EXPLAIN SELECT 1",
        "EXPLAIN LAYERS SELECT 1",
        "EXPLAIN ANALYZE LAYERS SELECT count(*) FROM range(0, 10)",
        "SHOW SETTINGS",
        "DESCRIBE SELECT 1 AS a",
        "SUMMARIZE SELECT 1 AS a",
        "SHOW TABLES",
        "SELECT * FROM range(0, 3) PIVOT (sum(value) FOR value IN (0, 1))",
    ] {
        assert!(count(&run(&mut client, text).await.unwrap()) > 0, "{text}");
    }
    let batches = run(&mut client, "SELECT value FROM range(0, 0)").await.unwrap();
    assert_eq!(count(&batches), 0);
    let none: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert!(none.is_empty());
}
