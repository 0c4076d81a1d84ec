//! Stock Ballista on one machine, a peer in the bench of the pool (`benches/pool.py`). `run` starts
//! a scheduler and executors, each a process of this program on loopback, asks them queries over
//! Parquet tables, and prints what each query took.
//!
//! `scheduler` and `executor` are the roles as Ballista's own programs have them, with their command
//! lines and the defaults of those.

#![deny(unsafe_code)]

mod cluster;
mod roles;
mod run;
mod tables;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

/// What Ballista's own executor allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much stack Ballista's own scheduler gives its threads: plans are walked recursively.
const STACK: usize = 32 << 20;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Stock Ballista on one machine, timed
#[derive(Parser)]
#[command(version)]
enum Command {
    Run(run::Run),
    /// Ballista's scheduler; it ends with its standard input
    Scheduler(Box<ballista_scheduler::config::Config>),
    /// Ballista's executor; it ends with its standard input
    Executor(Box<ballista_executor::config::Config>),
}

fn main() -> ExitCode {
    match start(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stock-ballista: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_stack_size(STACK).build()?;
    runtime.block_on(async {
        match command {
            Command::Run(run) => run.run().await,
            Command::Scheduler(config) => roles::scheduler(*config).await,
            Command::Executor(config) => roles::executor(*config).await,
        }
    })
}
