//! One run of one case, in a process of its own: by ourselves, or by a peer.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use strata::Settings;
use strata_engine::Origin;

use super::case::{Case, Scale, Work};
use super::{CASES, Result};

/// One run.
#[derive(Debug, Args)]
pub struct One {
    name: String,
    engine: String,
    #[arg(long)]
    scale: Scale,
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    out: PathBuf,
    #[arg(long)]
    threads: usize,
}

/// What a run took.
#[derive(Debug, Clone)]
pub(super) struct Took {
    pub(super) seconds: f64,
    /// The most memory that the process had, in bytes.
    pub(super) peak: Option<u64>,
    /// The bytes that it read, over those of the objects that hold what is asked for.
    pub(super) read: Option<f64>,
    /// The bytes that the values took that were kept in memory, where the case tells.
    pub(super) held: Option<u64>,
    /// What tells whether the answer is right.
    pub(super) check: f64,
}

/// Does it, and prints what it took as JSON.
pub fn one(one: &One) -> Result<ExitCode> {
    let case = CASES.iter().find(|case| case.name == one.name).ok_or("there is no such case")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(one.threads)
        .enable_all()
        .build()?;
    let told = runtime.block_on(run(case, one))?;
    println!("{told}");
    Ok(ExitCode::SUCCESS)
}

async fn run(case: &Case, one: &One) -> Result<Value> {
    let prepare = match (one.engine.as_str(), case.by_hand) {
        ("strata", _) => case.ours,
        ("loop", Some(by_hand)) => by_hand,
        _ => return Err("there is no such engine".into()),
    };
    let limit = case.memory.map(|limit| ("memory.limit", limit));
    let session = session(one.threads, limit.as_slice())?;
    let work = |scale: Scale| Work {
        session: session.clone(),
        scale,
        store: case.store.map_or_else(PathBuf::new, |store| store.path(&one.data, scale)),
        out: one.out.join(scale.name()),
        threads: one.threads,
        held: Arc::default(),
    };
    prepare(work(Scale::Tiny)).await?().await?;
    let work = work(one.scale);
    let holding = case.holding.map(|holding| holding(&work)).transpose()?;
    let held = Arc::clone(&work.held);
    let timed = prepare(work).await?;
    let mut seconds = Vec::new();
    let mut check = 0.0;
    let before = read();
    for _ in 0..case.repeats {
        let started = Instant::now();
        check = timed().await?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    let bytes = read().zip(before).map(|(after, before)| (after - before) as f64);
    let once = bytes.map(|bytes| bytes / case.repeats as f64);
    let read = once.zip(holding).map(|(once, holding)| once / holding as f64);
    let held = held.get();
    Ok(json!({"seconds": seconds, "check": check, "peak": peak(), "read": read, "held": held}))
}

/// A session as the command has it, with so many threads, and other settings.
pub(super) fn session(
    threads: usize,
    others: &[(&str, &str)],
) -> Result<datafusion::prelude::SessionContext> {
    let mut settings = Settings::default();
    let name = "datafusion.execution.target_partitions";
    settings.set(name, &threads.to_string(), Origin::Session)?;
    for (name, value) in others {
        settings.set(name, value, Origin::Session)?;
    }
    Ok(strata::session(settings)?)
}

/// The most memory that this process had, where the system tells.
fn peak() -> Option<u64> {
    Some(of_this_process("status", "VmHWM:")? << 10)
}

/// The bytes that this process asked the system to read so far, from disk or not, where the system tells.
fn read() -> Option<u64> {
    of_this_process("io", "rchar:")
}

/// A number that the system has of this process.
fn of_this_process(file: &str, name: &str) -> Option<u64> {
    let told = std::fs::read_to_string(format!("/proc/self/{file}")).ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Where and how cases are run.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) python: PathBuf,
    pub(super) data: PathBuf,
    /// An empty folder for what is written.
    pub(super) out: PathBuf,
    pub(super) scale: Scale,
    pub(super) threads: usize,
    pub(super) timeout: Duration,
}

impl Place {
    /// Runs a case by an engine, and leaves nothing of what it wrote.
    pub(super) fn run(&self, case: &Case, engine: &str) -> Result<Took> {
        std::fs::create_dir_all(&self.out)?;
        let told = self.told(case, engine);
        std::fs::remove_dir_all(&self.out)?;
        let told = told?;
        let mut seconds: Vec<f64> = serde_json::from_value(told["seconds"].clone())?;
        Ok(Took {
            seconds: super::table::median(&mut seconds),
            peak: told["peak"].as_u64(),
            read: told["read"].as_f64(),
            held: told["held"].as_u64(),
            check: told["check"].as_f64().unwrap_or(f64::NAN),
        })
    }

    fn told(&self, case: &Case, engine: &str) -> Result<Value> {
        let mut command = match engine {
            "strata" | "loop" => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["one", case.name, engine, "--scale", self.scale.name()]);
                command.arg("--data").arg(&self.data).arg("--out").arg(&self.out);
                command.args(["--threads", &self.threads.to_string()]);
                command
            }
            peer => {
                let work = |scale: Scale| {
                    json!({
                        "scale": scale.name(),
                        "store": case.store.map(|store| store.path(&self.data, scale)),
                        "out": self.out.join(scale.name()),
                        "units": case.units.map(|units| (units.peers)(scale)),
                    })
                };
                let task = json!({
                    "case": case.file,
                    "engine": peer,
                    "threads": self.threads,
                    "repeats": case.repeats,
                    "works": [work(Scale::Tiny), work(self.scale)],
                });
                let worker = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/arrays_worker.py");
                let mut command = Command::new(&self.python);
                command.arg(worker).arg(task.to_string());
                command
            }
        };
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // What is said fits into a pipe, so that it can be waited for first.
        let started = Instant::now();
        let timeout = self.timeout * if case.long { 10 } else { 1 };
        while child.try_wait()?.is_none() {
            if started.elapsed() > timeout {
                child.kill()?;
                child.wait()?;
                return Err(format!("no answer within {} s", timeout.as_secs()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let told = said.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        match told {
            Some(told) if told["error"].is_null() => Ok(told),
            Some(told) => Err(told["error"].as_str().unwrap_or("it failed").into()),
            None => {
                let complaint = String::from_utf8_lossy(&output.stderr);
                let last = complaint.lines().last().unwrap_or("it said nothing");
                Err(last.to_string().into())
            }
        }
    }
}
