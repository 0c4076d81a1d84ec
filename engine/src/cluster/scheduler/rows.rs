//! Workers and queries, as people see them.

use serde::{Deserialize, Serialize};

use super::job::Job;

/// A worker, as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// What people call it.
    pub name: String,
    /// Where it serves its rows.
    pub address: String,
    /// `working`, `idle` or `leaving`.
    pub state: String,
    /// Tasks it runs at once.
    pub cores: usize,
    /// Tasks it runs now.
    pub tasks: usize,
    /// Bytes its queries hold.
    pub memory_used: u64,
    /// Bytes it may hold.
    pub memory: u64,
    /// Seconds since it joined.
    pub seconds: f64,
    /// Its number in the system it runs on.
    pub process: u32,
}

/// A query, as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its number, for `CANCEL JOB`.
    pub job: u64,
    /// `waiting`, `running`, `finished`, `failed` or `cancelled`.
    pub state: String,
    /// Tasks that are done.
    pub tasks_done: usize,
    /// Tasks there are.
    pub tasks: usize,
    /// Seconds since it came.
    pub seconds: f64,
    /// What it is.
    pub query: String,
}

impl JobRow {
    pub(super) fn of(job: &Job) -> Self {
        let (tasks_done, tasks) = job.progress();
        Self {
            job: job.id,
            state: job.state().to_string(),
            tasks_done,
            tasks,
            seconds: job.took().as_secs_f64(),
            query: job.title.clone(),
        }
    }
}
