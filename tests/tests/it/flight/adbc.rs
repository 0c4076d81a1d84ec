//! Python's ADBC driver, with everything that its users touch, and SQLAlchemy over it: scripts in `tests/python` ask, and
//! compare.

use std::path::Path;
use std::process::{Command, Stdio};

use strata_tests::python::python_with;

use super::{POOL, Served};

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

const ALL: [&str; 11] = [
    "languages",
    "parameters",
    "updates",
    "ingest",
    "metadata",
    "whole",
    "frames",
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
    ask(&Served::new(&POOL), &ALL);
}

#[test]
fn sqlalchemy_is_answered_alone_and_by_a_pool() {
    let Some(python) = python_with("sqlalchemy_adbc") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/sqlalchemy_client.py");
    for args in [&[][..], &POOL] {
        let server = Served::new(args);
        let mut command = Command::new(python.program());
        let output =
            command.arg(&script).arg(&server.address).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && output.stdout.starts_with(b"ok"), "{said}");
    }
}

#[test]
fn adbc_cancels() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for args in [&[][..], &POOL] {
        let server = Served::new(args);
        ask(&server, &["cancel"]);
        runtime.block_on(server.rests());
    }
}
