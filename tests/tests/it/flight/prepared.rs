//! Prepared statements: parameters whose types are found out, values for them, and no more statements than may be.

use std::sync::Arc;

use arrow::array::cast::AsArray;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};

use super::{POOL, Served, count, fetch, number, run};

fn values(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn numbers(numbers: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(numbers))
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_have_types_and_get_values() {
    for args in [&[][..], &POOL] {
        get_values(&Served::new(args)).await;
    }
}

async fn get_values(server: &Served) {
    let mut client = server.client().await;
    run(
        &mut client,
        "CREATE TABLE t AS SELECT value AS id, 'n' || value AS name FROM range(0, 100)",
    )
    .await
    .unwrap();
    for text in [
        "SELECT id FROM t WHERE id = ? AND name = ?",
        "SELECT id FROM t WHERE id = $1 AND name = $2",
        "t.filter(id = $1 AND name = $2).select(id)",
    ] {
        let mut prepared = client.prepare(text.to_string(), None).await.unwrap();
        let kinds: Vec<DataType> = prepared
            .parameter_schema()
            .unwrap()
            .fields()
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        assert_eq!(kinds, [DataType::Int64, DataType::Utf8], "{text}");
        assert_eq!(prepared.dataset_schema().unwrap().field(0).name(), "id");
        for wanted in [7, 42] {
            let name: ArrayRef = Arc::new(StringArray::from(vec![format!("n{wanted}")]));
            prepared
                .set_parameters(values(vec![("a", numbers(vec![wanted])), ("b", name)]))
                .unwrap();
            let info = prepared.execute().await.unwrap();
            let rows = fetch(&mut client, info).await.unwrap();
            assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().values(), &[wanted]);
        }
        prepared.close().await.unwrap();
    }
    let mut named = client.prepare("SELECT $b - $a AS d".to_string(), None).await.unwrap();
    let rows = values(vec![("b", numbers(vec![9])), ("a", numbers(vec![2]))]);
    named.set_parameters(rows).unwrap();
    let info = named.execute().await.unwrap();
    let rows = fetch(&mut client, info).await.unwrap();
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().values(), &[7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_rows_of_values_are_several_runs() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    run(&mut client, "CREATE TABLE t (a BIGINT, b BIGINT)").await.unwrap();
    let text = "INSERT INTO t VALUES (?, ?)".to_string();
    let mut insert = client.prepare(text, None).await.unwrap();
    assert_eq!(insert.parameter_schema().unwrap().fields().len(), 2);
    assert!(insert.dataset_schema().unwrap().fields().is_empty());
    let rows = values(vec![("x", numbers((0..50).collect())), ("y", numbers((50..100).collect()))]);
    insert.set_parameters(rows).unwrap();
    assert_eq!(insert.execute_update().await.unwrap(), 50);
    assert_eq!(number(&mut client, "SELECT sum(a + b) FROM t").await, 4950);

    let mut ask = client.prepare("SELECT a FROM t WHERE a < $1".into(), None).await.unwrap();
    ask.set_parameters(values(vec![("x", numbers(vec![1, 2, 3]))])).unwrap();
    let info = ask.execute().await.unwrap();
    assert_eq!(count(&fetch(&mut client, info).await.unwrap()), 6);

    ask.set_parameters(values(vec![("x", numbers((0..2000).collect()))])).unwrap();
    let error = ask.execute().await.unwrap_err().to_string();
    assert!(error.contains("2000 rows of values"), "{error}");
    ask.set_parameters(values(vec![("x", numbers(vec![1])), ("y", numbers(vec![1]))])).unwrap();
    let error = ask.execute().await.unwrap_err().to_string();
    assert!(error.contains("has 1 parameter") && error.contains("for 2"), "{error}");
    let error = run(&mut client, "SELECT $1").await.unwrap_err();
    assert!(error.contains("got no values"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_sees_what_its_tables_are_now() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    run(&mut client, "CREATE TABLE t AS SELECT 1 AS a").await.unwrap();
    let mut prepared = client.prepare("SELECT a FROM t".into(), None).await.unwrap();
    run(&mut client, "CREATE OR REPLACE TABLE t AS SELECT 2 AS a").await.unwrap();
    let info = prepared.execute().await.unwrap();
    let rows = fetch(&mut client, info).await.unwrap();
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().values(), &[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_statements_left_open_are_refused_and_given_back() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let (mut open, mut refused) = (Vec::new(), 0);
    for at in 0..10_000 {
        match client.prepare(format!("SELECT {at} AS a"), None).await {
            Ok(prepared) => open.push(prepared),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("flight.statements"), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!((open.len(), refused), (1000, 9000));
    for prepared in open {
        prepared.close().await.unwrap();
    }
    let again = client.prepare("SELECT 1".into(), None).await.unwrap();
    again.close().await.unwrap();
}
