//! A scheduler and its executors, each in a process of its own, on ports of loopback that were free.

use std::env;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::Result;

const LOOPBACK: &str = "127.0.0.1";
/// How long a cluster may take until all its executors are there.
const START: Duration = Duration::from_secs(30);
/// How often a process that starts is asked whether it is there.
const ASKED_EVERY: Duration = Duration::from_millis(20);

/// The processes end with this, however it ends.
pub(crate) struct Cluster {
    port: u16,
    processes: Vec<(&'static str, Child)>,
    /// Where executors keep what they exchange. It comes last: they have ended when it is removed.
    folder: TempDir,
}

impl Cluster {
    /// Starts a scheduler and so many executors of so many cores, and waits until they are there.
    pub(crate) async fn start(executors: usize, cores: usize) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("stock-ballista-").tempdir()?;
        let ports = free_ports(1 + 2 * executors)?;
        let (&port, ports) = ports.split_first().ok_or("a cluster has a scheduler")?;
        let mut cluster = Self { port, processes: Vec::new(), folder };
        timeout(START, cluster.start_processes(executors, cores, ports))
            .await
            .map_err(|_| format!("the cluster was not ready within {} s", START.as_secs()))??;
        Ok(cluster)
    }

    async fn start_processes(
        &mut self,
        executors: usize,
        cores: usize,
        ports: &[u16],
    ) -> Result<()> {
        let port = self.port.to_string();
        let (executors, cores) = (executors.to_string(), cores.to_string());
        #[rustfmt::skip]
        let scheduler = [
            "--scheduler-policy", "push-staged",
            "--bind-host", LOOPBACK, "--external-host", LOOPBACK, "--bind-port", &port,
            // Only `/readyz` looks at this.
            "--min-ready-executors", &executors,
        ];
        self.start_process("scheduler", &scheduler)?;
        self.wait_for("/healthz").await?;
        for ports in ports.chunks_exact(2) {
            let [exchange, tasks] = ports else { continue };
            let (exchange, tasks) = (exchange.to_string(), tasks.to_string());
            #[rustfmt::skip]
            let executor = [
                "--task-scheduling-policy", "push-staged", "--vcores", &cores,
                "--scheduler-host", LOOPBACK, "--scheduler-port", &port,
                "--bind-host", LOOPBACK, "--bind-port", &exchange, "--bind-grpc-port", &tasks,
            ];
            self.start_process("executor", &executor)?;
        }
        self.wait_for("/readyz").await
    }

    fn start_process(&mut self, role: &'static str, arguments: &[&str]) -> Result<()> {
        let child = Command::new(env::current_exe()?)
            .arg(role)
            .args(arguments)
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::piped())
            // Ours is for figures.
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        self.processes.push((role, child));
        Ok(())
    }

    /// Waits until the scheduler says yes to a path.
    async fn wait_for(&mut self, path: &str) -> Result<()> {
        while !says_yes(self.port, path).await.unwrap_or(false) {
            for (role, child) in &mut self.processes {
                if let Some(status) = child.try_wait()? {
                    return Err(format!("the {role} did not start: {status}").into());
                }
            }
            sleep(ASKED_EVERY).await;
        }
        Ok(())
    }

    /// Where clients find the scheduler.
    pub(crate) fn url(&self) -> String {
        format!("df://{LOOPBACK}:{}", self.port)
    }

    /// Ends the processes, and waits until they have.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for (_, child) in &mut self.processes {
            child.kill().await?;
        }
        Ok(self.folder.close()?)
    }
}

/// Ports that nobody listens on. All are held at once, so that no two are alike.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let held = (0..count).map(|_| TcpListener::bind((LOOPBACK, 0)));
    let held = held.collect::<std::io::Result<Vec<_>>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// Whether the answer to an HTTP request is a 200.
async fn says_yes(port: u16, path: &str) -> Result<bool> {
    let mut stream = TcpStream::connect((LOOPBACK, port)).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1) == Some("200"))
}
