//! What the parts of a result have in common: until when they may be fetched, what they are called, and what is noted
//! of how it went.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tonic::Status;

use super::handle::Handle;
use super::locks::audit::Asked;

/// A result, whole.
#[derive(Debug)]
pub(super) struct Whole {
    until: Mutex<Instant>,
    lasts: Duration,
    /// Who asked for it, until it is known how it went.
    asked: Mutex<Option<Asked>>,
    /// Parts that were not fetched, and the rows of those that were.
    left: AtomicUsize,
    rows: AtomicU64,
    /// What its parts are called, in their order.
    handles: OnceLock<Vec<Handle>>,
    /// Whether its rows have an order that their reader has to keep.
    pub(super) ordered: bool,
}

impl Whole {
    pub(super) fn new(parts: usize, ordered: bool, lasts: Duration, asked: Asked) -> Self {
        Self {
            until: Mutex::new(later(lasts)),
            lasts,
            asked: Mutex::new(Some(asked)),
            left: AtomicUsize::new(parts),
            rows: AtomicU64::new(0),
            handles: OnceLock::new(),
            ordered,
        }
    }

    /// Says what its parts are called.
    pub(super) fn call(&self, handles: Vec<Handle>) {
        self.handles.get_or_init(|| handles);
    }

    /// What its parts are called.
    pub(super) fn handles(&self) -> &[Handle] {
        self.handles.get().map_or(&[], Vec::as_slice)
    }

    /// Notes how a part went: how many rows it had, or why there were none.
    pub(super) fn came_to(&self, made: &Result<u64, Status>) {
        let made = match made {
            Ok(rows) => {
                let rows = self.rows.fetch_add(*rows, Ordering::AcqRel) + rows;
                if self.left.fetch_sub(1, Ordering::AcqRel) > 1 {
                    return;
                }
                Ok(rows)
            }
            Err(status) => Err(status.clone()),
        };
        if let Some(asked) = self.asked.lock().take() {
            asked.came_to(&made, |rows| Some(*rows));
        }
    }

    /// Keeps it for another while, and says for how long.
    pub(super) fn renew(&self) -> Duration {
        *self.until.lock() = later(self.lasts);
        self.lasts
    }

    /// Until when it is kept, if nobody asks for it.
    pub(super) fn until(&self) -> Instant {
        *self.until.lock()
    }
}

fn later(lasts: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(lasts).unwrap_or(now + Duration::from_secs(365 * 86400))
}
