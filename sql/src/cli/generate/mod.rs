//! `strata generate`: tables to try things on, of any size, the same on every machine.
//!
//! A table is cut into *units*, each the rows of one row group, which any thread can make without
//! the others' help. Threads take units in turn and encode them; each table's `sink` puts them
//! into files in order. What is being made lies in a hidden folder beside its destination and is
//! moved into place when all of it is there.
//!
//! ```text
//!  table ──► units ──► threads: rows → encoded ──► sink (in order) ──► staging ──► DIR/table/
//! ```

mod encode;
mod error;
mod h2o;
mod interrupt;
mod random;
mod sink;
mod staging;
mod summary;
mod table;
mod tpch;
mod workers;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};

pub use error::GenerateError;
pub use summary::{Summary, TableSummary};

use staging::Staging;
use table::Table;

/// What `strata generate` makes.
#[derive(Debug, Clone, Subcommand)]
pub enum GenerateArgs {
    /// The eight TPC-H tables, exactly as dbgen makes them (scale 1 is about 1 GB as text)
    Tpch(TpchArgs),
    /// The h2o.ai database benchmark: a table to group and four to join (scale 1 is 10 million rows)
    H2o(H2oArgs),
}

/// The arguments of `strata generate tpch`.
#[derive(Debug, Clone, Args)]
pub struct TpchArgs {
    /// What every generator asks.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The arguments of `strata generate h2o`.
#[derive(Debug, Clone, Args)]
pub struct H2oArgs {
    /// What every generator asks.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Another seed makes other data; the same seed makes the same data everywhere
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How many percent of the values are NULL
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub nulls: u8,
}

/// The arguments all generators share.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// How much: 1 is the benchmark's own unit, fractions make less
    #[arg(long, value_name = "X")]
    pub scale: f64,
    /// The folder that receives one folder per table
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The files' format
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
    /// Files per table; by default as many as keep each at a few hundred megabytes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub parts: Option<u32>,
    /// Only these tables, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub tables: Vec<String>,
    /// Replace tables that are there already
    #[arg(long)]
    pub force: bool,
    /// How many threads work; by default one per core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// The format of generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Parquet: typed, compressed, quick to scan
    Parquet,
    /// CSV with a header line
    Csv,
}

impl Format {
    /// What file names end in.
    fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
}

/// Hears how far a table is: its name, rows done, rows in all. The last is a close guess for
/// `lineitem` until it is finished. Called from any worker, many times a second.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// Makes the tables asked for. Ctrl-C and SIGTERM end it with [`GenerateError::Interrupted`];
/// whatever ends it early, nothing half-made stays behind.
pub fn run(args: &GenerateArgs, progress: Progress<'_>) -> Result<Summary, GenerateError> {
    let interrupt = interrupt::Interrupt::listen();
    run_until(args, progress, interrupt.stop())
}

/// [`run`], ended by a flag instead of a signal.
pub fn run_until(
    args: &GenerateArgs,
    progress: Progress<'_>,
    stop: &AtomicBool,
) -> Result<Summary, GenerateError> {
    let started = Instant::now();
    let (common, tables) = match args {
        GenerateArgs::Tpch(args) => (&args.common, tpch::tables(args)?),
        GenerateArgs::H2o(args) => (&args.common, h2o::tables(args)?),
    };
    let tables = chosen(tables, &common.tables)?;
    let names: Vec<&str> = tables.iter().map(|table| table.name()).collect();
    let staging = Staging::open(&common.out, &names, common.force)?;
    let summaries = workers::run(&tables, common, staging.folder(), progress, stop)?;
    staging.publish(&names)?;
    Ok(Summary { out: common.out.clone(), tables: summaries, elapsed: started.elapsed() })
}

/// The tables named, or all where none is.
fn chosen(
    tables: Vec<Box<dyn Table>>,
    names: &[String],
) -> Result<Vec<Box<dyn Table>>, GenerateError> {
    let known = || tables.iter().map(|table| table.name()).collect::<Vec<_>>().join(", ");
    if let Some(name) = names.iter().find(|name| !tables.iter().any(|t| t.name() == name.trim())) {
        return Err(GenerateError::UnknownTable { name: name.clone(), known: known() });
    }
    let wanted =
        |table: &dyn Table| names.is_empty() || names.iter().any(|n| n.trim() == table.name());
    Ok(tables.into_iter().filter(|table| wanted(table.as_ref())).collect())
}

#[cfg(test)]
mod tests;
