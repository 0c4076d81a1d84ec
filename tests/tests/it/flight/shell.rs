//! Our own shell as a client: `strata --connect` prints what the local shell prints, and what it ends, ends on
//! the server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use strata_tests::Ran;
use tempfile::TempDir;

use super::{ENDLESS, POOL, Served};
use crate::run_in;

/// Both languages, updates, settings, names, arrays, commands, plots, and results with every kind of column.
const SCRIPT: &str = r"
CREATE TABLE shops AS SELECT value AS id, 'shop ' || value AS name, value % 3 AS kind FROM range(1, 12);
SELECT * FROM shops ORDER BY id;
shops.filter(id > 9).select(name, id * 2 AS twice).sort(twice)
;
big = shops.filter(id > 10);
big.agg(count(*) AS n);
INSERT INTO shops VALUES (99, 'é', 7);
SELECT kind, count(*) AS n, sum(id) AS ids FROM shops GROUP BY kind ORDER BY kind;
CREATE VIEW few AS SELECT * FROM shops WHERE id < 3;
SELECT arrow_cast('a', 'Dictionary(Int32, Utf8)') AS word, [1, 2] AS list, {'a': 1, 'b': 'x'} AS pair,
       DATE '2024-02-29' AS day, 1.5::DECIMAL(5, 2) AS price, NULL AS nothing, X'00ff' AS bytes,
       TIMESTAMP '2024-01-01 00:00:00' AS at;
SELECT * FROM shops WHERE false;
COPY (SELECT 1 AS a) TO 'out.csv';
SET datafusion.execution.time_zone = '+05:00';
SHOW datafusion.execution.time_zone;
SET shell.null = '(none)';
SELECT NULL AS a;
RESET shell.null;
EXPLAIN SELECT 1;
SUMMARIZE few;
DESCRIBE shops;
\d
\dt sho
\dv
\d shops
\d few
.schema few
.schema shops
\l
\df trunc
\h head
SELECT value AS x, value * value AS y FROM range(0, 20);
\plot line x=x y=y
\x
SELECT 1 AS a, 2 AS b;
\x
zeros((3, 2)) + 1;
DROP VIEW few;
SELECT 1 AS a; SELECT 2 AS b \q
";

fn connected(home: &Path, url: &str, args: &[&str], input: &str) -> Ran {
    let all = [&["--connect", url], args].concat();
    run_in(home, &all, input)
}

impl Served {
    fn url(&self) -> String {
        format!("grpc://{}", self.address)
    }
}

#[test]
fn a_script_prints_the_same_here_and_there() {
    for format in ["csv", "json", "table", "box", "markdown", "ndjson", "line"] {
        let here = tempfile::tempdir().unwrap();
        let local = run_in(here.path(), &["-F", format], SCRIPT);
        assert_eq!(local.code, Some(0), "{}", local.err);
        let server = Served::new(&[]);
        let remote = connected(here.path(), &server.url(), &["-F", format], SCRIPT);
        assert_eq!((remote.code, &remote.err), (Some(0), &local.err));
        assert_eq!(remote.out, local.out, "{format}");
        assert!(server.folder().join("out.csv").exists(), "files are the server's");
    }
}

#[test]
fn errors_are_the_same_here_and_there() {
    let server = Served::new(&[]);
    let home = tempfile::tempdir().unwrap();
    for text in [
        "SELECT 1 AS a;\n\n  SELECT nope FROM range(0, 3);",
        "SELECT 1; SELECT a FROM (SELECT 1 AS b);",
        "SELECT * FROM shpos",
        "SELECT FROM FROM",
        "SELECT 1 / (value - 1) FROM range(0, 3)",
        "SELECT CAST('x' AS INT)",
        "FROM 'nowhere.csv'",
        "range(0, 3).filtre(value > 1)",
        "range(0, 3).filter(valeu > 1)",
        "SET flight.rwos = 1",
        "\\d nothing",
        "\\d nowhere.nothing",
        "\\d \"nowhere.csv\"",
        "\\nope",
    ] {
        let local = run_in(home.path(), &["-c", text], "");
        let remote = connected(home.path(), &server.url(), &["-c", text], "");
        assert_eq!((remote.code, &remote.out), (Some(1), &local.out), "{text}: {}", remote.err);
        let folder = |path: &Path| path.display().to_string();
        let err = remote.err.replace(&folder(server.folder()), &folder(home.path()));
        assert_eq!(err, local.err, "{text}");
    }
    // Each of them, and what comes behind.
    let text = "SELECT nope; SELECT 7 AS a";
    let remote = connected(home.path(), &server.url(), &["--keep-going", "-c", text], "");
    assert_eq!((remote.code, remote.out.as_str()), (Some(1), "a\n7\n"), "{}", remote.err);
}

#[test]
fn settings_are_of_the_session_and_end_with_it() {
    // The session of those without a cookie, in which each shell begins, and its own: the next shell has a place
    // only where the one before has left none behind.
    let server = Served::new(&["--set", "flight.sessions=2"]);
    let home = tempfile::tempdir().unwrap();
    let show = "SHOW datafusion.execution.time_zone;";
    let set = "SET datafusion.execution.time_zone = '+03:00';";
    let script = home.path().join("two.sql");
    fs::write(&script, show).unwrap();
    let ran = connected(
        home.path(),
        &server.url(),
        &["-c", set, "-f", script.to_str().unwrap(), "-c", show],
        "",
    );
    assert_eq!(ran.out.matches("+03:00").count(), 2, "{}{}", ran.out, ran.err);
    let ran = connected(home.path(), &server.url(), &["-c", show], "");
    assert!(ran.code == Some(0) && !ran.out.contains("+03:00"), "{}{}", ran.out, ran.err);
    let given = ["--set", "datafusion.execution.time_zone=+04:00", "--set", "shell.null=-"];
    let shown = ["-F", "markdown", "-c", show, "-c", "SELECT NULL AS a"];
    let given = [&given[..], &shown].concat();
    let ran = connected(home.path(), &server.url(), &given, "");
    assert!(ran.out.contains("+04:00") && ran.out.contains("| - |"), "{}{}", ran.out, ran.err);
    let ran =
        connected(home.path(), &server.url(), &["--set", "memory.limit=1GiB", "-c", show], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("memory.limit is a setting of the server"), "{}", ran.err);
}

#[test]
fn results_go_where_they_are_sent() {
    let server = Served::new(&[]);
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("rows.parquet");
    let text = "SELECT value, 'x' || value AS text FROM range(0, 300000)";
    let to = ["-o", out.to_str().unwrap(), "-c", text];
    let ran = connected(home.path(), &server.url(), &to, "");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let count = "SELECT count(*) AS n, sum(value) AS s, max(text) AS t FROM 'rows.parquet'";
    let local = run_in(home.path(), &["-c", count], "");
    assert_eq!(local.out, "n,s,t\n300000,44999850000,x99999\n");
    let fails = ["-o", "none.csv", "-c", "SELECT 1", "-c", "SELECT nope"];
    assert_eq!(connected(home.path(), &server.url(), &fails, "").code, Some(1));
    assert!(!home.path().join("none.csv").exists());
}

#[test]
fn a_pool_answers_as_well() {
    let server = Served::new(&POOL);
    let home = tempfile::tempdir().unwrap();
    let text = "SELECT value % 5 AS k, count(*) AS n FROM range(0, 100000) GROUP BY k ORDER BY k";
    let ran = connected(home.path(), &server.url(), &["-c", text], "");
    assert_eq!(ran.out, "k,n\n0,20000\n1,20000\n2,20000\n3,20000\n4,20000\n", "{}", ran.err);
    // It tells a query of the shell's own in parts, too.
    let made: String =
        (0..20).map(|at| format!("CREATE VIEW v{at} AS SELECT {at} AS a;\n")).collect();
    let asked: String = (0..20).map(|at| format!(".schema v{at}\n")).collect();
    let ran = connected(home.path(), &server.url(), &[], &(made + &asked));
    assert_eq!(ran.out.matches("CREATE VIEW").count(), 20, "{}{}", ran.out, ran.err);
}

#[test]
fn what_could_not_begin_leaves_no_session() {
    // One of the name, and one of the shell's.
    let server = Served::new(&["--set", "flight.sessions=2"]);
    let home = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let args = ["-o", "nowhere/out.csv", "-c", "SELECT 1 AS a"];
        let ran = connected(home.path(), &server.url(), &args, "");
        assert!(ran.code == Some(1) && ran.err.contains("nowhere/out.csv"), "{}", ran.err);
    }
    let ran = connected(home.path(), &server.url(), &["-c", "SELECT 1 AS a"], "");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n1\n", ""));
}

/// Users with passwords, perhaps with TLS.
fn house(tls: bool) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let passwd = run_in(home.path(), &["passwd", "ann", "--role", "writer"], "ann-word\n");
    let mut config = "listen = \"127.0.0.1:0\"\n".to_string();
    if tls {
        let certs = run_in(home.path(), &["certs", "--out", "certs"], "");
        assert_eq!(certs.code, Some(0), "{}", certs.err);
        config.push_str("[tls]\ncert = \"certs/cert.pem\"\nkey = \"certs/key.pem\"\n");
    }
    config.push_str(&passwd.out);
    fs::write(home.path().join("serve.toml"), config).unwrap();
    home
}

fn with_password(home: &Path, url: &str, password: Option<&str>, args: &[&str]) -> Ran {
    let mut command = crate::strata(home);
    command.env_remove("STRATA_PASSWORD");
    if let Some(password) = password {
        command.env("STRATA_PASSWORD", password);
    }
    let all =
        [&["shell", "--connect", url, "--user", "ann", "-c", "SELECT 42 AS a"], args].concat();
    strata_tests::run(command, &all, "")
}

#[test]
fn a_user_shows_a_password() {
    let home = house(false);
    let server = Served::within(home.path(), &["--config", "serve.toml"]);
    let ran = with_password(home.path(), &server.url(), Some("ann-word"), &[]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n42\n", ""));
    let file = home.path().join("word");
    fs::write(&file, "ann-word\n").unwrap();
    let from_file = ["--password-file", file.to_str().unwrap()];
    let ran = with_password(home.path(), &server.url(), Some("not it"), &from_file);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n42\n", ""));
    let ran = with_password(home.path(), &server.url(), Some("boss-word"), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("the name or the password is wrong"), "{}", ran.err);
    let ran = with_password(home.path(), &server.url(), None, &[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("STRATA_PASSWORD"), "{}", ran.err);
    let ran = connected(home.path(), &server.url(), &["-c", "SELECT 1"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("say who you are"), "{}", ran.err);
    let url = server.url().replace("//", "//ann:ann-word@");
    let ran = connected(home.path(), &url, &["-c", "SELECT 1"], "");
    assert!(ran.code == Some(2) && ran.err.contains("--user"), "{}", ran.err);
}

#[test]
fn a_token_is_shown() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("token"), "a-long-secret-of-the-server").unwrap();
    let server = Served::within(home.path(), &["--listen", "127.0.0.1:0", "--token-file", "token"]);
    let args = ["--token-file", "token", "-c", "SELECT 42 AS a"];
    let ran = connected(home.path(), &server.url(), &args, "");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n42\n", ""));
    fs::write(home.path().join("other"), "a-long-secret-of-nobody").unwrap();
    let args = ["--token-file", "other", "-c", "SELECT 42 AS a"];
    let ran = connected(home.path(), &server.url(), &args, "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("the token is unknown"), "{}", ran.err);
}

#[test]
fn a_server_with_tls_is_believed_by_its_authority() {
    let home = house(true);
    let server = Served::within(home.path(), &["--config", "serve.toml"]);
    let url = server.url().replace("grpc://127.0.0.1", "grpc+tls://localhost");
    let ca = ["--tls-ca", "certs/ca.pem"];
    let ran = with_password(home.path(), &url, Some("ann-word"), &ca);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n42\n", ""));
    let ran = with_password(home.path(), &url, Some("ann-word"), &[]);
    assert!(ran.code == Some(1) && ran.err.contains("--tls-ca"), "{}", ran.err);
    let by_number = server.url().replace("grpc://", "grpc+tls://");
    let ran = with_password(home.path(), &by_number, Some("ann-word"), &ca);
    assert!(ran.code == Some(1) && ran.err.contains("--tls-name"), "{}", ran.err);
    let named = [&ca[..], &["--tls-name", "strata"]].concat();
    let ran = with_password(home.path(), &by_number, Some("ann-word"), &named);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("a\n42\n", ""));
    let ran = with_password(home.path(), &server.url(), Some("ann-word"), &[]);
    assert!(ran.code == Some(1) && ran.err.contains("grpc+tls://"), "{}", ran.err);
}

#[test]
fn nobody_is_there() {
    let home = tempfile::tempdir().unwrap();
    let ran = connected(home.path(), "grpc://127.0.0.1:1", &["-c", "SELECT 1"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("grpc://127.0.0.1:1 is not there"), "{}", ran.err);
    for wrong in [&["--workers", "2"][..], &["--database", "x"], &["--memory", "1GiB"]] {
        assert_eq!(connected(home.path(), "grpc://127.0.0.1:1", wrong, "").code, Some(2));
    }
    assert_eq!(connected(home.path(), "http://127.0.0.1:1", &[], "").code, Some(2));
}

/// A shell that runs, and reads what it is told.
fn started(home: &Path, url: &str, args: &[&str]) -> Child {
    let mut command = crate::strata(home);
    command.args(["--connect", url]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

async fn ends_on_ctrl_c(args: &[&str]) {
    let server = Served::new(args);
    let home = tempfile::tempdir().unwrap();
    let child = started(home.path(), &server.url(), &["-c", ENDLESS]);
    server.works().await;
    let pressed = Instant::now();
    interrupt(&child);
    let ended = child.wait_with_output().unwrap();
    assert!(pressed.elapsed() < Duration::from_secs(10));
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.stdout.is_empty());
    server.rests().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_what_the_server_runs() {
    ends_on_ctrl_c(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_what_a_pool_runs() {
    ends_on_ctrl_c(&POOL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_no_more_ends_what_the_server_makes() {
    let server = Served::new(&[]);
    let home = tempfile::tempdir().unwrap();
    let text = "SELECT value, value * 2 AS b FROM range(0, 40000000000)";
    let mut child = started(home.path(), &server.url(), &["-c", text]);
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 8];
    std::io::Read::read_exact(&mut out, &mut first).unwrap();
    assert_eq!(&first, b"value,b\n");
    drop(out);
    assert_eq!(child.wait().unwrap().code(), Some(0), "a pipe that is closed is no error");
    server.rests().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_is_told_of_and_found_again() {
    let server = Served::new(&[]);
    let address = server.address.clone();
    let home = tempfile::tempdir().unwrap();
    let mut child = started(home.path(), &server.url(), &["--keep-going"]);
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "SELECT 'one' AS a;\n{ENDLESS};").unwrap();
    server.works().await;
    drop(server);
    let server = Served::within(home.path(), &["--listen", &address]);
    writeln!(input, "SELECT 'two' AS a;").unwrap();
    drop(input);
    let ended = child.wait_with_output().unwrap();
    let (out, err) =
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert_eq!((ended.status.code(), out.as_str()), (Some(1), "a\none\na\ntwo\n"), "{err}");
    assert!(err.contains("was lost: ") && err.contains("hint: "), "{err}");
    assert!(err.contains("The session on the server is a new one"), "{err}");
    drop(server);
}

#[test]
fn a_session_that_has_ended_is_set_up_again_before_anything_runs() {
    let server = Served::new(&[]);
    let address = server.address.clone();
    let home = tempfile::tempdir().unwrap();
    let zone = ["--set", "datafusion.execution.time_zone=+04:00"];
    let mut child = started(home.path(), &server.url(), &zone);
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let shows = |input: &mut ChildStdin, lines: &mut dyn Iterator<Item = String>| {
        writeln!(input, "SHOW datafusion.execution.time_zone;").unwrap();
        let shown: Vec<String> = lines.take(2).collect();
        assert!(shown[1].contains("+04:00"), "{shown:?}");
        // That there are no more rows is told after them, and nothing shows that it has come.
        std::thread::sleep(std::time::Duration::from_millis(500));
    };
    shows(&mut input, &mut lines);
    drop(server);
    let server = Served::within(home.path(), &["--listen", &address]);
    shows(&mut input, &mut lines);
    drop(server);
    // What changes something does so once.
    let server = Served::within(home.path(), &["--listen", &address]);
    writeln!(input, "CREATE TABLE t AS SELECT 7 AS a;\nSELECT * FROM t;").unwrap();
    drop(input);
    assert_eq!(lines.collect::<Vec<_>>(), ["a", "7"]);
    let ended = child.wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{err}");
    assert_eq!(err.matches("The session on the server is a new one").count(), 2, "{err}");
    drop(server);
}
