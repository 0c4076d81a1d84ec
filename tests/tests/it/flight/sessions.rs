//! Sessions: what is whose, and options as Flight has them.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::array::cast::AsArray;
use arrow_flight::sql::{
    CommandGetTables, CommandStatementIngest, TableExistsOption, TableNotExistOption,
};
use prost::Message;

use super::ingest::{append, create, ingest, into, rows};
use super::{Client, POOL, Served, act, count, fetch, number, run};

/// `SetSessionOptionsRequest`, with options that are texts.
#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(map = "string, message", tag = "1")]
    options: HashMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SetResult {
    #[prost(map = "string, message", tag = "1")]
    errors: HashMap<String, Wrong>,
}

#[derive(Clone, PartialEq, Message)]
struct Wrong {
    #[prost(int32, tag = "1")]
    value: i32,
}

async fn set(client: &mut Client, name: &str, value: Option<&str>) -> Option<i32> {
    let value = Value { text: value.map(str::to_string) };
    let set = Set { options: HashMap::from([(name.to_string(), value)]) };
    let answer = act(client, "SetSessionOptions", set.encode_to_vec()).await.unwrap();
    SetResult::decode(answer[0].clone()).unwrap().errors.get(name).map(|wrong| wrong.value)
}

async fn options(client: &mut Client) -> HashMap<String, Value> {
    let answer = act(client, "GetSessionOptions", Vec::new()).await.unwrap();
    Set::decode(answer[0].clone()).unwrap().options
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_settings_of_the_session() {
    for args in [&[][..], &POOL] {
        are_settings(&Served::new(args)).await;
    }
}

async fn are_settings(server: &Served) {
    let mut client = server.client().await;
    assert_eq!(set(&mut client, "flight.rows", Some("5")).await, None);
    assert!(run(&mut client, "range(0, 6)").await.is_err());
    assert_eq!(options(&mut client).await["flight.rows"].text.as_deref(), Some("5"));
    assert_eq!(set(&mut client, "flight.rows", None).await, None, "no value puts it back");
    assert!(run(&mut client, "range(0, 6)").await.is_ok());
    let (name, value, error) = (Some(1), Some(2), Some(3));
    assert_eq!(set(&mut client, "nonsense", Some("1")).await, name);
    assert_eq!(set(&mut client, "flight.rows", Some("many")).await, value);
    assert_eq!(set(&mut client, "memory.limit", Some("1TiB")).await, error);
    assert_eq!(set(&mut client, "schema", Some("nowhere")).await, value);
    run(&mut client, "CREATE SCHEMA other").await.unwrap();
    run(&mut client, "CREATE TABLE other.t AS SELECT 7 AS a").await.unwrap();
    assert_eq!(set(&mut client, "schema", Some("other")).await, None);
    assert_eq!(number(&mut client, "SELECT a FROM t").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_keeps_tables_and_no_settings_of_sessions() {
    let server = Served::new(&["--database", "shop.strata"]);
    let mut client = server.client().await;
    run(&mut client, "SET flight.rows = 5").await.unwrap();
    run(&mut client, "CREATE VIEW v AS SELECT 7 AS a").await.unwrap();
    assert_eq!(options(&mut client).await["flight.rows"].text.as_deref(), Some("5"));
    let file = std::fs::read_to_string(server.folder().join("shop.strata")).unwrap();
    assert!(file.contains("CREATE VIEW v") && !file.contains("flight.rows"), "{file}");
}

/// A client with a session of its own.
async fn with_cookie(server: &Served, cookie: &str) -> Client {
    let mut client = server.client().await;
    client.set_header("cookie", format!("arrow_flight_session_id={cookie}"));
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_a_session() {
    let server = Served::new(&[]);
    let mut plain = server.client().await;
    let asked = arrow_flight::FlightDescriptor::new_cmd(Vec::new());
    drop(plain.inner_mut().get_schema(asked).await);
    let response = plain.inner_mut().list_actions(arrow_flight::Empty {}).await.unwrap();
    let offered = response.metadata().get("set-cookie").unwrap().to_str().unwrap().to_string();
    let cookie = offered.strip_prefix("arrow_flight_session_id=").unwrap();
    let mut one = with_cookie(&server, cookie).await;
    let mut two = with_cookie(&server, "another").await;
    run(&mut one, "SET flight.rows = 5").await.unwrap();
    assert!(run(&mut one, "range(0, 6)").await.is_err());
    assert_eq!(count(&run(&mut two, "range(0, 6)").await.unwrap()), 6);
    run(&mut one, "CREATE TABLE t AS SELECT 1 AS a").await.unwrap();
    assert_eq!(number(&mut two, "SELECT a FROM t").await, 1);

    // What is one session's is no other's.
    let info = one.execute("SELECT 1".to_string(), None).await.unwrap();
    let error = fetch(&mut two, info.clone()).await.unwrap_err();
    assert!(error.contains("is another's"), "{error}");
    let error = fetch(&mut plain, info.clone()).await.unwrap_err();
    assert!(error.contains("is another's"), "{error}");
    assert_eq!(count(&fetch(&mut one, info).await.unwrap()), 1);

    // What was the session's ends with it.
    let left = one.execute("SELECT 1".to_string(), None).await.unwrap();
    assert_eq!(act(&mut one, "CloseSession", Vec::new()).await.unwrap().len(), 1);
    assert!(fetch(&mut one, left).await.is_err());
    assert_eq!(count(&run(&mut one, "range(0, 6)").await.unwrap()), 6, "its settings have gone");
}

async fn listed(client: &mut Client) -> Vec<(String, String, String)> {
    let info = client.get_tables(CommandGetTables::default()).await.unwrap();
    let rows = fetch(client, info).await.unwrap();
    let text = |batch: &RecordBatch, name: &str, row| {
        batch[name].as_string::<i32>().value(row).to_string()
    };
    let each = rows.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    let told = each.map(|(batch, row)| {
        let of = |name| text(batch, name, row);
        (of("db_schema_name"), of("table_name"), of("table_type"))
    });
    told.filter(|(schema, ..)| schema != "information_schema").collect()
}

fn table(schema: &str, name: &str, kind: &str) -> (String, String, String) {
    (schema.to_string(), name.to_string(), kind.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_tables_are_of_one_session() {
    for args in [&[][..], &POOL] {
        temporary_tables(&Served::new(args)).await;
    }
}

async fn temporary_tables(server: &Served) {
    let mut one = with_cookie(server, "one").await;
    let mut two = with_cookie(server, "two").await;
    let temporary = |command| CommandStatementIngest { temporary: true, ..command };
    run(&mut two, "CREATE TABLE t AS SELECT 100 AS id").await.unwrap();
    assert_eq!(ingest(&mut one, temporary(create("t")), vec![rows(0, 3)]).await.unwrap(), 3);
    assert_eq!(number(&mut one, "SELECT sum(id) FROM t").await, 3, "it is in front of the other");
    assert_eq!(number(&mut one, "SELECT sum(id) FROM temporary.t").await, 3);
    assert_eq!(number(&mut two, "SELECT sum(id) FROM t").await, 100);
    assert_eq!(listed(&mut one).await, [table("temporary", "t", "LOCAL TEMPORARY")]);
    assert_eq!(listed(&mut two).await, [table("public", "t", "TABLE")]);
    for text in ["SELECT * FROM temporary.t", "SELECT * FROM strata.temporary.t"] {
        assert!(run(&mut two, text).await.is_err(), "{text}");
    }

    // Every way that tables change.
    assert!(ingest(&mut one, temporary(create("t")), vec![rows(0, 1)]).await.is_err());
    assert_eq!(ingest(&mut one, temporary(append("t")), vec![rows(3, 2)]).await.unwrap(), 2);
    run(&mut one, "INSERT INTO t VALUES (5, 'more')").await.unwrap();
    assert_eq!(number(&mut one, "SELECT sum(id) FROM t").await, 15);
    run(&mut one, "UPDATE t SET id = 7 WHERE id = 5").await.unwrap();
    run(&mut one, "DELETE FROM t WHERE id = 0").await.unwrap();
    assert_eq!(number(&mut one, "SELECT sum(id) + count(*) FROM t").await, 22);
    let replace = into("t", TableNotExistOption::Create, TableExistsOption::Replace);
    assert_eq!(ingest(&mut one, temporary(replace), vec![rows(8, 1)]).await.unwrap(), 1);
    assert_eq!(number(&mut one, "SELECT sum(id) FROM t").await, 8);

    // What would outlast it, or take its place for everybody.
    for text in [
        "CREATE VIEW v AS SELECT * FROM t",
        "v = t.head(1)",
        "CREATE OR REPLACE TABLE t AS SELECT 1 AS id",
        "CREATE OR REPLACE VIEW t AS SELECT 1 AS id",
        "CREATE TEMPORARY TABLE public.u AS SELECT 1 AS id",
        "CREATE SCHEMA temporary",
        "a = t.to_array(id, value => id)",
    ] {
        let why = run(&mut one, text).await.unwrap_err();
        assert!(why.contains("temporary"), "{text}: {why}");
    }
    assert_eq!(number(&mut one, "SELECT sum(id) FROM t").await, 8);
    run(&mut one, "DROP TABLE t").await.unwrap();
    assert_eq!(number(&mut one, "SELECT sum(id) FROM t").await, 100);

    for text in
        ["CREATE TEMP TABLE u AS SELECT 1 AS id", "CREATE TEMPORARY TABLE \"W\" (id BIGINT)"]
    {
        run(&mut one, text).await.unwrap();
    }
    run(&mut one, "INSERT INTO \"W\" SELECT id FROM u").await.unwrap();
    assert_eq!(
        number(&mut one, "SELECT sum(a.id + b.id) FROM u a JOIN \"W\" b USING (id)").await,
        2
    );
    assert!(run(&mut two, "SELECT * FROM u").await.is_err());
    act(&mut one, "CloseSession", Vec::new()).await.unwrap();
    assert!(run(&mut one, "SELECT * FROM u").await.is_err(), "it has gone with its session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_table_hides_an_array_from_its_session_only() {
    let server = Served::new(&[]);
    let mut one = with_cookie(&server, "one").await;
    let mut two = with_cookie(&server, "two").await;
    run(&mut two, "cells = arange(4)").await.unwrap();
    run(&mut one, "CREATE TEMPORARY TABLE cells AS SELECT 1 AS a").await.unwrap();
    assert_eq!(count(&run(&mut one, "cells.head(5)").await.unwrap()), 1);
    assert_eq!(count(&run(&mut two, "cells * 2").await.unwrap()), 4);
    run(&mut one, "DROP TABLE cells").await.unwrap();
    assert_eq!(count(&run(&mut one, "cells * 2").await.unwrap()), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_temporary_tables_goes_back_with_their_session() {
    let server = Served::new(&["--memory", "256MiB"]);
    for at in 0..6 {
        // Two of them do not fit.
        let mut client = with_cookie(&server, &format!("s{at}")).await;
        let text = "CREATE TEMPORARY TABLE t AS SELECT value FROM range(0, 18000000)";
        run(&mut client, text).await.unwrap();
        assert!(run(&mut client, &text.replace("t AS", "u AS")).await.is_err());
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 18_000_000);
        act(&mut client, "CloseSession", Vec::new()).await.unwrap();
        server.rests().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_nobody_uses_end() {
    let args = ["--set", "flight.idle=1s", "--set", "flight.sessions=3"];
    let server = Served::new(&args);
    let mut clients = Vec::new();
    for at in 0..3 {
        let mut client = with_cookie(&server, &format!("s{at}")).await;
        assert_eq!(number(&mut client, "SELECT 1").await, 1);
        clients.push(client);
    }
    let mut fourth = with_cookie(&server, "s4").await;
    let error = run(&mut fourth, "SELECT 1").await.unwrap_err();
    assert!(error.contains("flight.sessions"), "{error}");
    let began = std::time::Instant::now();
    while run(&mut fourth, "SELECT 1").await.is_err() {
        assert!(began.elapsed() < std::time::Duration::from_secs(30));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
