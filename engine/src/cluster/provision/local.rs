//! Workers as processes on this machine, for as long as somebody holds them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Provision, WorkerCommand};
use crate::cluster::client::Pool;
use crate::cluster::link::Address;
use crate::cluster::security::Token;
use crate::error::{EngineError, Result};

/// How long workers may take to join.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often is looked whether they have.
const LOOK: Duration = Duration::from_millis(5);

/// What workers on this machine are started with.
#[derive(Debug, Clone)]
pub struct LocalWorkers {
    /// The `strata` command.
    pub program: PathBuf,
    /// Where the scheduler is.
    pub scheduler: Address,
    /// What it asks of them.
    pub token: Token,
    /// How many there are to be.
    pub workers: usize,
    /// How many tasks each runs at once.
    pub cores: usize,
    /// How much memory each may use, in bytes.
    pub memory: u64,
    /// Where they write what does not fit; the system's folder by default.
    pub spill: Option<PathBuf>,
}

/// Processes that end when this is dropped.
#[derive(Debug, Default)]
pub struct Processes(Vec<Child>);

impl LocalWorkers {
    /// Starts them, and waits until all have joined.
    pub async fn start(&self, pool: &Pool) -> Result<Processes> {
        let mut processes = Processes::default();
        for number in 1..=self.workers {
            processes.0.push(self.spawn(number)?);
        }
        let began = Instant::now();
        while pool.workers().await?.len() < self.workers {
            if let Some(error) = processes.broken() {
                return Err(error);
            }
            if began.elapsed() > PATIENCE {
                return Err(EngineError::Pool(format!(
                    "the {} workers did not all start within {} s",
                    self.workers,
                    PATIENCE.as_secs()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(processes)
    }

    fn spawn(&self, number: usize) -> Result<Child> {
        let mut more = vec!["--death-timeout".to_string(), "1s".to_string(), "--quiet".to_string()];
        if let Some(spill) = &self.spill {
            more.extend(["--spill-dir".to_string(), spill.display().to_string()]);
        }
        spawn(&WorkerCommand {
            program: self.program.clone(),
            scheduler: self.scheduler.clone(),
            token: Some(self.token.clone()),
            name: format!("local-{number}"),
            cores: Some(self.cores),
            memory: Some(self.memory.to_string()),
            more,
        })
    }
}

/// Starts workers on this machine, which end with this process.
#[derive(Debug, Default)]
pub struct Local(Mutex<Processes>);

#[async_trait]
impl Provision for Local {
    async fn start(&self, worker: &WorkerCommand) -> Result<()> {
        let mut processes = self.0.lock();
        // Those that have left are no processes any more.
        processes.0.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        processes.0.push(spawn(worker)?);
        Ok(())
    }
}

fn spawn(worker: &WorkerCommand) -> Result<Child> {
    let mut command = Command::new(&worker.program);
    command.args(worker.arguments()).stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(token) = &worker.token {
        command.env("STRATA_TOKEN", token.reveal());
    }
    // Ctrl-C is for whoever started them, who ends their query and keeps them.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|error| {
        EngineError::Pool(format!("cannot start '{}': {error}", worker.program.display()))
    })
}

impl Processes {
    /// The numbers that the system has given them.
    pub fn ids(&self) -> Vec<u32> {
        self.0.iter().map(Child::id).collect()
    }

    fn broken(&mut self) -> Option<EngineError> {
        self.0.iter_mut().find_map(|child| {
            let status = child.try_wait().ok()??;
            Some(EngineError::Pool(format!("a worker ended as it started: {status}")))
        })
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}
