//! The memory pool: operators that can spill share it fairly, and whoever is refused hears which
//! operator asked, what the limit is, who holds the rest, and what to do.

use std::fmt;
use std::num::NonZeroUsize;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit as PoolLimit, MemoryPool, MemoryReservation,
    TrackConsumersPool,
};

use crate::config::{ByteSize, MemoryLimit};

/// How many holders a refusal names.
const CONSUMERS_NAMED: NonZeroUsize = match NonZeroUsize::new(5) {
    Some(count) => count,
    None => NonZeroUsize::MIN,
};

/// A fair pool whose refusals can be acted on.
#[derive(Debug)]
pub(crate) struct StrataPool {
    inner: TrackConsumersPool<FairSpillPool>,
    limit: ByteSize,
}

impl StrataPool {
    pub(crate) fn new(limit: MemoryLimit) -> Self {
        Self {
            inner: TrackConsumersPool::new(FairSpillPool::new(limit.pool_bytes()), CONSUMERS_NAMED),
            limit: ByteSize(limit.bytes()),
        }
    }

    fn refusal(&self, consumer: &MemoryConsumer, additional: usize) -> String {
        let mut holders = self.inner.metrics();
        holders.sort_by_key(|holder| std::cmp::Reverse(holder.reserved));
        let held: Vec<String> = holders
            .iter()
            .take(CONSUMERS_NAMED.get())
            .filter(|holder| holder.reserved > 0)
            .map(|holder| {
                let kind = if holder.can_spill { "" } else { ", cannot spill" };
                format!("{} {}{kind}", holder.name, ByteSize(holder.reserved as u64))
            })
            .collect();
        format!(
            "out of memory: {} needs {} more than the limit of {} leaves it. \
             Raise the limit with --memory or SET memory.limit, or read fewer columns and rows. \
             Held now: {}",
            consumer.name(),
            ByteSize(additional as u64),
            self.limit,
            if held.is_empty() { "nothing".to_string() } else { held.join("; ") },
        )
    }
}

impl fmt::Display for StrataPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "strata(limit: {})", self.limit)
    }
}

impl MemoryPool for StrataPool {
    fn name(&self) -> &str {
        "strata"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.inner.try_grow(reservation, additional).map_err(|_| {
            // Operators spill on exactly this variant.
            DataFusionError::ResourcesExhausted(self.refusal(reservation.consumer(), additional))
        })
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> PoolLimit {
        self.inner.memory_limit()
    }
}
