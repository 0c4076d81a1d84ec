//! Where workers come from: this machine, hosts that are reached by SSH, or whatever a command starts
//! them on. All start the same [`WorkerCommand`]; how many there are to be is decided
//! [elsewhere](adaptive).

mod adaptive;
mod command;
mod local;
mod ssh;

use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;

pub use adaptive::Adaptive;
pub use command::ByCommand;
pub use local::{Local, LocalWorkers, Processes};
pub use ssh::BySsh;

pub(super) use adaptive::{Outlook, adapt};

use super::link::Address;
use super::security::Token;
use crate::error::Result;

/// A way to start workers. They join the scheduler by themselves, and leave when they are asked to.
#[async_trait]
pub trait Provision: Debug + Send + Sync {
    /// Starts one.
    async fn start(&self, worker: &WorkerCommand) -> Result<()>;
}

/// What is to run, wherever it runs.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The `strata` command, as it is called there.
    pub program: PathBuf,
    /// Where the scheduler is, as seen from there.
    pub scheduler: Address,
    /// What the scheduler asks for.
    pub token: Option<Token>,
    /// What people call the worker.
    pub name: String,
    /// How many tasks it runs at once; one a core where that is left open.
    pub cores: Option<usize>,
    /// What it may use of the memory, as `--memory` takes it.
    pub memory: Option<String>,
    /// What else it is told.
    pub more: Vec<String>,
}

impl WorkerCommand {
    /// The arguments of the program. The token is none of them: others on a machine see those.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["worker".to_string()];
        let mut add = |flag: &str, value: String| arguments.extend([flag.to_string(), value]);
        add("--scheduler", self.scheduler.to_string());
        add("--name", self.name.clone());
        if let Some(cores) = self.cores {
            add("--cores", cores.to_string());
        }
        if let Some(memory) = &self.memory {
            add("--memory", memory.clone());
        }
        arguments.extend(self.more.iter().cloned());
        arguments
    }

    /// The program and its arguments as one line of a POSIX shell.
    pub fn line(&self) -> String {
        let program = self.program.display().to_string();
        let words = std::iter::once(program).chain(self.arguments());
        words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_a_shell_must_not_touch_and_no_secret() {
        let worker = WorkerCommand {
            program: "/opt/my tools/strata".into(),
            scheduler: "head:50050".parse().unwrap(),
            token: Some(Token::new("a-secret-of-sixteen").unwrap()),
            name: "it's; rm -rf /".to_string(),
            cores: Some(4),
            memory: Some("70%".to_string()),
            more: vec!["--set".to_string(), "spill.directory=/scratch".to_string()],
        };
        assert_eq!(
            worker.line(),
            r"'/opt/my tools/strata' worker --scheduler head:50050 --name 'it'\''s; rm -rf /' \
              --cores 4 --memory 70% --set spill.directory=/scratch"
                .replace("\\\n              ", "")
        );
        let said = std::process::Command::new("sh")
            .args(["-c", &format!("printf '%s\\n' {}", worker.line())])
            .output()
            .unwrap();
        let words: Vec<_> =
            String::from_utf8(said.stdout).unwrap().lines().map(str::to_string).collect();
        assert_eq!(words.get(1..), Some(worker.arguments().as_slice()));
    }
}
