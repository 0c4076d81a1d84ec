//! Python's ADBC driver, with everything that its users touch: `tests/python/flight.py` asks, and compares.

use std::path::Path;
use std::process::{Command, Stdio};

use strata_tests::python::python_with;

use super::Served;

/// Runs parts of the script against a server.
fn ask(server: &Served, parts: &[&str]) {
    let Some(python) = python_with("adbc_driver_flightsql") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/flight.py");
    let output = Command::new(python.program())
        .arg(script)
        .arg(format!("grpc://{}", server.address))
        .arg(server.folder())
        .args(parts)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for part in parts {
        assert!(out.contains(&format!("{part} ok")), "{out}\n{err}");
    }
}

const ALL: [&str; 9] = [
    "languages",
    "parameters",
    "updates",
    "ingest",
    "metadata",
    "options",
    "partitions",
    "tensors",
    "errors",
];

#[test]
fn everything_that_adbc_asks_is_answered() {
    ask(&Served::new(&[]), &ALL);
}

#[test]
fn adbc_is_answered_by_a_pool() {
    let pool = ["--workers", "2", "--memory", "1500MiB", "--set", "pool.small=0B"];
    ask(&Served::new(&pool), &["languages", "parameters", "updates", "ingest", "tensors"]);
}

#[test]
fn adbc_cancels() {
    let server = Served::new(&[]);
    ask(&server, &["cancel"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(server.rests());
}
