//! Queries that are asked about, and ended: by those who want no more of them, and by those who leave. What ends
//! computes no more, here and on a pool.

use std::time::{Duration, Instant};

use arrow_flight::sql::{
    ActionCancelQueryRequest, Any, Command, CommandStatementQuery, ProstMessageExt,
};
use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightDescriptor, FlightInfo,
    PollInfo, RenewFlightEndpointRequest,
};
use futures::StreamExt;
use prost::Message;

use super::{Client, ENDLESS, POOL, Served, act, count, fetch, number, run};

async fn cancel(client: &mut Client, info: FlightInfo) -> Result<CancelStatus, tonic::Status> {
    let body = CancelFlightInfoRequest::new(info).encode_to_vec();
    let results = act(client, "CancelFlightInfo", body).await?;
    Ok(CancelFlightInfoResult::decode(results[0].clone()).unwrap().status())
}

pub(super) fn query(text: &str) -> FlightDescriptor {
    let command = CommandStatementQuery { query: text.to_string(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

async fn poll(client: &mut Client, asked: FlightDescriptor) -> Result<PollInfo, tonic::Status> {
    Ok(client.inner_mut().poll_flight_info(asked).await?.into_inner())
}

async fn ends_when_it_is_cancelled(args: &[&str]) {
    let server = Served::new(args);
    let mut client = server.client().await;
    let info = client.execute(ENDLESS.to_string(), None).await.unwrap();
    let running = {
        let (mut client, info) = (server.client().await, info.clone());
        tokio::spawn(async move { fetch(&mut client, info).await })
    };
    server.works().await;
    assert_eq!(cancel(&mut client, info.clone()).await.unwrap(), CancelStatus::Cancelled);
    let error = running.await.unwrap().unwrap_err();
    assert!(error.contains("was cancelled"), "{error}");
    server.rests().await;
    let unknown = cancel(&mut client, info).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_when_it_is_cancelled() {
    ends_when_it_is_cancelled(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_ends_what_is_cancelled() {
    ends_when_it_is_cancelled(&POOL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_clients_cancel_too() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = client.execute("SELECT 1".to_string(), None).await.unwrap();
    let body = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
    let results = act(&mut client, "CancelQuery", body.as_any().encode_to_vec()).await.unwrap();
    let any = Any::decode(results[0].clone()).unwrap();
    let Command::ActionCancelQueryResult(result) = Command::try_from(any).unwrap() else {
        panic!("another answer");
    };
    assert_eq!(result.result, CancelStatus::Cancelled as i32);
    assert!(fetch(&mut client, info).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_ends_what_runs() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = client.execute(ENDLESS.to_string(), None).await.unwrap();
    let mut leaving = server.client().await;
    let asked = tokio::spawn(async move { fetch(&mut leaving, info).await });
    server.works().await;
    asked.abort();
    drop(asked.await);
    server.rests().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_reading_stops_what_is_made() {
    let server = Served::new(&["--memory", "400MiB"]);
    let mut client = server.client().await;
    // A terabyte, if anybody took it.
    let text = "SELECT value, value * 2 AS b, value * 3 AS c FROM range(0, 40000000000)";
    let info = client.execute(text.to_string(), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let mut rows = client.do_get(ticket).await.unwrap();
    assert!(rows.next().await.unwrap().is_ok());
    server.rests().await;
    let memory = server.memory();
    assert!(memory < 300 << 20, "{} MiB", memory >> 20);
    // It goes on where it was.
    for _ in 0..20 {
        assert!(rows.next().await.unwrap().is_ok());
    }
    drop(rows);
    server.rests().await;
}

async fn polled_to_its_end(args: &[&str]) {
    let server = Served::new(args);
    let mut client = server.client().await;
    let text = "SELECT sum(a.value % 7) AS s FROM range(0, 3000) a, range(0, 20000) b";
    let mut info = poll(&mut client, query(text)).await.unwrap();
    let mut asked = 1;
    while let Some(again) = info.flight_descriptor.clone() {
        assert!((0.0..=1.0).contains(&info.progress.unwrap()));
        assert!(info.expiration_time.is_some());
        info = poll(&mut client, again).await.unwrap();
        asked += 1;
        assert!(asked < 1000);
    }
    assert_eq!(info.progress, Some(1.0));
    let result = info.info.unwrap();
    let endpoint = result.endpoint[0].clone();
    let body = RenewFlightEndpointRequest::new(endpoint).encode_to_vec();
    assert_eq!(act(&mut client, "RenewFlightEndpoint", body).await.unwrap().len(), 1);
    assert_eq!(result.clone().try_decode_schema().unwrap().field(0).name(), "s");
    assert_eq!(count(&fetch(&mut client, result).await.unwrap()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_query_is_polled() {
    polled_to_its_end(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_query_on_a_pool_is_polled() {
    polled_to_its_end(&POOL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_rows_is_polled_too() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    for text in
        ["CREATE TABLE polled AS SELECT 1 AS a", "SET flight.rows = 7", "SELECT 1 AS a WHERE false"]
    {
        let mut info = poll(&mut client, query(text)).await.unwrap();
        while let Some(again) = info.flight_descriptor.clone() {
            info = poll(&mut client, again).await.unwrap();
        }
        assert_eq!(count(&fetch(&mut client, info.info.unwrap()).await.unwrap()), 0, "{text}");
    }
    assert_eq!(number(&mut client, "SELECT a FROM polled").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_polled_can_be_cancelled_and_fails_when_it_fails() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = poll(&mut client, query(ENDLESS)).await.unwrap();
    let again = info.flight_descriptor.clone().unwrap();
    assert_eq!(cancel(&mut client, info.info.unwrap()).await.unwrap(), CancelStatus::Cancelled);
    server.rests().await;
    let gone = poll(&mut client, again).await.unwrap_err();
    assert_eq!(gone.code(), tonic::Code::NotFound);

    let began = Instant::now();
    let text = "SELECT 1 / (value - 5) FROM range(0, 10)";
    let mut info = poll(&mut client, query(text)).await;
    while let Ok(PollInfo { flight_descriptor: Some(again), .. }) = &info {
        info = poll(&mut client, again.clone()).await;
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    let failed = info.unwrap_err();
    assert!(failed.message().contains("division by zero"), "{failed}");
    let read = poll(&mut client, query("SELECT nope")).await.unwrap_err();
    assert_eq!(read.code(), tonic::Code::InvalidArgument);
    // What is at hand at once is told at once.
    let listing = arrow_flight::sql::CommandGetCatalogs {};
    let listing = FlightDescriptor::new_cmd(listing.as_any().encode_to_vec());
    let info = poll(&mut client, listing).await.unwrap();
    assert!(info.flight_descriptor.is_none() && info.progress == Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_polls_no_more_is_forgotten() {
    let server = Served::new(&["--set", "flight.idle=1s"]);
    let mut client = server.client().await;
    let info = poll(&mut client, query(ENDLESS)).await.unwrap();
    let again = info.flight_descriptor.unwrap();
    server.rests().await;
    let gone = poll(&mut client, again).await.unwrap_err();
    assert_eq!(gone.code(), tonic::Code::NotFound);
    assert_eq!(count(&run(&mut client, "SELECT 1").await.unwrap()), 1);
}
