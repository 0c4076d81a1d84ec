//! Where tasks find the rows that other tasks made: with this worker, or with another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::error::DataFusionError;

use super::live::Live;
use super::outputs::Outputs;
use crate::cluster::link::Links;

/// A worker's own rows, and its links to others'.
#[derive(Debug)]
pub(in crate::cluster) struct Exchange {
    /// The membership under which others know this worker.
    member: AtomicU64,
    pub(super) outputs: Arc<Outputs>,
    /// What is being made, and may be fetched meanwhile.
    pub(super) live: Live,
    pub(super) links: Links,
}

impl Exchange {
    pub(super) fn new(outputs: Arc<Outputs>, links: Links) -> Self {
        Self { member: AtomicU64::new(0), outputs, live: Live::default(), links }
    }

    pub(super) fn set_member(&self, member: u64) {
        self.member.store(member, Ordering::Release);
    }

    pub(super) fn member(&self) -> u64 {
        self.member.load(Ordering::Acquire)
    }
}

/// Rows that a worker was to have and does not give.
#[derive(Debug, thiserror::Error)]
#[error("worker {address} does not give its rows: {reason}")]
pub(in crate::cluster) struct LostRows {
    pub(in crate::cluster) worker: u64,
    pub(in crate::cluster) address: String,
    pub(in crate::cluster) reason: String,
}

impl LostRows {
    /// The loss behind an error, however deep it lies.
    pub(in crate::cluster) fn find(error: &DataFusionError) -> Option<&Self> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = source {
            if let Some(found) = current.downcast_ref::<Self>() {
                return Some(found);
            }
            // What several streams share has its cause inside.
            if let Some(DataFusionError::Shared(shared)) = current.downcast_ref::<DataFusionError>()
            {
                return Self::find(shared);
            }
            source = current.source();
        }
        None
    }
}
