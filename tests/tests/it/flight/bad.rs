//! Those who mean ill, or do not know better: a status each, and the server goes on.

use arrow_flight::sql::{
    Any, CommandPreparedStatementQuery, CommandStatementQuery, CommandStatementSubstraitPlan,
    ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{FlightData, FlightDescriptor, Ticket};
use bytes::Bytes;
use futures::TryStreamExt;
use prost::Message;
use strata_tests::random::Random;
use tonic::{Code, Status};

use super::{Client, Served, act, count, number, run};

async fn ask(client: &mut Client, cmd: Vec<u8>) -> Result<(), Status> {
    client.inner_mut().get_flight_info(FlightDescriptor::new_cmd(cmd)).await.map(drop)
}

async fn get(client: &mut Client, ticket: Vec<u8>) -> Result<(), Status> {
    let rows = client.inner_mut().do_get(Ticket::new(ticket)).await?.into_inner();
    rows.try_collect::<Vec<_>>().await.map(drop)
}

async fn put(client: &mut Client, messages: Vec<FlightData>) -> Result<(), Status> {
    let stream = futures::stream::iter(messages);
    let results = client.inner_mut().do_put(stream).await?.into_inner();
    results.try_collect::<Vec<_>>().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tickets_open_nothing() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info = client.execute("SELECT 1".to_string(), None).await.unwrap();
    let real = info.endpoint[0].ticket.clone().unwrap().ticket;
    let any = Any::decode(real.clone()).unwrap();
    let handle = any.unpack::<TicketStatementQuery>().unwrap().unwrap().statement_handle;
    assert!(handle.len() >= 16, "nobody guesses it");
    for at in 0..handle.len() {
        let mut forged = handle.to_vec();
        forged[at] ^= 1;
        let ticket = TicketStatementQuery { statement_handle: forged.into() };
        let error = get(&mut client, ticket.as_any().encode_to_vec()).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
    for handle in [Bytes::new(), Bytes::from(vec![0; 32]), Bytes::from(vec![7; 1 << 20])] {
        let ticket = TicketStatementQuery { statement_handle: handle.clone() };
        let error = get(&mut client, ticket.as_any().encode_to_vec()).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        let prepared = CommandPreparedStatementQuery { prepared_statement_handle: handle };
        let error = ask(&mut client, prepared.as_any().encode_to_vec()).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
    get(&mut client, real.to_vec()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_are_refused() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let mut random = Random::new(20);
    let sound = CommandStatementQuery { query: "SELECT 1".to_string(), transaction_id: None };
    let sound = sound.as_any().encode_to_vec();
    for round in 0..300 {
        let mut bytes = match round % 3 {
            0 => (0..random.below(200)).map(|_| random.below(256) as u8).collect(),
            _ => sound.clone(),
        };
        for _ in 0..random.below(4) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.below(256) as u8;
            }
        }
        if round % 7 == 0 {
            bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
        }
        for result in [
            ask(&mut client, bytes.clone()).await,
            get(&mut client, bytes.clone()).await,
            act(&mut client, "CreatePreparedStatement", bytes.clone()).await.map(drop),
            act(&mut client, "CancelFlightInfo", bytes.clone()).await.map(drop),
            act(&mut client, "SetSessionOptions", bytes.clone()).await.map(drop),
            put(
                &mut client,
                vec![FlightData {
                    flight_descriptor: Some(FlightDescriptor::new_cmd(bytes.clone())),
                    data_header: bytes.clone().into(),
                    data_body: bytes.clone().into(),
                    ..FlightData::default()
                }],
            )
            .await,
        ] {
            if let Err(error) = result {
                let told = [Code::InvalidArgument, Code::NotFound, Code::Unimplemented];
                assert!(told.contains(&error.code()), "{error} for {bytes:?}");
            }
        }
    }
    let empty = put(&mut client, Vec::new()).await.unwrap_err();
    assert_eq!(empty.code(), Code::InvalidArgument);
    let nameless = put(&mut client, vec![FlightData::default()]).await.unwrap_err();
    assert_eq!(nameless.code(), Code::InvalidArgument);
    let unknown = act(&mut client, "MakeCoffee", Vec::new()).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
    let substrait = CommandStatementSubstraitPlan::default().as_any().encode_to_vec();
    let refused = ask(&mut client, substrait).await.unwrap_err();
    assert!(refused.message().contains("Substrait"), "{refused}");
    let transaction = client.begin_transaction().await.unwrap_err().to_string();
    assert!(transaction.contains("transaction"), "{transaction}");
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_of_sql_are_too_much() {
    let server = Served::new(&["--memory", "400MiB"]);
    let mut client = server.client().await;
    let list = "1,".repeat(25 << 20);
    let error = run(&mut client, &format!("SELECT 1 WHERE 1 IN ({list}1)")).await.unwrap_err();
    assert!(error.contains("flight.text"), "{error}");
    let deep = format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(run(&mut client, &deep).await.is_err());
    let fits =
        format!("SELECT count(*) FROM range(0, 10) WHERE value IN ({}1)", "1,".repeat(10_000));
    assert_eq!(number(&mut client, &fits).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_nobody_fetches_do_not_pile_up() {
    let server = Served::new(&["--set", "flight.statements=50"]);
    let mut client = server.client().await;
    let first = client.execute("SELECT 0".to_string(), None).await.unwrap();
    for at in 0..500 {
        client.execute(format!("SELECT {at}"), None).await.unwrap();
    }
    assert!(super::fetch(&mut client, first).await.is_err(), "the oldest has gone");
    let last = client.execute("SELECT 1".to_string(), None).await.unwrap();
    assert_eq!(count(&super::fetch(&mut client, last).await.unwrap()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_token_is_not_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef").unwrap();
    let server = Served::new(&["--token-file", file.to_str().unwrap()]);
    let mut client = server.client().await;
    let error = run(&mut client, "SELECT 1").await.unwrap_err();
    assert!(error.contains("say who you are"), "{error}");
    client.set_token("0123456789abcdef0123456789abcdee".to_string());
    assert!(run(&mut client, "SELECT 1").await.is_err());
    client.set_token("0123456789abcdef0123456789abcdef".to_string());
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
    let mut command = crate::strata(folder.path());
    let open = command.args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&open.stderr);
    assert!(!open.status.success() && said.contains("--token-file"), "{said}");
}
