//! Many clients at once, each with a connection and a session of its own, each sending the next small query when the
//! one before is answered.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::fetch::read;
use super::{Asked, Client};
use crate::arrays::Result;

/// Many sessions.
#[derive(Debug, Args)]
pub struct Many {
    #[command(flatten)]
    asked: Asked,
    /// How many.
    #[arg(long, default_value_t = 200)]
    sessions: usize,
    /// For how long.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// What they ask for in turn; may be given again.
    #[arg(long = "query", default_value = "SELECT 1")]
    queries: Vec<String>,
}

#[derive(Default)]
struct Seen {
    seconds: Vec<f64>,
    errors: usize,
    first: Option<String>,
}

impl Many {
    /// All connect first, and begin together.
    pub(super) async fn run(self) -> Result<()> {
        let mut clients = Vec::with_capacity(self.sessions);
        for at in 0..self.sessions {
            clients.push(self.asked.connect(Some(&format!("bench{at}"))).await?);
        }
        let began = Instant::now();
        let until = began + Duration::from_secs_f64(self.seconds);
        let tasks = clients
            .into_iter()
            .enumerate()
            .map(|(at, client)| tokio::spawn(ask(client, self.queries.clone(), at, until)));
        let mut all = Seen::default();
        for task in tasks.collect::<Vec<_>>() {
            let seen = task.await?;
            all.seconds.extend(seen.seconds);
            all.errors += seen.errors;
            all.first = all.first.or(seen.first);
        }
        let took = began.elapsed().as_secs_f64();
        all.seconds.sort_by(f64::total_cmp);
        let share = |share: f64| {
            let at = (all.seconds.len() as f64 * share) as usize;
            all.seconds.get(at.min(all.seconds.len().saturating_sub(1))).copied()
        };
        let told = json!({
            "queries": all.seconds.len(),
            "errors": all.errors,
            "error": all.first,
            "seconds": took,
            "p50": share(0.5),
            "p99": share(0.99),
            "most": share(1.0),
        });
        println!("{told}");
        Ok(())
    }
}

async fn ask(mut client: Client, queries: Vec<String>, first: usize, until: Instant) -> Seen {
    let mut seen = Seen::default();
    for query in queries.iter().cycle().skip(first % queries.len().max(1)) {
        let began = Instant::now();
        if began >= until {
            break;
        }
        match read(&mut client, query).await {
            Ok(_) => seen.seconds.push(began.elapsed().as_secs_f64()),
            Err(error) => {
                seen.errors += 1;
                seen.first.get_or_insert(error.to_string());
            }
        }
    }
    seen
}
