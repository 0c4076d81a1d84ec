//! Pools of workers: what a person sees of them, what happens when parts of them break, and who is let
//! in.

mod ballista;
mod faults;
mod kills;
mod locks;
mod provision;
mod roles;
mod wire;

use std::path::Path;

use datafusion::execution::context::SessionContext;
use strata::RunText;

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
fn signal(name: &str, process: u32) {
    let status = std::process::Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "process {process} is gone already");
}

/// The first line that a process writes.
fn first_line(from: impl std::io::Read) -> String {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(from), &mut line).unwrap();
    line
}
