//! One client: a result that is read to its end and let go of, and small queries one after the other.

use std::time::Instant;

use clap::Args;
use futures::TryStreamExt;
use serde_json::json;

use super::{Asked, Client};
use crate::arrays::Result;

/// A result, read to its end.
#[derive(Debug, Args)]
pub struct Fetch {
    #[command(flatten)]
    asked: Asked,
    /// What is asked for.
    query: String,
}

impl Fetch {
    pub(super) async fn run(self) -> Result<()> {
        let mut client = self.asked.connect(None).await?;
        let began = Instant::now();
        let (rows, bytes) = read(&mut client, &self.query).await?;
        let seconds = began.elapsed().as_secs_f64();
        println!("{}", json!({"rows": rows, "bytes": bytes, "seconds": seconds}));
        Ok(())
    }
}

/// Small queries, one after the other.
#[derive(Debug, Args)]
pub struct Small {
    #[command(flatten)]
    asked: Asked,
    /// What is asked for.
    #[arg(long, default_value = "SELECT 1")]
    query: String,
    /// How often.
    #[arg(long, default_value_t = 1000)]
    runs: usize,
}

impl Small {
    pub(super) async fn run(self) -> Result<()> {
        let mut client = self.asked.connect(None).await?;
        for _ in 0..self.runs / 5 {
            read(&mut client, &self.query).await?;
        }
        let mut seconds = Vec::with_capacity(self.runs);
        for _ in 0..self.runs {
            let began = Instant::now();
            read(&mut client, &self.query).await?;
            seconds.push(began.elapsed().as_secs_f64());
        }
        println!("{}", json!({"seconds": seconds}));
        Ok(())
    }
}

/// Reads a result, and keeps nothing of it: how many rows, and how many bytes they took.
pub(super) async fn read(client: &mut Client, query: &str) -> Result<(u64, u64)> {
    let info = client.execute(query.to_string(), None).await?;
    let (mut rows, mut bytes) = (0u64, 0u64);
    for endpoint in info.endpoint {
        let ticket = endpoint.ticket.ok_or("a result without a ticket")?;
        let mut batches = client.do_get(ticket).await?;
        while let Some(batch) = batches.try_next().await? {
            rows += batch.num_rows() as u64;
            let columns = batch.columns().iter();
            bytes += columns
                .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0) as u64)
                .sum::<u64>();
        }
    }
    Ok((rows, bytes))
}
