//! `strata serve` as its clients see it: arrow-flight's own client in Rust, ADBC in Python, and those who mean ill.

mod adbc;
mod bad;
mod cancel;
mod changes;
mod drivers;
mod endpoints;
mod fuzz;
mod ingest;
mod limits;
mod locked;
mod metadata;
mod prepared;
mod queries;
mod sessions;
mod shell;
mod soak;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::array::cast::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::{Action, FlightInfo};
use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// What a server is started with that stands in front of two workers, which run even the smallest query.
const POOL: [&str; 6] = ["--workers", "2", "--memory", "1500MiB", "--set", "pool.small=0B"];

/// Minutes of work.
const ENDLESS: &str =
    "SELECT sum(a.value % 7 + b.value) FROM range(0, 3000000) a, range(0, 3000000) b";

type Client = FlightSqlServiceClient<Channel>;

/// A server of the real binary, which ends with the test.
struct Served {
    home: Option<TempDir>,
    child: Child,
    address: String,
    said: Arc<Mutex<String>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let said = self.said.lock().unwrap();
        assert!(std::thread::panicking() || !said.contains("panicked"), "{said}");
    }
}

impl Served {
    fn new(args: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let all = [&["--listen", "127.0.0.1:0"], args].concat();
        let mut served = Self::within(home.path(), &all);
        served.home = Some(home);
        served
    }

    /// In a folder that is there.
    fn within(home: &Path, args: &[&str]) -> Self {
        let mut command = crate::strata(home);
        command.arg("serve").args(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("{}", said.lock().unwrap())).unwrap();
            if let Some((_, address)) =
                line.split_once("serving at ").and_then(|(_, url)| url.split_once("://"))
            {
                break address.to_string();
            }
            said.lock().unwrap().push_str(&line);
        };
        let told = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { home: None, child, address, said }
    }

    fn folder(&self) -> &Path {
        self.home.as_ref().unwrap().path()
    }

    async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    async fn client(&self) -> Client {
        let client = FlightServiceClient::new(self.channel().await);
        // What is cut fits into the usual 4 MiB; a tensor is not cut.
        FlightSqlServiceClient::new_from_inner(client.max_decoding_message_size(300 << 20))
    }

    /// Waits until the process has ended by itself.
    fn ends(mut self) {
        for _ in 0..300 {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("it goes on");
    }

    /// Memory of the process now, in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// What the process and its workers have computed so far, in hundredths of a second.
    fn computed(&self) -> u64 {
        let own = computed_by(self.child.id());
        own + self.workers().into_iter().map(computed_by).sum::<u64>()
    }

    /// The processes that it has started, from whichever of its threads.
    fn workers(&self) -> Vec<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let children = threads.filter_map(|thread| {
            std::fs::read_to_string(thread.ok()?.path().join("children")).ok()
        });
        children
            .flat_map(|ids| {
                ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Waits until something is computed.
    async fn works(&self) {
        let (before, began) = (self.computed(), Instant::now());
        while self.computed() < before + 50 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is computed");
        }
    }

    /// Waits until nothing is computed any more.
    async fn rests(&self) {
        let began = Instant::now();
        let mut before = self.computed();
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = self.computed();
            if now.saturating_sub(before) <= 3 {
                return;
            }
            before = now;
            assert!(began.elapsed() < Duration::from_secs(60), "it goes on computing");
        }
    }
}

fn computed_by(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    number(11) + number(12)
}

/// The rows of a result.
async fn fetch(client: &mut Client, info: FlightInfo) -> Result<Vec<RecordBatch>, String> {
    let mut all = Vec::new();
    for endpoint in info.endpoint {
        assert!(endpoint.location.is_empty(), "no address leaks");
        let rows =
            client.do_get(endpoint.ticket.unwrap()).await.map_err(|error| error.to_string())?;
        all.extend(rows.try_collect::<Vec<_>>().await.map_err(|error| error.to_string())?);
    }
    Ok(all)
}

/// The rows of a statement.
async fn run(client: &mut Client, text: &str) -> Result<Vec<RecordBatch>, String> {
    let info = client.execute(text.to_string(), None).await.map_err(|error| error.to_string())?;
    fetch(client, info).await
}

/// The one whole number of a statement.
async fn number(client: &mut Client, text: &str) -> i64 {
    let batches = run(client, text).await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

/// What an action is answered with.
async fn act(client: &mut Client, name: &str, body: Vec<u8>) -> Result<Vec<Bytes>, Status> {
    let asked = client.do_action(Action::new(name, body)).await;
    let results = asked.map_err(|error| match error {
        FlightError::Tonic(status) => *status,
        other => panic!("{name}: {other}"),
    })?;
    results.map_ok(|result| result.body).try_collect().await
}

/// The texts of a column.
fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let columns =
        batches.iter().map(|batch| batch.column_by_name(column).unwrap().as_string::<i32>());
    columns.flat_map(|column| column.iter().flatten().map(str::to_string)).collect()
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}
