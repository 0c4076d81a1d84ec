//! Workers that a command starts: `sbatch --wrap "{worker}"`, `kubectl run …`, or any other. The command
//! ends when the worker is on its way, or stays for as long as the worker does.

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::process::Command;

use super::{Provision, WorkerCommand};
use crate::error::{EngineError, Result};

/// A command that fails within this has not started a worker.
const FAILS_WITHIN: Duration = Duration::from_secs(5);
/// What stands for the worker's own command line.
const WORKER: &str = "{worker}";
/// What stands for the worker's name.
const NAME: &str = "{name}";

/// Starts workers by a line of shell.
#[derive(Debug, Clone)]
pub struct ByCommand {
    template: String,
}

impl ByCommand {
    /// Takes a template that has `{worker}` where the worker's command line goes, and perhaps `{name}`.
    pub fn new(template: &str) -> Result<Self> {
        if !template.contains(WORKER) {
            return Err(EngineError::Pool(format!(
                "the command '{template}' does not say where the worker goes: write {WORKER} there"
            )));
        }
        Ok(Self { template: template.to_string() })
    }
}

#[async_trait]
impl Provision for ByCommand {
    async fn start(&self, worker: &WorkerCommand) -> Result<()> {
        let line = self.template.replace(WORKER, &worker.line()).replace(NAME, &worker.name);
        let mut command = Command::new("sh");
        command.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::null());
        if let Some(token) = &worker.token {
            command.env("STRATA_TOKEN", token.reveal());
        }
        watched(command, &self.template).await
    }
}

/// Runs a command that may stay; an error if it fails soon.
pub(super) async fn watched(mut command: Command, what: &str) -> Result<()> {
    let failed =
        |reason: String| EngineError::Pool(format!("'{what}' started no worker: {reason}"));
    let mut child =
        command.stderr(Stdio::piped()).spawn().map_err(|error| failed(error.to_string()))?;
    let mut said = child.stderr.take();
    match tokio::time::timeout(FAILS_WITHIN, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => {
            let mut text = String::new();
            if let Some(said) = &mut said {
                // What it said is of use, and nothing more than that.
                let _ = tokio::io::AsyncReadExt::read_to_string(said, &mut text).await;
            }
            let last = text.lines().last().unwrap_or("it said nothing").to_string();
            Err(failed(format!("{status}: {last}")))
        }
        Ok(Err(error)) => Err(failed(error.to_string())),
        // It runs: nobody waits for it, and what it says is read so that it never blocks.
        Err(_) => {
            tokio::spawn(async move {
                if let Some(mut said) = said {
                    let _ = tokio::io::copy(&mut said, &mut tokio::io::sink()).await;
                }
                let _ = child.wait().await;
            });
            Ok(())
        }
    }
}
