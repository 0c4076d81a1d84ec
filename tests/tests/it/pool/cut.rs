//! The network between two workers, cut so that neither is told: packets leave and none arrives.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use strata_tests::command::Killed;
use strata_tests::oracle::answer;
use strata_tests::pool::TestPool;
use strata_tests::skip::skipped;

use super::{here, name_tables, role, tpch};

/// How long a silent peer is waited for: it is asked after two seconds and has two to answer.
const SILENCE: Duration = Duration::from_secs(4);
/// What a busy machine takes beyond what is promised.
const SLACK: Duration = Duration::from_secs(8);

/// Two network namespaces, each joined to this one, and to each other by a link that can be cut.
struct Network {
    names: [String; 2],
    /// The second number of all addresses.
    net: u32,
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&["netns", "del", name]);
        }
    }
}

/// Runs `ip`; its complaint where it fails.
fn ip(words: &[&str]) -> Result<(), String> {
    let ran = Command::new("ip").args(words).stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| format!("ip: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&ran.stderr).trim()))
}

impl Network {
    /// None, and why, where this machine or this user may not have one.
    fn build() -> Option<Self> {
        let process = std::process::id();
        let net = 1 + process % 250;
        let names = [1, 2].map(|side| format!("strata-{process}-{side}"));
        let network = Self { names, net };
        match network.join() {
            Ok(()) => Some(network),
            Err(reason) => {
                skipped(&format!("no network namespaces here (iproute2, as root): {reason}"));
                None
            }
        }
    }

    fn join(&self) -> Result<(), String> {
        let Self { names: [one, two], net } = self;
        for (name, side) in [(one, 1), (two, 2)] {
            let outer = format!("sv{net}x{side}");
            ip(&["netns", "add", name])?;
            ip(&["link", "add", &outer, "type", "veth", "peer", "name", "main", "netns", name])?;
            ip(&["addr", "add", &format!("10.{net}.{side}.1/24"), "dev", &outer])?;
            ip(&["link", "set", &outer, "up"])?;
            ip(&["-n", name, "addr", "add", &format!("{}/24", self.host(side)), "dev", "main"])?;
            ip(&["-n", name, "link", "set", "main", "up"])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
        }
        ip(&[
            "-n", one, "link", "add", "side", "type", "veth", "peer", "name", "side", "netns", two,
        ])?;
        for (name, side, other) in [(one, 1, 2), (two, 2, 1)] {
            ip(&["-n", name, "addr", "add", &format!("{}/24", self.beside(side)), "dev", "side"])?;
            ip(&["-n", name, "link", "set", "side", "up"])?;
            ip(&["-n", name, "route", "add", &self.host(other), "via", &self.beside(other)])?;
        }
        Ok(())
    }

    /// Where a worker serves, from wherever it is asked.
    fn host(&self, side: u32) -> String {
        format!("10.{}.{side}.2", self.net)
    }

    /// Its end of the link between the two.
    fn beside(&self, side: u32) -> String {
        format!("10.{}.3.{side}", self.net)
    }

    /// From now on, what one sends to the other goes to a machine that is not there.
    fn cut(&self) {
        for (name, other) in self.names.iter().zip([2, 1]) {
            let nobody = "02:00:00:00:00:99";
            let other = self.beside(other);
            let to = ["lladdr", nobody, "dev", "side", "nud", "permanent"];
            ip(&[&["-n", name, "neigh", "replace", &other][..], &to].concat()).unwrap();
        }
    }

    fn mend(&self) {
        for (name, other) in self.names.iter().zip([2, 1]) {
            ip(&["-n", name, "neigh", "del", &self.beside(other), "dev", "side"]).unwrap();
        }
    }

    fn worker(&self, side: u32, pool: &TestPool) -> Killed {
        let port = pool.scheduler.to_string();
        let port = port.rsplit_once(':').unwrap().1;
        let strata = role("worker", &pool.security);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[side as usize - 1]]);
        command.arg(strata.get_program()).args(strata.get_args());
        command.args(["--scheduler", &format!("10.{}.{side}.1:{port}", self.net)]);
        command.args(["--listen", "0.0.0.0:0", "--host", &self.host(side)]);
        command.args(["--cores", "1", "--memory", "512MiB", "--quiet"]);
        for (name, value) in strata.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Killed(command.spawn().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_cannot_reach_each_other_change_no_answer() {
    let Some(network) = Network::build() else { return };
    let data = tpch(0.05).await;
    let pool = TestPool::listening(Ipv4Addr::UNSPECIFIED, Duration::from_secs(2)).await;
    let _workers = [1, 2].map(|side| network.worker(side, &pool));
    let began = Instant::now();
    while pool.pool.workers().await.unwrap().len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(20), "the workers do not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (here, session) = (here(), pool.session(&[]));
    name_tables(&here, data.path()).await;
    name_tables(&session, data.path()).await;
    let text = &crate::tpch::queries()[4].1;
    let expected = answer(&here, text).await.unwrap();
    let began = Instant::now();
    assert!(answer(&session, text).await.unwrap().difference(&expected, false).is_none());
    let undisturbed = began.elapsed();
    // Cut before the query, while it is planned, and while it runs.
    for delay in [0, 20, 60, 150] {
        let began = Instant::now();
        let cut = async {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            network.cut();
        };
        let (got, ()) = tokio::join!(answer(&session, text), cut);
        assert!(got.unwrap().difference(&expected, false).is_none(), "cut after {delay} ms");
        let took = began.elapsed();
        assert!(took < SILENCE + 3 * undisturbed + SLACK, "{took:?}, cut after {delay} ms");
        // Neither was lost, and when they reach each other again, they work together again.
        network.mend();
        assert_eq!(pool.pool.workers().await.unwrap().len(), 2);
        assert!(answer(&session, text).await.unwrap().difference(&expected, false).is_none());
    }
}
