//! Places along a dimension, as a subscript that was computed names them.

use std::ops::Deref;
use std::sync::Arc;

use datafusion::execution::memory_pool::MemoryReservation;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Places along a dimension, counted from its start. Copies share them, and the memory that is counted for them
/// as long as anybody has them.
#[derive(Debug, Clone)]
pub struct Places {
    all: Arc<[u64]>,
    _held: Option<Arc<MemoryReservation>>,
}

impl Places {
    /// Places, and the memory that they take.
    pub(crate) fn new(all: Arc<[u64]>, held: MemoryReservation) -> Self {
        Self { all, _held: Some(Arc::new(held)) }
    }
}

impl From<Vec<u64>> for Places {
    fn from(all: Vec<u64>) -> Self {
        Self { all: all.into(), _held: None }
    }
}

impl Deref for Places {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.all
    }
}

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Places {}

impl Serialize for Places {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { all: Deserialize::deserialize(deserializer)?, _held: None })
    }
}
