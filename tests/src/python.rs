//! Other engines, by way of Python: DuckDB as an oracle, pyarrow as a reader of files.
//!
//! Whoever has no Python with them skips these tests, and is told so; where nothing may be skipped,
//! `STRATA_REQUIRE_ALL=1` makes that a failure.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::skip::skipped;

/// A Python that has a package.
#[derive(Debug, Clone)]
pub struct Python {
    program: PathBuf,
    package: String,
}

/// A Python with this package: `$STRATA_PYTHON`, else `python3`. Says what is skipped where there
/// is none.
pub fn python_with(package: &str) -> Option<Python> {
    python_named("STRATA_PYTHON", package)
}

/// The same, where another variable says which Python it is.
pub fn python_named(variable: &str, package: &str) -> Option<Python> {
    let chosen = std::env::var_os(variable).map(PathBuf::from);
    for program in chosen.into_iter().chain([PathBuf::from("python3")]) {
        let imported = Command::new(&program)
            .args(["-c", &format!("import {package}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if imported.is_ok_and(|status| status.success()) {
            return Some(Python { program, package: package.to_string() });
        }
    }
    skipped(&format!(
        "no Python has '{package}'; install it (pip install {package}), or name a Python that has it \
         in {variable}"
    ));
    None
}

impl Python {
    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// One answer for each question, all asked in one process: SQL for DuckDB, a path for pyarrow.
    pub fn ask(&self, setup: &[String], questions: &[String]) -> Vec<Result<Answer, String>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/answers.py");
        let task = json!({ "engine": self.package, "setup": setup, "questions": questions });
        let mut child = Command::new(&self.program)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} did not answer: {complaint}", self.package);
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers.len(), questions.len());
        answers
            .iter()
            .map(|answer| match answer.get("error").and_then(Value::as_str) {
                Some(error) => Err(error.to_string()),
                None => Ok(Answer::from_json(answer)),
            })
            .collect()
    }
}
