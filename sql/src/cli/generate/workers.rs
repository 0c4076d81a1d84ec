//! The threads that make the tables.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{fs, thread};

use parking_lot::Mutex;

use super::encode::{Encoder, FILE_ROWS, UNIT_ROWS};
use super::error::GenerateError;
use super::sink::Sink;
use super::summary::TableSummary;
use super::table::{Cut, Table};
use super::{CommonArgs, Progress};

/// A table on its way into files.
struct Job<'a> {
    table: &'a dyn Table,
    encoder: Encoder,
    sink: Sink,
    cut: Cut,
    /// The number of its first unit, counted over all tables.
    first: u64,
    rows: AtomicU64,
    units_done: AtomicU64,
}

/// Makes `tables` in folders beneath `folder`.
pub(super) fn run(
    tables: &[Box<dyn Table>],
    args: &CommonArgs,
    folder: &Path,
    progress: Progress<'_>,
    stop: &AtomicBool,
) -> Result<Vec<TableSummary>, GenerateError> {
    let jobs = jobs(tables, args, folder)?;
    let units = jobs.last().map_or(0, |job| job.first + job.cut.units);
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or_else(cores, usize::from) as u64;
    let threads = threads.clamp(1, units.max(1));

    let work = Work {
        jobs,
        next: AtomicU64::new(0),
        ahead: threads,
        progress,
        stop,
        failed: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    thread::scope(|scope| {
        for number in 0..threads {
            let worker = thread::Builder::new().name(format!("generate-{number}"));
            if let Err(source) = worker.spawn_scoped(scope, || work.take_units()) {
                work.fail(GenerateError::Thread { source });
                break;
            }
        }
    });
    if let Some(failure) = work.failure.into_inner() {
        return Err(failure);
    }
    if stop.load(Ordering::Relaxed) {
        return Err(GenerateError::Interrupted);
    }
    Ok(work.jobs.iter().map(|job| job.sink.summary(job.rows.load(Ordering::Relaxed))).collect())
}

fn jobs<'a>(
    tables: &'a [Box<dyn Table>],
    args: &CommonArgs,
    folder: &Path,
) -> Result<Vec<Job<'a>>, GenerateError> {
    let mut first = 0;
    let mut jobs = Vec::with_capacity(tables.len());
    for table in tables {
        let table = table.as_ref();
        let cut = Cut::new(table, UNIT_ROWS, FILE_ROWS, args.parts);
        let folder = folder.join(table.name());
        fs::create_dir(&folder).map_err(GenerateError::io("create", &folder))?;
        let encoder = Encoder::new(table, args.format).map_err(GenerateError::parquet(&folder))?;
        let sink = Sink::new(table.name(), folder, args.format, cut);
        let (rows, units_done) = (AtomicU64::new(0), AtomicU64::new(0));
        jobs.push(Job { table, encoder, sink, cut, first, rows, units_done });
        first += cut.units;
    }
    Ok(jobs)
}

/// What the threads share.
struct Work<'a> {
    jobs: Vec<Job<'a>>,
    /// The unit that the next idle thread takes, counted over all tables.
    next: AtomicU64,
    /// How many units may be done before their turn.
    ahead: u64,
    progress: Progress<'a>,
    stop: &'a AtomicBool,
    failed: AtomicBool,
    failure: Mutex<Option<GenerateError>>,
}

impl Work<'_> {
    /// One thread's work.
    fn take_units(&self) {
        let _guard = PanicGuard(self);
        while !self.off() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.iter().rev().find(|job| job.first <= number) else { return };
            let unit = number - job.first;
            if unit >= job.cut.units {
                return;
            }
            if let Err(failure) = self.make(job, unit) {
                self.fail(failure);
            }
        }
    }

    fn make(&self, job: &Job<'_>, unit: u64) -> Result<(), GenerateError> {
        if !job.sink.wait_for_turn(unit, self.ahead, || self.off()) {
            return Ok(());
        }
        let path = job.sink.path(unit);
        let begun = job.encoder.begin(job.cut.opens(unit));
        let mut chunk = begun.map_err(GenerateError::parquet(&path))?;
        for rows in job.table.unit(unit, job.cut.units) {
            if self.off() {
                return Ok(());
            }
            let table = || job.table.name().to_owned();
            let rows = rows.map_err(|source| GenerateError::Rows { table: table(), source })?;
            chunk.write(&rows).map_err(GenerateError::parquet(&path))?;
            let count = rows.num_rows() as u64;
            let done = job.rows.fetch_add(count, Ordering::Relaxed) + count;
            (self.progress)(job.table.name(), done, job.table.rows().max(done));
        }
        let chunk = chunk.finish().map_err(GenerateError::parquet(&path))?;
        job.sink.put(unit, chunk, &job.encoder)?;
        if job.units_done.fetch_add(1, Ordering::AcqRel) + 1 == job.cut.units {
            let rows = job.rows.load(Ordering::Acquire);
            (self.progress)(job.table.name(), rows, rows);
        }
        Ok(())
    }

    /// Whether there is no point in going on.
    fn off(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    /// Keeps the first failure: those after it mostly follow from it.
    fn fail(&self, failure: GenerateError) {
        self.failure.lock().get_or_insert(failure);
        self.failed.store(true, Ordering::Relaxed);
    }
}

/// Calls the others off when a thread panics: they would wait for its unit for ever.
struct PanicGuard<'a>(&'a Work<'a>);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(GenerateError::Worker);
        }
    }
}
