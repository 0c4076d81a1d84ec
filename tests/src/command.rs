//! The `strata` command as a child process, with a home of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The command, kept from this machine's settings.
pub fn strata(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("HOME", home)
        .env("STRATA_CONFIG", "")
        .env("XDG_STATE_HOME", home.join("state"))
        .env_remove("PAGER")
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a run took and said.
#[derive(Debug)]
pub struct Ran {
    /// How it ended, and what it said.
    pub output: Output,
    /// The most memory it had, in bytes.
    pub peak: u64,
}

/// Runs the command to its end and reads its peak memory.
pub fn run_for_peak(mut command: Command, home: &Path) -> Ran {
    let report: PathBuf = home.join("peak");
    let output = command.env("STRATA_TEST_PEAK", &report).output().unwrap();
    let kib: u64 = std::fs::read_to_string(&report).unwrap().trim().parse().unwrap();
    Ran { output, peak: kib << 10 }
}

/// A child that does not outlive the test.
#[derive(Debug)]
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
