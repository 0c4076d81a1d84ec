//! A server with locks, by its own commands: passwords by `strata passwd`, certificates by `strata certs`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use arrow_flight::sql::client::FlightSqlServiceClient;
use strata_tests::python::python_with;
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::{Client, Served, count, run};

/// Files that are public and files that are not, and who may do what.
fn house() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (folder, text) in [("open", "a\n1\n2\n"), ("shut", "a\n41\n42\n43\n")] {
        fs::create_dir(home.path().join(folder)).unwrap();
        fs::write(home.path().join(folder).join("rows.csv"), text).unwrap();
    }
    let mut config =
        "listen = \"127.0.0.1:0\"\n[limits]\nqueries = 8\n[audit]\nfile = \"audit.jsonl\"\n"
            .to_string();
    for (name, role) in [("ann", "reader"), ("etl", "writer"), ("boss", "admin")] {
        let ran = crate::run_in(
            home.path(),
            &["passwd", name, "--role", role],
            &format!("{name}-word\n"),
        );
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        config.push_str(&ran.out);
        if role != "admin" {
            let open = home.path().join("open");
            config.push_str(&format!("locations = ['{}/']\n", open.display()));
        }
    }
    fs::write(home.path().join("serve.toml"), config).unwrap();
    home
}

async fn logged_in(server: &Served, name: &str) -> Client {
    let mut client = server.client().await;
    client.handshake(name, &format!("{name}-word")).await.unwrap();
    client
}

/// What is said to somebody who may not.
async fn denied(client: &mut Client, text: &str) {
    let why = run(client, text).await.expect_err(text);
    assert!(why.contains("does not have permission"), "{text}: {why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_their_role_says() {
    let home = house();
    let (open, shut) = (home.path().join("open/rows.csv"), home.path().join("shut/rows.csv"));
    let (open, shut) = (open.display(), shut.display());
    let server = Served::within(home.path(), &["--config", "serve.toml"]);
    let mut nobody = server.client().await;
    let why = run(&mut nobody, "SELECT 1").await.unwrap_err();
    assert!(why.contains("say who you are"), "{why}");
    assert!(nobody.handshake("ann", "boss-word").await.is_err());
    nobody.set_token("not-a-token-of-anybodys".to_string());
    assert!(run(&mut nobody, "SELECT 1").await.unwrap_err().contains("the token is unknown"));

    let (mut ann, mut etl, mut boss) = (
        logged_in(&server, "ann").await,
        logged_in(&server, "etl").await,
        logged_in(&server, "boss").await,
    );
    for client in [&mut ann, &mut etl, &mut boss] {
        assert_eq!(count(&run(client, &format!("FROM '{open}'")).await.unwrap()), 2);
    }
    assert_eq!(count(&run(&mut boss, &format!("FROM '{shut}'")).await.unwrap()), 3);
    for text in [
        format!("FROM '{shut}'"),
        format!("FROM '{}/open/../shut/rows.csv'", home.path().display()),
        format!("FROM 'file://{shut}'"),
        format!("CREATE TABLE t AS FROM '{shut}'"),
        "CREATE TABLE t AS SELECT 1 AS a".to_string(),
        format!("COPY (SELECT 1 AS a) TO '{}/open/x.csv'", home.path().display()),
        "SET memory.limit = '1GiB'".to_string(),
        "x = arange(3)".to_string(),
    ] {
        denied(&mut ann, &text).await;
    }
    run(&mut etl, "CREATE TABLE made AS SELECT 7 AS a").await.unwrap();
    run(&mut etl, &format!("COPY (SELECT 1 AS a) TO '{}/open/x.csv'", home.path().display()))
        .await
        .unwrap();
    denied(&mut etl, &format!("COPY (SELECT 1 AS a) TO '{}/shut/x.csv'", home.path().display()))
        .await;
    denied(&mut etl, &format!("CREATE EXTERNAL TABLE s STORED AS CSV LOCATION '{shut}'")).await;
    assert!(!home.path().join("shut/x.csv").exists());
    assert_eq!(count(&run(&mut ann, "FROM made").await.unwrap()), 1);
    // A session has its own settings, whoever is a reader.
    run(&mut ann, "SET flight.rows = 1").await.unwrap();
    assert!(run(&mut ann, &format!("FROM '{open}'")).await.is_err());

    // What one is told to fetch, another cannot.
    let info = boss.execute(format!("FROM '{shut}'"), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    assert!(ann.do_get(ticket.clone()).await.is_err());
    assert!(boss.do_get(ticket).await.is_ok());

    drop(server);
    let log = fs::read_to_string(home.path().join("audit.jsonl")).unwrap();
    for wanted in
        ["\"ann\"", "\"denied\"", "\"done\"", "\"refused\"", "CREATE TABLE made", "\"rows\":2"]
    {
        assert!(log.contains(wanted), "{wanted} is missing: {log}");
    }
    assert!(!log.contains("-word"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_the_files_of_certs() {
    let home = house();
    let ran = crate::run_in(home.path(), &["certs", "--out", "pki"], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let config = home.path().join("serve.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text + "[tls]\ncert = \"pki/cert.pem\"\nkey = \"pki/key.pem\"\n").unwrap();
    let server = Served::within(home.path(), &["--config", "serve.toml"]);
    let mut client = with_tls(&server, home.path()).await;
    client.handshake("ann", "ann-word").await.unwrap();
    assert_eq!(count(&run(&mut client, "range(0, 5)").await.unwrap()), 5);
    let plain =
        Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect().await;
    if let Ok(channel) = plain {
        assert!(FlightSqlServiceClient::new(channel).handshake("ann", "ann-word").await.is_err());
    }
    let Some(python) = python_with("adbc_driver_flightsql") else { return };
    let script = "
import sys
from adbc_driver_flightsql import DatabaseOptions, dbapi
from adbc_driver_manager import ProgrammingError, OperationalError

def connect(password):
    return dbapi.connect(sys.argv[1], db_kwargs={
        'username': 'ann', 'password': password,
        DatabaseOptions.TLS_ROOT_CERTS.value: open(sys.argv[2]).read(),
        DatabaseOptions.TLS_OVERRIDE_HOSTNAME.value: 'strata',
    }, autocommit=True)

with connect('ann-word') as connection, connection.cursor() as cursor:
    cursor.execute('SELECT value FROM range(0, 1000)')
    assert cursor.fetch_arrow_table().num_rows == 1000
    try:
        cursor.execute('CREATE TABLE t AS SELECT 1 AS a')
        cursor.fetchall()
        raise SystemExit('a reader made a table')
    except (ProgrammingError, OperationalError) as error:
        assert 'reader' in str(error), error
try:
    with connect('wrong') as connection, connection.cursor() as cursor:
        cursor.execute('SELECT 1')
    raise SystemExit('a wrong password opens')
except (ProgrammingError, OperationalError) as error:
    assert 'password' in str(error), error
print('let in')
";
    let output = Command::new(python.program())
        .args(["-c", script, &format!("grpc+tls://{}", server.address)])
        .arg(home.path().join("pki/ca.pem"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout.starts_with(b"let in"), "{said}");
}

async fn with_tls(server: &Served, home: &Path) -> FlightSqlServiceClient<Channel> {
    let authority = Certificate::from_pem(fs::read(home.join("pki/ca.pem")).unwrap());
    let tls = ClientTlsConfig::new().ca_certificate(authority).domain_name("strata");
    let endpoint = Endpoint::from_shared(format!("https://{}", server.address)).unwrap();
    FlightSqlServiceClient::new(endpoint.tls_config(tls).unwrap().connect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_lets_what_runs_end() {
    let server = Served::new(&[]);
    let mut client = server.client().await;
    let info =
        client.execute("SELECT value FROM range(0, 3000000)".to_string(), None).await.unwrap();
    let mut rows = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    use futures::TryStreamExt;
    let mut got = rows.try_next().await.unwrap().unwrap().num_rows();
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let late = Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect().await;
    assert!(late.is_err(), "nobody new is answered");
    while let Some(batch) = rows.try_next().await.unwrap() {
        got += batch.num_rows();
    }
    assert_eq!(got, 3_000_000);
    drop((rows, client));
    server.ends();
}
