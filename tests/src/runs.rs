//! Runs of the real binary that always end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Longer than any run may take on a busy machine: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// What a run of the binary came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// The first line of each error.
    pub fn errors(&self) -> Vec<&str> {
        self.err.lines().filter(|line| line.starts_with("error:")).collect()
    }
}

/// The binary, kept from this machine's settings, history and credentials.
pub fn command(binary: &str, home: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") || name.starts_with("STRATA_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("XDG_STATE_HOME", home.join("state")).env("STRATA_CONFIG", "");
    command.env("RUST_BACKTRACE", "0").env_remove("NO_COLOR").env_remove("PAGER");
    command.current_dir(home);
    command
}

/// Runs it to its end, with something to read.
pub fn run(mut command: Command, args: &[&str], input: &str) -> Ran {
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it reads");
    let input = input.to_string();
    std::thread::spawn(move || {
        // Whoever does not read its input may have left.
        let _ = stdin.write_all(input.as_bytes());
    });
    let what = args.join(" ").chars().take(300).collect::<String>();
    let output = within(&what, move || child.wait_with_output().expect("it ends"));
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The result of something that must end.
pub fn within<T: Send + 'static>(name: &str, what: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(what()));
    match receiver.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name} hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{name} panics"),
    }
}
