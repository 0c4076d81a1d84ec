//! `SHOW WORKERS`, `SHOW JOBS` and `CANCEL JOB`: the pool that runs the session's queries.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use datafusion::execution::context::SessionContext;
use strata_engine::{ByteSize, JobRow, Pool, SessionSettings, WorkerRow};

use super::{Outcome, rows};
use crate::error::{Error, Result};

/// Who works in the pool.
pub(super) async fn show_workers(session: &SessionContext) -> Result<Outcome> {
    let workers = pool(session)?.workers().await?;
    let text = |of: fn(&WorkerRow) -> String| texts(workers.iter().map(of));
    let number = |of: fn(&WorkerRow) -> u64| numbers(workers.iter().map(of));
    table(
        session,
        [
            ("worker", text(|worker| worker.name.clone())),
            ("state", text(|worker| worker.state.clone())),
            ("cores", number(|worker| worker.cores as u64)),
            ("tasks", number(|worker| worker.tasks as u64)),
            ("memory_used", text(|worker| ByteSize(worker.memory_used).to_string())),
            ("memory", text(|worker| ByteSize(worker.memory).to_string())),
            ("seconds", seconds(workers.iter().map(|worker| worker.seconds))),
            ("address", text(|worker| worker.address.clone())),
            ("process", number(|worker| worker.process.into())),
        ],
    )
}

/// The pool's queries.
pub(super) async fn show_jobs(session: &SessionContext) -> Result<Outcome> {
    let jobs = pool(session)?.jobs().await?;
    let text = |of: fn(&JobRow) -> String| texts(jobs.iter().map(of));
    let number = |of: fn(&JobRow) -> u64| numbers(jobs.iter().map(of));
    table(
        session,
        [
            ("job", number(|job| job.job)),
            ("state", text(|job| job.state.clone())),
            ("tasks_done", number(|job| job.tasks_done as u64)),
            ("tasks", number(|job| job.tasks as u64)),
            ("seconds", seconds(jobs.iter().map(|job| job.seconds))),
            ("query", text(|job| job.query.clone())),
        ],
    )
}

/// Ends a query of the pool's.
pub(super) async fn cancel_job(session: &SessionContext, job: u64) -> Result<Outcome> {
    let before = pool(session)?.cancel(job).await?;
    Ok(Outcome::Done(Some(match before.as_str() {
        "waiting" | "running" => format!("cancelled job {job}"),
        other => format!("job {job} was {other} already"),
    })))
}

fn pool(session: &SessionContext) -> Result<Arc<Pool>> {
    session.pool().ok_or_else(|| {
        Error::text("this session runs its queries by itself, and has no workers or jobs")
            .hint("start it with --workers N, or with --cluster HOST:PORT")
    })
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<StringArray>())
}

fn numbers(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<UInt64Array>())
}

fn seconds(values: impl Iterator<Item = f64>) -> ArrayRef {
    let rounded = values.map(|seconds| Some((seconds * 1000.0).round() / 1000.0));
    Arc::new(rounded.collect::<Float64Array>())
}

fn table<const N: usize>(
    session: &SessionContext,
    columns: [(&str, ArrayRef); N],
) -> Result<Outcome> {
    let batch = RecordBatch::try_from_iter(columns).map_err(|e| Error::text(e.to_string()))?;
    // The pool is asked already: what is left is no work for it.
    Ok(rows(session.read_batch(batch)?))
}
