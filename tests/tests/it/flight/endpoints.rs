//! Large results of a pool have several endpoints: one query, whose parts are fetched side by side or one after the
//! other, all by way of the server.

use std::process::Command;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::array::cast::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::{FlightEndpoint, FlightInfo, RenewFlightEndpointRequest};
use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::Code;

use super::{Client, POOL, Served, act, count, fetch, number, run};

/// Rows that both workers have a part of.
const ROWS: &str = "SELECT value, count(*) AS n FROM range(0, 600000) GROUP BY value";

async fn part(
    client: &mut Client,
    info: &FlightInfo,
    at: usize,
) -> Result<Vec<RecordBatch>, String> {
    let mut one = info.clone();
    one.endpoint = vec![info.endpoint[at].clone()];
    fetch(client, one).await
}

async fn info(client: &mut Client, text: &str) -> FlightInfo {
    client.execute(text.to_string(), None).await.unwrap()
}

fn values(batches: &[RecordBatch]) -> Vec<i64> {
    let each =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
    each.copied().collect()
}

fn is_everything(batches: &[RecordBatch]) -> bool {
    let mut all = values(batches);
    all.sort_unstable();
    all.into_iter().eq(0..600_000)
}

async fn jobs(client: &mut Client) -> usize {
    count(&run(client, "SHOW JOBS").await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_fetched_side_by_side() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    let before = jobs(&mut client).await;
    let told = info(&mut client, ROWS).await;
    assert!(told.endpoint.len() > 1, "{told:?}");
    assert!(!told.ordered);
    assert_eq!(jobs(&mut client).await, before, "nothing runs before it is fetched");
    let parts = join_all((0..told.endpoint.len()).map(|at| {
        let (server, told) = (&server, &told);
        async move { part(&mut server.client().await, told, at).await.unwrap() }
    }));
    let parts = parts.await;
    assert!(parts.iter().filter(|part| count(part) > 0).count() > 1, "both have some");
    assert!(is_everything(&parts.concat()));
    assert_eq!(jobs(&mut client).await, before + 1, "it is one query");
    let again = part(&mut client, &told, 1).await.unwrap_err();
    assert!(again.contains("was closed, fetched"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_keep_the_order_and_the_limits_of_the_whole() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    let told = info(&mut client, &format!("{ROWS} ORDER BY value")).await;
    assert!(told.ordered && told.endpoint.len() > 1);
    let rows = fetch(&mut client, told).await.unwrap();
    assert!(values(&rows).into_iter().eq(0..600_000), "one after the other they are the whole");
    assert_eq!(info(&mut client, "SELECT count(*) FROM range(0, 9)").await.endpoint.len(), 1);
    assert_eq!(info(&mut client, &format!("{ROWS} LIMIT 10")).await.endpoint.len(), 1);
    run(&mut client, "SET flight.rows = 500000").await.unwrap();
    let told = info(&mut client, ROWS).await;
    let mut parts = Vec::new();
    for at in 0..told.endpoint.len() {
        parts.push(part(&mut client, &told, at).await);
    }
    let refused: Vec<_> = parts.into_iter().filter_map(Result::err).collect();
    assert!(refused.iter().any(|error| error.contains("flight.rows")), "{refused:?}");
    run(&mut client, "SET flight.rows = 0").await.unwrap();
    run(&mut client, "SET flight.endpoints = 1").await.unwrap();
    assert_eq!(info(&mut client, ROWS).await.endpoint.len(), 1);
}

/// Whether a part is there still. Who asks takes nothing of it.
async fn is_there(client: &mut Client, part: &FlightEndpoint) -> bool {
    let body = RenewFlightEndpointRequest::new(part.clone()).encode_to_vec();
    match act(client, "RenewFlightEndpoint", body).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{status}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_one_part_leaves_all() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    // A part that is larger than what is sent ahead of its reader.
    run(&mut client, "SET flight.endpoints = 2").await.unwrap();
    let text = format!("SELECT value, repeat('x', 100) AS t FROM ({ROWS})");
    let told = info(&mut client, &text).await;
    let [one, other] = &told.endpoint[..] else { panic!("{told:?}") };
    let mut rows = client.do_get(one.ticket.clone().unwrap()).await.unwrap();
    assert!(rows.next().await.unwrap().is_ok());
    assert!(is_there(&mut client, one).await && is_there(&mut client, other).await);
    drop(rows);
    let left = Instant::now();
    while is_there(&mut client, other).await {
        assert!(left.elapsed() < Duration::from_secs(30), "the others end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let gone = part(&mut client, &told, 1).await.unwrap_err();
    assert!(gone.contains("was closed, fetched"), "{gone}");
    server.rests().await;
    assert!(is_everything(&run(&mut client, ROWS).await.unwrap()), "the next is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_tells_of_all_parts() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    let asked = info(&mut client, ROWS).await.flight_descriptor.unwrap();
    let mut descriptor = Some(asked);
    let mut told = FlightInfo::default();
    while let Some(ask) = descriptor.take() {
        let poll = client.inner_mut().poll_flight_info(ask).await.unwrap().into_inner();
        descriptor = poll.flight_descriptor;
        told = poll.info.unwrap();
    }
    assert!(told.endpoint.len() > 1);
    assert!(told.endpoint.iter().all(|endpoint| endpoint.expiration_time.is_some()));
    assert!(is_everything(&fetch(&mut client, told).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_lost_between_parts_changes_no_answer() {
    // What is left of the parts may be the other's.
    for victim in 0..2 {
        let server = Served::new(&POOL);
        let mut client = server.client().await;
        let told = info(&mut client, ROWS).await;
        let mut rows = part(&mut client, &told, 0).await.unwrap();
        let workers = server.workers();
        assert_eq!(workers.len(), 2, "they are its children");
        let victim = workers[victim].to_string();
        assert!(Command::new("kill").args(["-9", &victim]).status().unwrap().success());
        for at in 1..told.endpoint.len() {
            rows.extend(part(&mut client, &told, at).await.unwrap());
        }
        assert!(is_everything(&rows));
        assert_eq!(number(&mut client, "SELECT count(*) FROM range(0, 9)").await, 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_in_parts_too() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    for part in 0..4 {
        let (path, from) = (server.folder().display(), part * 150_000);
        let rows = format!("SELECT value FROM range({from}, {})", from + 150_000);
        run(&mut client, &format!("COPY ({rows}) TO '{path}/rows/{part}.parquet'")).await.unwrap();
    }
    let text = format!("SELECT value FROM '{}/rows/*.parquet'", server.folder().display());
    let told = info(&mut client, &text).await;
    assert!(told.endpoint.len() > 1 && !told.ordered);
    let mut parts = Vec::new();
    for at in 0..told.endpoint.len() {
        parts.push(part(&mut client, &told, at).await.unwrap());
    }
    assert!(parts.iter().filter(|part| count(part) > 0).count() > 1, "both have some");
    assert!(is_everything(&parts.concat()));
    let sorted = info(
        &mut client,
        &format!("'{}/rows/*.parquet'.sort(value).filter(value > 5)", server.folder().display()),
    )
    .await;
    assert!(sorted.ordered, "what only leaves rows out keeps their order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_at_hand_is_not_parted() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    run(&mut client, "CREATE TABLE t AS SELECT value FROM range(0, 200000)").await.unwrap();
    for text in ["SELECT * FROM information_schema.tables", "SELECT * FROM t WHERE value > 5"] {
        assert_eq!(info(&mut client, text).await.endpoint.len(), 1, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_disturbs_nobody() {
    let server = Served::new(&POOL);
    let mut client = server.client().await;
    let told = info(&mut client, ROWS).await;
    let ticket = told.endpoint[0].ticket.clone().unwrap();
    let mut first = client.do_get(ticket).await.unwrap();
    let mut rows = vec![first.next().await.unwrap().unwrap()];
    let second = part(&mut client, &told, 0).await.unwrap_err();
    assert!(second.contains("was fetched already"), "{second}");
    rows.extend(first.try_collect::<Vec<_>>().await.unwrap());
    for at in 1..told.endpoint.len() {
        rows.extend(part(&mut client, &told, at).await.unwrap());
    }
    assert!(is_everything(&rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_with_parts_are_results_one_by_one() {
    let server = Served::new(&[&POOL[..], &["--set", "flight.statements=2"]].concat());
    let mut client = server.client().await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(info(&mut client, ROWS).await);
    }
    // The oldest has made place for the last; the others are whole.
    assert!(part(&mut client, &told[0], 0).await.is_err());
    for told in &told[1..] {
        let mut rows = Vec::new();
        for at in 0..told.endpoint.len() {
            rows.extend(part(&mut client, told, at).await.unwrap());
        }
        assert!(is_everything(&rows));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_nobody_fetches_keeps_nobody_from_running() {
    let server = Served::new(&[&POOL[..], &["--set", "flight.running=1"]].concat());
    let mut client = server.client().await;
    let told = info(&mut client, ROWS).await;
    part(&mut client, &told, 0).await.unwrap();
    // Its other parts are made, and wait with the workers.
    assert_eq!(number(&mut client, "SELECT count(*) FROM range(0, 9)").await, 9);
    for at in 1..told.endpoint.len() {
        part(&mut client, &told, at).await.unwrap();
    }
}
