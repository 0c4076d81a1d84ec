//! Who runs, and who waits: no more than so many statements at once, and no more than fit into memory, the server's or
//! the pool's, by what their layers are expected to hold. The others wait in the order in which they came, so many and so long.
//!
//! A statement that wants more than there is runs alone: it may spill, or be refused by the memory pool.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tonic::Status;

/// By how much sums of shares may be off.
const ROUNDING: f64 = 1e-9;

/// How many at once, and what they may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many run at once.
    pub(super) running: usize,
    /// How many wait.
    pub(super) waiting: usize,
    /// How long one waits.
    pub(super) patience: Duration,
}

/// Those who run and those who wait.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    running: usize,
    memory: f64,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    memory: f64,
    go: oneshot::Sender<Permit>,
}

impl Queue {
    fn gone(&mut self, memory: f64) {
        self.running = self.running.saturating_sub(1);
        // Nothing is left of roundings where nobody is.
        self.memory = if self.running == 0 { 0.0 } else { self.memory - memory };
    }
}

/// The right to run. It ends with it.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    memory: f64,
    held: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.held {
            self.admission.leave(self.memory);
        }
    }
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, queue: Mutex::default() })
    }

    /// Waits until something that is expected to hold such a share of all memory may run.
    pub(super) async fn admit(self: &Arc<Self>, memory: f64) -> Result<Permit, Status> {
        let memory = memory.clamp(0.0, 1.0);
        let (go, gone) = oneshot::channel();
        {
            let mut queue = self.queue.lock();
            if queue.waiting.is_empty() && self.fits(&queue, memory) {
                return Ok(self.enter(&mut queue, memory));
            }
            queue.waiting.retain(|waiter| !waiter.go.is_closed());
            if queue.waiting.len() >= self.limits.waiting {
                return Err(Status::resource_exhausted(format!(
                    "{} statements run and {} wait already [flight.running, flight.waiting]; send it again later",
                    queue.running,
                    queue.waiting.len()
                )));
            }
            queue.waiting.push_back(Waiter { memory, go });
        }
        // Who was first in the line may have left it.
        self.call(&mut self.queue.lock());
        match tokio::time::timeout(self.limits.patience, gone).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Status::unavailable("the server stops")),
            Err(_) => Err(Status::resource_exhausted(format!(
                "others ran for {:?} and this statement had to wait [flight.patience]; send it again later",
                self.limits.patience
            ))),
        }
    }

    fn fits(&self, queue: &Queue, memory: f64) -> bool {
        queue.running == 0
            || queue.running < self.limits.running && queue.memory + memory <= 1.0 + ROUNDING
    }

    fn enter(self: &Arc<Self>, queue: &mut Queue, memory: f64) -> Permit {
        queue.running += 1;
        queue.memory += memory;
        Permit { admission: Arc::clone(self), memory, held: true }
    }

    fn leave(self: &Arc<Self>, memory: f64) {
        let mut queue = self.queue.lock();
        queue.gone(memory);
        self.call(&mut queue);
    }

    /// Lets in whoever is next and fits.
    fn call(self: &Arc<Self>, queue: &mut Queue) {
        while let Some(next) = queue.waiting.front() {
            if next.go.is_closed() {
                queue.waiting.pop_front();
                continue;
            }
            if !self.fits(queue, next.memory) {
                return;
            }
            let Some(Waiter { memory, go }) = queue.waiting.pop_front() else { return };
            let permit = self.enter(queue, memory);
            if let Err(mut unwanted) = go.send(permit) {
                // Its holder has left in this moment: given back here, as the lock is ours.
                unwanted.held = false;
                queue.gone(memory);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn limits(running: usize) -> Limits {
        Limits { running, waiting: 2, patience: Duration::from_millis(20) }
    }

    #[tokio::test]
    async fn statements_run_in_the_order_in_which_they_came() {
        let patience = Duration::from_secs(60);
        let admission = Admission::new(Limits { patience, ..limits(1) });
        let first = admission.admit(0.0).await.unwrap();
        let mut second = Box::pin(admission.admit(0.0));
        let mut third = Box::pin(admission.admit(0.0));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        let full = admission.admit(0.0).await.unwrap_err();
        assert_eq!(full.code(), tonic::Code::ResourceExhausted);
        drop(first);
        assert!((&mut third).now_or_never().is_none());
        let second = second.now_or_never().unwrap().unwrap();
        drop(second);
        assert!(third.now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn memory_counts_beside_number() {
        let admission = Admission::new(limits(10));
        let small = admission.admit(0.6).await.unwrap();
        let patient = admission.admit(0.6).await.unwrap_err();
        assert!(patient.message().contains("flight.patience"), "{patient}");
        let beside = admission.admit(0.4).await.unwrap();
        drop((small, beside));
        let huge = admission.admit(f64::INFINITY).await.unwrap();
        assert!(admission.admit(0.01).await.is_err());
        drop(huge);
        assert!(admission.admit(0.01).await.is_ok());
    }

    #[tokio::test]
    async fn who_leaves_the_line_is_in_nobodys_way() {
        let patience = Duration::from_secs(60);
        let admission = Admission::new(Limits { patience, ..limits(1) });
        let first = admission.admit(0.0).await.unwrap();
        let mut second = Box::pin(admission.admit(0.0));
        assert!((&mut second).now_or_never().is_none());
        let mut third = Box::pin(admission.admit(0.0));
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        drop(first);
        assert!(third.now_or_never().unwrap().is_ok());
        assert_eq!(admission.queue.lock().running, 0);
    }
}
