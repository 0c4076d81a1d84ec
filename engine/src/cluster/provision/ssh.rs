//! Workers on hosts that are reached by the system's `ssh`: its configuration, keys and agent are the
//! user's own. The token goes by standard input, where nobody on the host sees it.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Provision, WorkerCommand};
use crate::error::{EngineError, Result};

/// Starts workers on hosts, one after the other in turn.
#[derive(Debug)]
pub struct BySsh {
    /// `ssh` and its options.
    ssh: Vec<String>,
    hosts: Vec<String>,
    next: AtomicUsize,
}

impl BySsh {
    /// Takes the hosts, as `ssh` takes them, and `ssh` with its options.
    pub fn new(hosts: Vec<String>, ssh: &str) -> Result<Self> {
        let refused = |reason: &str| Err(EngineError::Pool(format!("the hosts for SSH: {reason}")));
        if hosts.is_empty() {
            return refused("there are none");
        }
        // A host that looks like an option is one to ssh.
        if hosts.iter().any(|host| host.is_empty() || host.starts_with('-')) {
            return refused("a host has no name, or one that begins with -");
        }
        let ssh: Vec<String> = ssh.split_whitespace().map(str::to_string).collect();
        if ssh.is_empty() {
            return refused("the command for ssh is empty");
        }
        Ok(Self { ssh, hosts, next: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Provision for BySsh {
    async fn start(&self, worker: &WorkerCommand) -> Result<()> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.hosts.len();
        let (Some(host), Some((ssh, options))) = (self.hosts.get(turn), self.ssh.split_first())
        else {
            return Ok(());
        };
        // The worker outlives the connection: the scheduler asks it to leave.
        let line = format!(
            "IFS= read -r STRATA_TOKEN; export STRATA_TOKEN; \
             nohup {} </dev/null >/dev/null 2>&1 &",
            worker.line()
        );
        let failed = |reason: String| {
            EngineError::Pool(format!("no worker was started on '{host}': {reason}"))
        };
        let mut child = Command::new(ssh)
            .args(options)
            .args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            let token = worker.token.as_ref().map_or("", |token| token.reveal());
            let sent = stdin.write_all(format!("{token}\n").as_bytes()).await;
            // Whoever did not read it says why below.
            drop(sent);
        }
        let ended = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
        if ended.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        Err(failed(said.lines().last().unwrap_or("ssh said nothing").to_string()))
    }
}
