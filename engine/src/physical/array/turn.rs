//! Turns: who computes for long lets others compute, too.
//!
//! What a task wakes waits behind it on its own thread, in a place from which no other thread takes it: tasks that
//! were given the same would run one after the other, on one core, and none could be stopped before all is done.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long a turn is.
const LONG: Duration = Duration::from_millis(2);

/// The turn of a task.
#[derive(Debug)]
pub(super) struct Turn(Instant);

impl Turn {
    /// It begins now.
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Goes to the end of the queue, if it was this one's turn for long.
    pub(super) async fn pass(&mut self) {
        if self.0.elapsed() < LONG {
            return;
        }
        // What wakes itself is queued where other threads find it. `yield_now` would have it wait until this thread
        // has nothing else to do.
        let mut passed = false;
        poll_fn(|context| {
            if passed {
                return Poll::Ready(());
            }
            passed = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        *self = Self::begin();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Barrier, OnceCell};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn those_who_are_given_the_same_compute_side_by_side() {
        let (given, begun) = (Arc::new(OnceCell::new()), Arc::new(Barrier::new(2)));
        let computing = Arc::new(AtomicUsize::new(0));
        let task = || {
            let (given, begun) = (Arc::clone(&given), Arc::clone(&begun));
            let computing = Arc::clone(&computing);
            async move {
                begun.wait().await;
                let mut turn = Turn::begin();
                let make = || async {
                    tokio::task::yield_now().await;
                    std::thread::sleep(2 * LONG);
                };
                given.get_or_init(make).await;
                turn.pass().await;
                // Nothing is awaited from here on, as where values are computed of what is there.
                computing.fetch_add(1, Ordering::SeqCst);
                let begun = Instant::now();
                while computing.load(Ordering::SeqCst) < 2 && begun.elapsed().as_secs() < 10 {
                    std::thread::sleep(LONG);
                }
                computing.load(Ordering::SeqCst) == 2
            }
        };
        let (one, other) = (tokio::spawn(task()), tokio::spawn(task()));
        assert!(one.await.unwrap() && other.await.unwrap(), "one waited for the other");
    }
}
