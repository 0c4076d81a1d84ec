//! Runs the binary and collects what it says, always within a time.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// More than any of these runs may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The binary, kept from this machine's settings and history.
pub(crate) fn strata(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
    command.env("HOME", home).env("STRATA_CONFIG", "").env("XDG_STATE_HOME", home.join("state"));
    command.env_remove("NO_COLOR").env_remove("PAGER").current_dir(home);
    command
}

/// Runs the binary in a folder of its own.
pub(crate) fn run(args: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    run_in(home.path(), args, "")
}

/// Runs the binary in a folder with something to read.
pub(crate) fn run_in(home: &Path, args: &[&str], input: &str) -> Ran {
    let mut command = strata(home);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_string();
    std::thread::spawn(move || {
        // Whoever does not read its input may have left.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = within(move || child.wait_with_output().unwrap());
    collect(output)
}

pub(crate) fn collect(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The result of something that must end in time.
pub(crate) fn within<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(what()));
    receiver.recv_timeout(LIMIT).expect("it takes too long")
}
