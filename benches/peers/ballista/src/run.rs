//! Runs queries on a cluster and prints a line of JSON for each:
//! `{"error":null,"query":"q01","rows":4,"seconds":[0.21,0.19]}`. A repeat that failed, and those
//! after it, are `null`; `rows` is, too, then, and `error` says why.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ballista::prelude::SessionContextExt;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::Result;
use crate::cluster::Cluster;
use crate::tables::tables;

/// Time queries on a scheduler and executors of their own
#[derive(clap::Args)]
pub(crate) struct Run {
    /// The folder of tables: each a folder of Parquet files, or a file NAME.parquet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Files that hold a query each
    #[arg(required = true, value_name = "FILE")]
    queries: Vec<PathBuf>,
    /// How often each query is run
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeats: usize,
    /// How many executors there are
    #[arg(long, value_name = "N", default_value_t = 2)]
    executors: usize,
    /// The cores of each executor
    #[arg(long, value_name = "N", default_value_t = 1)]
    cores: usize,
    /// Give a query up after so many seconds
    #[arg(long, value_name = "S", default_value_t = 120)]
    timeout: u64,
    /// Change a setting of the session, all of which are Ballista's defaults otherwise; may be given
    /// again
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

/// What came of a query.
#[derive(Default)]
struct Outcome {
    seconds: Vec<Option<f64>>,
    rows: Option<usize>,
    error: Option<String>,
}

impl Run {
    /// Runs all queries; ends early, and with it all processes, when told to by a signal.
    pub(crate) async fn run(&self) -> Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            done = self.ask_all() => done,
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("told to end".into()),
        }
    }

    async fn ask_all(&self) -> Result<()> {
        let tables = tables(&self.data)?;
        let mut running = None;
        for path in &self.queries {
            let sql = fs::read_to_string(path)
                .map_err(|error| format!("'{}': {error}", path.display()))?;
            let (cluster, session) = match running.take() {
                Some(running) => running,
                None => self.start(&tables).await?,
            };
            let outcome = self.repeat(&session, &sql).await;
            let line = json!({
                "query": path.file_stem().map(|stem| stem.to_string_lossy()),
                "seconds": outcome.seconds,
                "rows": outcome.rows,
                "error": outcome.error,
            });
            println!("{line}");
            if outcome.error.is_none() {
                running = Some((cluster, session));
            } else {
                // Tasks of a query that was given up would slow down the next one.
                cluster.stop().await?;
            }
        }
        match running {
            Some((cluster, _)) => cluster.stop().await,
            None => Ok(()),
        }
    }

    /// A cluster, and a session on it that knows the tables.
    async fn start(&self, tables: &[(String, String)]) -> Result<(Cluster, SessionContext)> {
        let cluster = Cluster::start(self.executors, self.cores).await?;
        let session = SessionContext::remote(&cluster.url()).await?;
        for (name, value) in &self.settings {
            session.sql(&format!("SET {name} = '{value}'")).await?;
        }
        for (name, place) in tables {
            session
                .register_parquet(name, place, ParquetReadOptions::default())
                .await
                .map_err(|error| format!("table '{name}': {error}"))?;
        }
        Ok((cluster, session))
    }

    async fn repeat(&self, session: &SessionContext, sql: &str) -> Outcome {
        let mut outcome = Outcome::default();
        for _ in 0..self.repeats {
            let start = Instant::now();
            let rows = self.ask(session, sql).await;
            let seconds = start.elapsed().as_secs_f64();
            match rows {
                Ok(rows) if outcome.rows.is_none_or(|before| before == rows) => {
                    outcome.rows = Some(rows);
                    outcome.seconds.push(Some(seconds));
                    continue;
                }
                Ok(rows) => outcome.error = Some(format!("now {rows} rows, other than before")),
                Err(error) => outcome.error = Some(error.to_string()),
            }
            outcome.rows = None;
            outcome.seconds.resize(self.repeats, None);
            break;
        }
        outcome
    }

    /// The rows of the answer, all of which are in memory then.
    async fn ask(&self, session: &SessionContext, sql: &str) -> Result<usize> {
        let (session, sql) = (session.clone(), sql.to_owned());
        // On a task of its own, so that a panic of the client is an error and a plan that takes its
        // time does not keep the clock from being looked at.
        let mut asked = tokio::spawn(async move { session.sql(&sql).await?.collect().await });
        match timeout(Duration::from_secs(self.timeout), &mut asked).await {
            Ok(batches) => Ok(batches??.iter().map(|batch| batch.num_rows()).sum()),
            Err(_) => {
                asked.abort();
                Err(format!("no answer within {} s", self.timeout).into())
            }
        }
    }
}

fn setting(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
