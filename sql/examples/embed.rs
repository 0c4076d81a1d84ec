//! Strata within a Rust program: SQL, a chain, and a stream of record batches.
//!
//! `cargo run --example embed [FOLDER]` reads a folder of Parquet files; without one, it makes one.

use std::error::Error;

use futures::TryStreamExt;
use strata::{RunText, Settings};

const MAKE: &str =
    "SELECT value AS id, value % 7 AS shop, value / 100.0 AS amount FROM range(0, 100000)";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let session = strata::session(Settings::from_process()?)?;
    let temporary = tempfile::tempdir()?;
    let folder = match std::env::args().nth(1) {
        Some(folder) => folder.replace('\'', "''"),
        None => {
            let folder = temporary.path().join("sales/").display().to_string();
            let copy = format!("COPY ({MAKE}) TO '{folder}' STORED AS PARQUET");
            session.run(&copy).await?.collect().await?;
            folder
        }
    };
    let table = format!("CREATE EXTERNAL TABLE sales STORED AS PARQUET LOCATION '{folder}'");
    session.run(&table).await?;

    let counted = session.run("SELECT count(*) AS number FROM sales").await?;
    println!("SQL:\n{}", counted.to_string().await?);

    let described =
        session.run("sales.describe().select(column_name, column_type, min, max)").await?;
    println!("A chain:\n{}", described.to_string().await?);

    let mut batches = session.run("FROM sales").await?.execute_stream().await?;
    let (mut rows, mut bytes) = (0, 0);
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
    }
    println!("A stream: {rows} rows, {bytes} bytes as they came");
    Ok(())
}
