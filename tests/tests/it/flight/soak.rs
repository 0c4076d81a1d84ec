//! What clients leave behind, over and over: sessions without a goodbye, statements that nobody closes, results that
//! nobody fetches, streams and uploads that break off, queries that are polled once. When all of it has had its time,
//! the server has as many open files and threads as before, computes nothing, and has its memory back.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use arrow_flight::CancelFlightInfoRequest;
use arrow_flight::error::FlightError;
use futures::StreamExt;
use prost::Message;
use strata_tests::random::Random;
use tonic::Request;

use super::cancel::query;
use super::ingest::{append, create, rows};
use super::{Client, ENDLESS, POOL, Served, act, number, run};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Sessions in each cycle; there may be three times as many.
const SESSIONS: usize = 30;

/// How often: a few times, or as often as `STRATA_SOAK_CYCLES` says.
fn cycles() -> usize {
    std::env::var("STRATA_SOAK_CYCLES").ok().and_then(|told| told.parse().ok()).unwrap_or(5).max(3)
}

/// What a server has, and its workers.
#[derive(Debug, Clone, Copy)]
struct Level {
    files: usize,
    spilled: usize,
    threads: usize,
    memory: u64,
}

fn processes(of: u32) -> Vec<u32> {
    let mut all = vec![of];
    for task in std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        all.extend(children.flat_map(processes));
    }
    all
}

impl Level {
    fn of(server: &Served) -> Self {
        let mut level = Self { files: 0, spilled: 0, threads: 0, memory: 0 };
        for process in processes(server.child.id()) {
            let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
            for file in files.flatten() {
                let path = std::fs::read_link(file.path()).unwrap_or_default();
                level.files += 1;
                // Files of what does not fit into memory have no name.
                level.spilled += usize::from(path.to_string_lossy().contains("(deleted)"));
            }
            let status =
                std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let number = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                let word = line.and_then(|line| line.split_whitespace().next());
                word.and_then(|word| word.parse::<u64>().ok()).unwrap_or(0)
            };
            level.threads += number("Threads:") as usize;
            level.memory += number("VmRSS:") << 10;
        }
        level
    }

    /// Whether nothing is there that was not before. A runtime has threads for what blocks, which come
    /// and go; and a pool has connections among its own, which stay.
    fn is_no_more_than(self, before: Self) -> bool {
        self.files <= before.files + 8 && self.spilled == 0 && self.threads <= before.threads + 8
    }
}

/// Waits until nobody's things are left.
async fn settles(server: &Served, before: Level) -> Level {
    server.rests().await;
    let began = Instant::now();
    loop {
        let level = Level::of(server);
        if level.is_no_more_than(before) {
            return level;
        }
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(30), "{before:?} before, {level:?} after {waited:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A client with a session of its own.
async fn client(server: &Served, cookie: &str) -> Client {
    let mut client = server.client().await;
    client.set_token(TOKEN.to_string());
    client.set_header("cookie", format!("arrow_flight_session_id={cookie}"));
    client
}

/// Leaves a session with statements and results in it.
async fn forgets(server: &Served, name: &str) {
    let mut client = client(server, name).await;
    for at in 0..3 {
        let text = format!("SELECT value + $1 FROM range(0, {at})");
        let prepared = client.prepare(text, None).await.unwrap();
        // Whoever drops it does not close it.
        drop(prepared);
        client.execute(format!("SELECT {at}"), None).await.unwrap();
    }
    run(&mut client, "SET flight.message = '1MiB'").await.unwrap();
}

/// Takes a few of many rows. A task of a pool makes all of its rows before anybody has one.
async fn turns_away(server: &Served, name: &str, pool: bool) {
    let mut client = client(server, name).await;
    let rows = if pool { 500_000 } else { 40_000_000_000u64 };
    let text = format!("SELECT value, value * 2 AS b, 'row ' || value AS c FROM range(0, {rows})");
    let info = client.execute(text, None).await.unwrap();
    let mut rows = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    assert!(rows.next().await.unwrap().is_ok());
}

/// Stops sending in the middle of an upload, into a new table and into one that is there.
async fn breaks_off(server: &Served, name: &str) {
    for command in [create(&format!("half_{name}")), append("whole")] {
        let (sent, mut came) = tokio::sync::mpsc::unbounded_channel();
        let rest = futures::stream::once(async move {
            sent.send(()).unwrap();
            std::future::pending::<Result<_, FlightError>>().await
        });
        let half = futures::stream::iter((0..4).map(|at| Ok(rows(at, 20_000)))).chain(rest);
        let mut client = client(server, name).await;
        let leaving = tokio::spawn(async move { client.execute_ingest(command, half).await });
        came.recv().await.unwrap();
        leaving.abort();
        assert!(leaving.await.unwrap_err().is_cancelled());
    }
}

/// Asks once how far something is, and never again; and cancels another.
async fn loses_patience(server: &Served, name: &str) {
    let mut client = client(server, name).await;
    let mut infos = Vec::new();
    for _ in 0..2 {
        let mut request = Request::new(query(ENDLESS));
        let session = format!("arrow_flight_session_id={name}");
        request.metadata_mut().insert("cookie", session.parse().unwrap());
        let token = format!("Bearer {TOKEN}");
        request.metadata_mut().insert("authorization", token.parse().unwrap());
        let told = client.inner_mut().poll_flight_info(request).await.unwrap().into_inner();
        infos.push(told.info.unwrap());
    }
    let body = CancelFlightInfoRequest::new(infos.remove(1)).encode_to_vec();
    assert_eq!(act(&mut client, "CancelFlightInfo", body).await.unwrap().len(), 1);
}

/// Comes without a token, with another's, and with what is no request.
async fn is_not_let_in(server: &Served, random: &mut Random) {
    let mut nobody = server.client().await;
    assert!(run(&mut nobody, "SELECT 1").await.is_err());
    nobody.set_token(format!("{:032x}", random.number()));
    assert!(run(&mut nobody, "SELECT 1").await.is_err());
    for begins in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n", ""] {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let noise: Vec<u8> = (0..200).map(|_| random.below(256) as u8).collect();
        // The server may hang up first.
        let _ = stream.write_all(begins.as_bytes()).and_then(|()| stream.write_all(&noise));
    }
}

/// Leaves while a sort has files of what did not fit.
async fn leaves_files(server: &Served, name: &str) {
    let mut client = client(server, name).await;
    let text = "SELECT value * 7919 % 1000003 AS k, repeat('x', 400) || value AS t \
                FROM range(0, 2000000) ORDER BY k";
    let running = tokio::spawn(async move { run(&mut client, text).await });
    let began = Instant::now();
    while Level::of(server).spilled == 0 {
        assert!(!running.is_finished() && began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.abort();
    drop(running.await);
}

async fn cycle(server: &Served, round: usize, pool: bool) {
    let mut random = Random::new(round as u64);
    let each = (0..SESSIONS).map(|at| async move {
        let name = format!("r{round}s{at}");
        match at % 5 {
            0 => turns_away(server, &name, pool).await,
            1 => breaks_off(server, &name).await,
            2 if at < 5 => loses_patience(server, &name).await,
            _ => forgets(server, &name).await,
        }
    });
    futures::future::join_all(each).await;
    is_not_let_in(server, &mut random).await;
    if round == 0 && !pool {
        leaves_files(server, &format!("r{round}files")).await;
    }
}

async fn nothing_is_left(args: &[&str], pool: bool) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("token"), TOKEN).unwrap();
    let most = format!("flight.sessions={}", SESSIONS * 3);
    let own = ["--listen", "127.0.0.1:0", "--token-file", "token", "--set", "flight.idle=1s"];
    let own = [&own[..], &["--set", "flight.running=16", "--set", &most], args].concat();
    let server = Served::within(home.path(), &own);
    let mut first = client(&server, "first").await;
    run(&mut first, "CREATE TABLE whole AS SELECT 1 AS id, 'a' AS name").await.unwrap();
    drop(first);
    server.rests().await;
    let before = Level::of(&server);
    let mut levels = Vec::new();
    for round in 0..cycles() {
        cycle(&server, round, pool).await;
        levels.push(settles(&server, before).await);
    }
    let (second, last) = (levels[1].memory >> 20, levels[levels.len() - 1].memory >> 20);
    eprintln!("{before:?} before, and after each cycle {levels:?}");
    assert!(last <= second + second / 10 + 24, "{levels:?}: memory does not stay");

    let mut client = client(&server, "last").await;
    assert_eq!(number(&mut client, "SELECT count(*) FROM whole").await, 1);
    let half = "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'half%'";
    assert_eq!(number(&mut client, half).await, 0, "what broke off made no table");
    // What was taken of the limit is given back: much of it is there at once.
    let large = futures::stream::iter((0..10).map(|at| Ok(rows(at * 200_000, 200_000))));
    client.execute_ingest(create("large"), large).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_those_who_leave() {
    nothing_is_left(&["--memory", "200MiB"], false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_keeps_nothing_of_those_who_leave() {
    nothing_is_left(&POOL, true).await;
}
