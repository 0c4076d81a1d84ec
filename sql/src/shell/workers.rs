//! The threads that queries run on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Queries nest deeply, and are planned, copied and dropped by recursion. Only what is used of a
/// stack takes memory.
pub(crate) const STACK: usize = 64 << 20;
/// How long a query that was cancelled may take to notice.
const PATIENCE: Duration = Duration::from_millis(500);

/// The threads that queries run on, apart from the one that answers the person.
///
/// A query that is cancelled ends where it next waits for something. Some compute for minutes
/// without waiting; their threads are then left to them, and the next query gets new ones.
#[derive(Debug, Clone)]
pub struct Workers {
    threads: Option<usize>,
    runtime: Arc<Mutex<Owned>>,
}

/// A runtime that nobody waits for when it is given up.
#[derive(Debug)]
struct Owned(Option<Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Workers {
    /// So many threads; as many as there are cores where that is not said.
    pub fn new(threads: Option<usize>) -> io::Result<Self> {
        Ok(Self { threads, runtime: Arc::new(Mutex::new(start(threads)?)) })
    }

    /// Runs something on them.
    pub(crate) async fn run<F>(&self, work: F) -> io::Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.spawn(work)?.await.map_err(io::Error::other)
    }

    /// Starts something on them.
    pub(crate) fn spawn<F>(&self, work: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self.runtime.lock();
        match &runtime.0 {
            Some(runtime) => Ok(runtime.spawn(work)),
            None => Err(io::Error::other("there are no threads to run on")),
        }
    }

    /// Cancels a task; does without the threads that do not come back from it.
    pub(crate) async fn cancel<T>(&self, task: JoinHandle<T>) -> io::Result<()> {
        task.abort();
        if tokio::time::timeout(PATIENCE, task).await.is_err() {
            let fresh = start(self.threads)?;
            *self.runtime.lock() = fresh;
        }
        Ok(())
    }
}

fn start(threads: Option<usize>) -> io::Result<Owned> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    builder.thread_stack_size(STACK).enable_all().build().map(|runtime| Owned(Some(runtime)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_that_never_waits_does_not_hold_up_the_next() {
        let workers = Workers::new(Some(1)).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let stubborn = workers
            .spawn(async move {
                while !seen.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
            .unwrap();
        workers.cancel(stubborn).await.unwrap();
        assert_eq!(workers.run(async { 42 }).await.unwrap(), 42);
        done.store(true, Ordering::Relaxed);
    }
}
