//! A result with all its parts: until when they may be fetched, and what is noted of how it went.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use parking_lot::Mutex;
use tonic::Status;

use super::locks::audit::Asked;
use super::results::{Held, Work};

/// A result, whole.
#[derive(Debug)]
pub(super) struct Whole {
    /// In their order. There is one at least.
    parts: Vec<Arc<Held>>,
    until: Mutex<Instant>,
    lasts: Duration,
    /// Who asked for it, until it is known how it went.
    asked: Mutex<Option<Asked>>,
    /// Parts that were not fetched, and the rows of those that were.
    left: AtomicUsize,
    rows: AtomicU64,
    /// Whether its rows have an order that their reader has to keep.
    pub(super) ordered: bool,
}

impl Whole {
    pub(super) fn new(works: Vec<Work>, ordered: bool, lasts: Duration, asked: Asked) -> Arc<Self> {
        Arc::new(Self {
            until: Mutex::new(later(lasts)),
            lasts,
            asked: Mutex::new(Some(asked)),
            left: AtomicUsize::new(works.len()),
            rows: AtomicU64::new(0),
            parts: works.into_iter().map(Held::new).collect(),
            ordered,
        })
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> u16 {
        u16::try_from(self.parts.len()).unwrap_or(u16::MAX)
    }

    /// One of its parts.
    pub(super) fn part(&self, at: usize) -> Result<&Arc<Held>, Status> {
        self.parts.get(at).ok_or_else(|| Status::not_found("this result has no such part"))
    }

    /// What the client was told of its columns, if anything.
    pub(super) fn schema(&self) -> Option<&SchemaRef> {
        self.parts.first()?.schema.as_ref()
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

    /// Whether all its parts were fetched.
    pub(super) fn is_read(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    /// Keeps it for another while, and says for how long.
    pub(super) fn renew(&self) -> Duration {
        *self.until.lock() = later(self.lasts);
        self.lasts
    }

    /// Whether nobody has asked for it for too long.
    pub(super) fn is_left(&self) -> bool {
        *self.until.lock() < Instant::now() && !self.parts.iter().any(|part| part.is_being_read())
    }

    /// How long it waits already; none if somebody has asked for a part of it.
    pub(super) fn age(&self) -> Option<Instant> {
        self.parts.iter().all(|part| part.is_waiting()).then(|| *self.until.lock())
    }

    /// Gives back what only a query needs that computes, where it does so no more.
    pub(super) fn settle(&self) {
        self.parts.iter().for_each(|part| part.settle());
    }

    /// Ends it with all its parts. It is not kept.
    pub(super) fn end(&self) -> bool {
        self.parts.iter().for_each(|part| part.end());
        false
    }
}

fn later(lasts: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(lasts).unwrap_or(now + Duration::from_secs(365 * 86400))
}
