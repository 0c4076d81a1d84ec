//! Pools of workers: what a person sees of them, what happens when parts of them break, and who is let
//! in.

mod ballista;
mod chaos;
mod cut;
mod faults;
mod kills;
mod live;
mod locks;
mod provision;
mod roles;
mod sides;
pub(crate) mod wire;

use std::path::Path;
use std::process::{Command, Stdio};

use datafusion::execution::context::SessionContext;
use strata::RunText;
use strata_engine::{Address, Security, Token};
use strata_tests::command::Killed;
use strata_tests::oracle::Grain;

use crate::tpch::TABLES;

/// Names the TPC-H tables of a folder.
async fn name_tables(session: &SessionContext, data: &Path) {
    for name in TABLES {
        let files = data.join(name);
        let view = format!("CREATE VIEW {name} AS SELECT * FROM '{}/*.parquet'", files.display());
        session.run(&view).await.unwrap();
    }
}

/// TPC-H tables at a scale, in a folder that goes with what is returned.
async fn tpch(scale: f64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_path_buf();
    tokio::task::spawn_blocking(move || crate::tpch::generate(&data, scale)).await.unwrap();
    folder
}

/// Sends a signal to a process, by its number.
pub(crate) fn signal(name: &str, process: u32) {
    let status = std::process::Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "process {process} is gone already");
}

/// What a pool whose processes share a new token asks of callers.
fn locked() -> Security {
    Security { token: Some(Token::random()), tls: None }
}

/// `strata ROLE` for a pool with this lock.
fn role(name: &str, security: &Security) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strata-under-test"));
    command.arg(name).env("STRATA_CONFIG", "").env_remove("STRATA_TOKEN");
    if let Some(token) = &security.token {
        command.env("STRATA_TOKEN", token.reveal());
    }
    command
}

/// A scheduler as a process of its own, with these flags, and where it listens.
fn scheduler(flags: &[&str], security: &Security) -> (Killed, Address) {
    let mut process = role("scheduler", security)
        .args(["--listen", "127.0.0.1:0"])
        .args(flags)
        .stderr(Stdio::piped())
        .spawn()
        .map(Killed)
        .unwrap();
    let mut line = String::new();
    let said = process.0.stderr.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(said), &mut line).unwrap();
    let address = line.trim().strip_prefix("scheduler at ").unwrap().parse().unwrap();
    (process, address)
}

/// A session of this process, to compare a pool's answers with.
fn here() -> SessionContext {
    Grain { batch_size: 8192, partitions: 2 }.session()
}
