//! Who is let in: whoever has the token, or a certificate of the pool's, and nobody else, on no method
//! of no port.

use std::path::Path;
use std::time::{Duration, Instant};

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{
    Action, Criteria, Empty, FlightData, FlightDescriptor, HandshakeRequest, Ticket,
};
use strata_engine::{Pool, Security, Tls, Token, VERSION};
use strata_tests::command::Killed;
use strata_tests::oracle::answer;
use strata_tests::pool::{Shape, TestPool};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::{role, scheduler};
use crate::run_in;

/// Calls every method there is; what each is refused with.
async fn every_method(address: &str, headers: &MetadataMap) -> Vec<(&'static str, Option<Status>)> {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    let mut client = FlightServiceClient::new(channel.connect().await.unwrap());
    fn with<T>(headers: &MetadataMap, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = headers.clone();
        request
    }
    let data = || futures::stream::iter([FlightData::default()]);
    let hello = futures::stream::iter([HandshakeRequest::default()]);
    let mut refused = Vec::new();
    macro_rules! call {
        ($name:literal, $method:ident, $message:expr) => {
            refused.push(($name, client.$method(with(headers, $message)).await.err()));
        };
    }
    call!("Handshake", handshake, hello);
    call!("ListFlights", list_flights, Criteria::default());
    call!("GetFlightInfo", get_flight_info, FlightDescriptor::default());
    call!("PollFlightInfo", poll_flight_info, FlightDescriptor::default());
    call!("GetSchema", get_schema, FlightDescriptor::default());
    call!("DoGet", do_get, Ticket::default());
    call!("DoPut", do_put, data());
    call!("DoExchange", do_exchange, data());
    call!("ListActions", list_actions, Empty::default());
    for action in [
        "strata.join",
        "strata.report",
        "strata.submit",
        "strata.missing",
        "strata.workers",
        "strata.jobs",
        "strata.cancel",
        "strata.nonsense",
    ] {
        let question = Action { r#type: action.to_string(), body: Default::default() };
        refused.push((action, client.do_action(with(headers, question)).await.err()));
    }
    refused
}

fn headers(token: Option<&str>, version: Option<&str>) -> MetadataMap {
    let mut headers = MetadataMap::new();
    if let Some(token) = token {
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    if let Some(version) = version {
        headers.insert("strata-version", version.parse().unwrap());
    }
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_token_by_any_method_of_any_port() {
    let pool = TestPool::here(Shape { workers: 1, cores: 1 }).await;
    let worker = pool.pool.workers().await.unwrap()[0].address.clone();
    let token = pool.security.token.clone().unwrap();
    let almost = &token.reveal()[..token.reveal().len() - 1];
    for address in [pool.scheduler.to_string(), worker] {
        for wrong in [None, Some(""), Some("wrong"), Some(almost)] {
            for (method, refused) in every_method(&address, &headers(wrong, Some(VERSION))).await {
                let code = refused.map(|status| status.code());
                assert_eq!(code, Some(Code::Unauthenticated), "{method} at {address}: {wrong:?}");
            }
        }
        // Another version is told both.
        for (method, refused) in
            every_method(&address, &headers(Some(token.reveal()), Some("0.0.0"))).await
        {
            let refused = refused.unwrap();
            assert_eq!(refused.code(), Code::FailedPrecondition, "{method}");
            let both = refused.message().contains("0.0.0") && refused.message().contains(VERSION);
            assert!(both, "{}", refused.message());
        }
        // With both, what is no use is said to be none, and nothing falls over.
        for (method, refused) in
            every_method(&address, &headers(Some(token.reveal()), Some(VERSION))).await
        {
            let code = refused.as_ref().map(Status::code);
            assert_ne!(code, Some(Code::Internal), "{method}: {refused:?}");
            assert_ne!(code, Some(Code::Unknown), "{method}: {refused:?}");
        }
    }
    // What a supervisor asks is answered with a word.
    for (path, said) in [("healthz", "alive"), ("readyz", "ready")] {
        let answer = get(&pool.scheduler.to_string(), path).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(said), "{answer}");
    }
    let answer = get(&pool.scheduler.to_string(), "metrics").await;
    assert!(answer.contains("grpc-status: 12") && answer.contains("content-length: 0"), "{answer}");
}

/// A plain HTTP request, and all that comes back.
async fn get(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_names_rows_of_a_job_and_nothing_else() {
    let pool = TestPool::here(Shape { workers: 1, cores: 1 }).await;
    let worker = pool.pool.workers().await.unwrap()[0].address.clone();
    let token = pool.security.token.clone().unwrap();
    let mut random = strata_tests::random::Random::new(7);
    let channel = Channel::from_shared(format!("http://{worker}")).unwrap();
    let mut client = FlightServiceClient::new(channel.connect().await.unwrap());
    for _ in 0..2000 {
        let length = random.index(64);
        let bytes: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
        let mut request = Request::new(Ticket { ticket: bytes.into() });
        *request.metadata_mut() = headers(Some(token.reveal()), Some(VERSION));
        let refused = client.do_get(request).await.map(drop).unwrap_err();
        assert!(matches!(refused.code(), Code::InvalidArgument | Code::NotFound), "{refused}");
    }
    assert_eq!(pool.pool.workers().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_plans_end_no_process() {
    let pool = TestPool::here(Shape { workers: 1, cores: 1 }).await;
    let token = pool.security.token.clone().unwrap();
    let channel = Channel::from_shared(format!("http://{}", pool.scheduler)).unwrap();
    let mut client = FlightServiceClient::new(channel.connect().await.unwrap());
    let mut random = strata_tests::random::Random::new(11);
    // A real question, to be damaged.
    let sound = sound_question(&pool).await;
    for turn in 0..600 {
        let mut body = sound.clone();
        for _ in 0..1 + random.index(8) {
            let at = random.index(body.len());
            match random.below(3) {
                0 => body[at] = random.number() as u8,
                1 => body.truncate(at.max(1)),
                _ => body.insert(at, random.number() as u8),
            }
        }
        let action = Action { r#type: "strata.submit".to_string(), body: body.into() };
        let mut request = Request::new(action);
        *request.metadata_mut() = headers(Some(token.reveal()), Some(VERSION));
        let asked = tokio::time::timeout(Duration::from_secs(20), client.do_action(request)).await;
        let answered = asked.unwrap_or_else(|_| panic!("turn {turn}: no answer"));
        if let Err(status) = answered {
            assert_ne!(status.code(), Code::Unknown, "turn {turn}: {status}");
        }
    }
    assert_eq!(pool.pool.workers().await.unwrap().len(), 1);
    assert!(answer(&pool.session(&[]), "SELECT 1").await.is_ok());
}

/// The bytes by which a client asks a question.
async fn sound_question(pool: &TestPool) -> Vec<u8> {
    use strata::RunText;
    let session = pool.session(&[]);
    let text = "SELECT value % 7 AS k, count(*) AS n, max(value || 'x') AS m FROM range(0, 1000) \
                WHERE value > 3 AND value IN (1, 5, 9, 12) GROUP BY ALL ORDER BY n DESC LIMIT 3";
    let plan = session.run(text).await.unwrap().into_unoptimized_plan();
    let planned = session.state().create_physical_plan(&plan).await.unwrap();
    strata_engine::PoolExec::within(&planned).unwrap().question()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_let_in_and_keep_out() {
    let home = tempfile::tempdir().unwrap();
    let certs = |out: &str, valid: &str| {
        let ran = run_in(home.path(), &["certs", "--out", out, "--valid", valid], "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        home.path().join(out)
    };
    let (ours, others, old) = (certs("ours", "1d"), certs("others", "1d"), certs("old", "1s"));
    let again = run_in(home.path(), &["certs", "--out", "ours"], "");
    assert!(again.err.contains("there already"), "{}", again.err);
    let tls = |folder: &Path, with_identity: bool| {
        let file = |name: &str| folder.join(name);
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let identity = with_identity.then_some((cert.as_path(), key.as_path()));
        let tls = Tls::from_files(Some(&file("ca.pem")), identity, None).unwrap();
        Security { token: None, tls: Some(tls) }
    };
    let [ca, cert, key] =
        ["ca.pem", "cert.pem", "key.pem"].map(|name| ours.join(name).display().to_string());
    let flags = ["--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key];
    let nothing = Security::default();
    let (_scheduler, address) = scheduler(&flags, &nothing);
    let _worker = role("worker", &nothing)
        .args(["--scheduler", &address.to_string(), "--quiet", "--cores", "1"])
        .args(flags)
        .spawn()
        .map(Killed)
        .unwrap();
    let pool = Pool::find(address.clone(), tls(&ours, true)).await.unwrap();
    let began = Instant::now();
    while pool.workers().await.unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "the worker does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut settings = strata::Settings::default();
    settings.set("pool.small", "0B", strata_engine::Origin::Session).unwrap();
    let session = strata::session_on(pool, settings).unwrap();
    let got = answer(&session, "SELECT sum(value) AS s FROM range(0, 100000)").await.unwrap();
    assert_eq!(got.rows.len(), 1);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for (who, security) in [
        ("without a certificate", tls(&ours, false)),
        ("with another authority's", tls(&others, true)),
        ("with one that has expired", tls(&old, true)),
        ("in plain text", Security { token: Some(Token::random()), tls: None }),
    ] {
        let began = Instant::now();
        let refused = Pool::find(address.clone(), security).await.unwrap_err().to_string();
        assert!(refused.contains("127.0.0.1") && !refused.contains('\n'), "{who}: {refused}");
        assert!(began.elapsed() < Duration::from_secs(10), "{who}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_reads_only_what_the_pool_allows() {
    let folder = tempfile::tempdir().unwrap();
    let (open, shut) = (folder.path().join("open"), folder.path().join("shut"));
    for place in [&open, &shut] {
        std::fs::create_dir(place).unwrap();
        std::fs::write(place.join("a.csv"), "a\n1\n2\n").unwrap();
    }
    let allowed = open.display().to_string();
    let mut pool = TestPool::empty(Duration::from_secs(30)).await;
    pool.add_worker_with(1, &[("files.allow", &allowed)]).await;
    let session = pool.session(&[]);
    let read = |place: &Path| format!("SELECT sum(a) AS s FROM '{}/a.csv'", place.display());
    assert!(answer(&session, &read(&open)).await.is_ok());
    let error = answer(&session, &read(&shut)).await.unwrap_err();
    assert!(error.contains("files.allow") && error.contains("shut/a.csv"), "{error}");
    // What only one process was told does not hold for another: this one may.
    let lax = pool.session(&[("files.allow", "/")]);
    assert!(answer(&lax, &read(&shut)).await.is_err());
}

#[test]
fn a_port_without_a_lock_is_for_this_machine() {
    let home = tempfile::tempdir().unwrap();
    let ran = run_in(home.path(), &["scheduler", "--listen", "0.0.0.0:0"], "");
    assert_ne!(ran.code, Some(0));
    assert!(ran.err.contains("--token-file") && ran.err.contains("127.0.0.1"), "{}", ran.err);
    for (token, says) in [("short", "16"), ("with spaces in it, many", "letters")] {
        std::fs::write(home.path().join("token"), token).unwrap();
        let ran = run_in(home.path(), &["scheduler", "--token-file", "token"], "");
        assert!(ran.err.contains(says) && !ran.err.contains(token), "{}", ran.err);
    }
}
