//! Sessions: what is whose, and options as Flight has them.

use std::collections::HashMap;

use prost::Message;

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
