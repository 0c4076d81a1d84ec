//! What became of tasks, told to the scheduler until it has heard it.

use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryPool;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::live::Live;
use crate::cluster::link::Link;
use crate::cluster::protocol::{Report, TaskReport};
use crate::error::EngineError;

/// How often a report that was not heard is made again before the scheduler counts as gone.
const TRIES: usize = 3;

/// Tells the scheduler what became of tasks, and that the worker lives.
pub(super) struct Reporter {
    worker: u64,
    every: Duration,
    scheduler: Link,
    memory: Arc<dyn MemoryPool>,
    live: Live,
    waiting: Mutex<Vec<TaskReport>>,
    news: Notify,
    leaving: Mutex<Option<String>>,
}

impl Reporter {
    pub(super) fn new(
        worker: u64,
        every: Duration,
        scheduler: Link,
        memory: Arc<dyn MemoryPool>,
        live: Live,
    ) -> Arc<Self> {
        Arc::new(Self {
            worker,
            every,
            scheduler,
            memory,
            live,
            waiting: Mutex::default(),
            news: Notify::new(),
            leaving: Mutex::new(None),
        })
    }

    /// Has something told.
    pub(super) fn tell(&self, report: TaskReport) {
        self.waiting.lock().push(report);
        self.news.notify_one();
    }

    /// Asks the scheduler for no more work, and to be let go.
    pub(super) fn leave(&self, reason: String) {
        self.leaving.lock().get_or_insert(reason);
        self.news.notify_one();
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.lock().is_some()
    }

    pub(super) fn reason(&self) -> String {
        self.leaving.lock().clone().unwrap_or_default()
    }

    /// Reports until nobody listens any more; returns why.
    pub(super) async fn run(&self) -> EngineError {
        let mut failed = 0;
        loop {
            tokio::select! {
                () = self.news.notified() => {}
                () = tokio::time::sleep(self.every) => {}
            }
            let tasks = std::mem::take(&mut *self.waiting.lock());
            let report = Report {
                worker: self.worker,
                tasks,
                memory: self.memory.reserved() as u64,
                leaving: self.is_leaving(),
                parked: self.live.parked() as u32,
            };
            match self.scheduler.ask(&report).await {
                Ok(ack) if ack.known => failed = 0,
                Ok(_) => {
                    return EngineError::Pool(format!(
                        "the scheduler at {} has given this worker up",
                        self.scheduler.address()
                    ));
                }
                Err(error) => {
                    failed += 1;
                    if failed == TRIES {
                        return error;
                    }
                    // What was heard before is heard once more: it is told by its task and attempt.
                    let mut waiting = self.waiting.lock();
                    let later = std::mem::replace(&mut *waiting, report.tasks);
                    waiting.extend(later);
                    self.news.notify_one();
                }
            }
        }
    }
}
