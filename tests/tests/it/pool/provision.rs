//! Workers that come and go: on this machine, over a real sshd, and by a command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use strata_engine::Pool;
use strata_tests::command::Killed;
use strata_tests::oracle::answer;
use strata_tests::skip::skipped;

use super::{here, locked, scheduler};

/// A scheduler with these flags, and a pool of it.
struct Started {
    _scheduler: Killed,
    pool: std::sync::Arc<Pool>,
}

impl Drop for Started {
    fn drop(&mut self) {
        // Those that were not started by this machine's scheduler leave when it is gone.
        let _ = self._scheduler.0.kill();
    }
}

async fn start(flags: &[&str]) -> Started {
    let mut all = vec!["--worker-arg=--death-timeout=1s", "--worker-arg=--quiet"];
    all.extend(["--worker-cores", "1", "--worker-memory", "512MiB"]);
    all.extend(flags);
    let security = locked();
    let (scheduler, address) = scheduler(&all, &security);
    let pool = Pool::find(address, security).await.unwrap();
    Started { _scheduler: scheduler, pool }
}

impl Started {
    async fn workers(&self) -> Vec<String> {
        self.pool.workers().await.unwrap().into_iter().map(|worker| worker.name).collect()
    }

    async fn until(&self, wanted: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let workers = self.workers().await;
            if workers.len() == wanted {
                return workers;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{workers:?}, not {wanted} workers");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn answers(&self) {
        let mut settings = strata::Settings::default();
        settings.set("pool.small", "0B", strata_engine::Origin::Session).unwrap();
        let session = strata::session_on(self.pool.clone(), settings).unwrap();
        let here = here();
        let text = "SELECT value % 5 AS k, count(*) AS n FROM range(0, 100000) GROUP BY ALL";
        let (there, here) = (answer(&session, text).await, answer(&here, text).await);
        assert!(there.unwrap().difference(&here.unwrap(), false).is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_starts_with_work_and_ends_without() {
    let pool = start(&["--max-workers", "2", "--target", "100ms", "--idle", "500ms"]).await;
    assert!(pool.workers().await.is_empty());
    // The first query waits for the worker that it calls for.
    pool.answers().await;
    assert!(!pool.workers().await.is_empty());
    pool.until(0).await;
    pool.answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_queries_does_not_make_the_pool_bounce() {
    let pool =
        start(&["--min-workers", "1", "--max-workers", "3", "--target", "200ms", "--idle", "5s"])
            .await;
    pool.until(1).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let queries = (0..4).map(|_| pool.answers());
        futures::future::join_all(queries).await;
        seen.extend(pool.workers().await);
        tokio::time::sleep(Duration::from_millis(600)).await;
        seen.extend(pool.workers().await);
    }
    // Whoever was started was started once.
    assert!(seen.len() <= 3, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_starts_workers() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("started");
    let line = format!("echo {{name}} >> {}; {{worker}} &", log.display());
    let pool =
        start(&["--min-workers", "2", "--max-workers", "2", "--provision-command", &line]).await;
    let workers = pool.until(2).await;
    pool.answers().await;
    let log = std::fs::read_to_string(log).unwrap();
    assert!(workers.iter().all(|worker| log.contains(worker)), "{workers:?} {log}");

    let home = tempfile::tempdir().unwrap();
    let flags = ["scheduler", "--max-workers", "1", "--provision-command", "sbatch"];
    let ran = crate::run_in(home.path(), &flags, "");
    assert!(ran.err.contains("{worker}"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_starts_workers_on_hosts() {
    let Some(sshd) = Sshd::start() else { return };
    let ssh = sshd.client();
    let pool = start(&[
        "--min-workers",
        "2",
        "--max-workers",
        "2",
        "--provision-ssh",
        "127.0.0.1,localhost",
        "--ssh",
        &ssh,
    ])
    .await;
    let workers = pool.until(2).await;
    pool.answers().await;
    // The token is not among the arguments, which everyone on a host can read.
    for worker in pool.pool.workers().await.unwrap() {
        let arguments = std::fs::read(format!("/proc/{}/cmdline", worker.process)).unwrap();
        assert!(!String::from_utf8_lossy(&arguments).contains("TOKEN"), "{workers:?}");
    }
}

/// A server of this test's own.
struct Sshd {
    _process: Killed,
    folder: tempfile::TempDir,
    port: u16,
}

impl Sshd {
    /// None, and why, where there is no sshd.
    fn start() -> Option<Self> {
        let found = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
        let Some(program) = found.map(PathBuf::from).into_iter().find(|path| path.exists()) else {
            skipped("there is no sshd here; install openssh-server");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for key in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(file(key))
                .status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(file("user.pub"), file("authorized")).unwrap();
        // Where it runs as root, it asks for this folder.
        let _ = std::fs::create_dir_all("/run/sshd");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\n\
             StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin yes\n",
            file("host").display(),
            file("authorized").display()
        );
        std::fs::write(file("config"), config).unwrap();
        let process = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(file("config"))
            .stderr(Stdio::null())
            .spawn()
            .map(Killed)
            .unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "sshd does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { _process: process, folder, port })
    }

    /// The ssh that reaches it.
    fn client(&self) -> String {
        let key: &Path = &self.folder.path().join("user");
        format!(
            "ssh -p {} -i {} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
             -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -F /dev/null",
            self.port,
            key.display()
        )
    }
}
