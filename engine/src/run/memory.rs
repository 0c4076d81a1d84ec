//! The memory pool: operators share it so that each can get on, and whoever is refused hears which
//! operator asked, what the limit is, who holds the rest, and what to do.
//!
//! ```text
//! │ cannot spill │ merges of runs  │ can spill: even shares of the rest │ the last eighth: │
//! │  as it comes │ half, if scarce │     among those that hold any      │ small and first  │
//! ```
//!
//! Why not DataFusion's fair pool: it divides by all that are registered, so that a query of many
//! idle operators leaves each a sliver; and it lets the merge of one partition's sorted runs, which
//! takes whatever it can get, starve the sort of the next partition, which then fails.

use std::collections::HashMap;
use std::fmt;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit as PoolLimit, MemoryPool, MemoryReservation,
};
use parking_lot::Mutex;

use crate::array::buffers;
use crate::config::{ByteSize, MemoryLimit};
use crate::error::EngineError;

/// How many holders a refusal names.
const CONSUMERS_NAMED: usize = 5;
/// How DataFusion's sorts call what they merge with. Runs on disk are merged with whatever it gets,
/// fewer at a time; but rows in memory must be merged before they can be spilled, and then it takes
/// over what its sort lets go of.
const MERGES: &str = "ExternalSorterMerge";
/// How they call what they sort.
const SORTS: &str = "ExternalSorter";

/// How DataFusion's nested-loop joins call the side they hold. They would go on with what is spilled
/// of it, but run their input a second time, which exchanges do not allow (they panic), and have
/// wrong rows in outer and semi joins of several partitions. So they hear of another failure.
const LOOP_JOINS: &str = "NestedLoopJoinLoad";

/// How DataFusion's hash joins call the side they hold. Once it is read, it is put into one batch
/// while its parts are still there: for that moment it is held twice, and only once accounted.
const HASH_JOINS: &str = "HashJoinInput";

/// What is in the names of those that work on chunks of arrays.
const ON_CHUNKS: &str = "Chunks[";

/// A pool that is shared out, and whose refusals can be acted on.
#[derive(Debug)]
pub(crate) struct StrataPool {
    size: usize,
    limit: ByteSize,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    holders: HashMap<usize, Holder>,
    reserved: usize,
    spillable: usize,
}

#[derive(Debug)]
struct Holder {
    name: String,
    can_spill: bool,
    /// Of a merge: the sort whose rows it merges.
    merges: Option<usize>,
    /// Of a merge: that it merges rows in memory, until it has let go of all of them.
    takes_over: bool,
    held_twice: bool,
    reserved: usize,
    /// Of a sort: the most it held since its merge last held nothing.
    most: usize,
}

impl Books {
    /// Whether a consumer merges the rows of a sort that has rows in memory.
    fn merges_rows(&self, id: usize) -> bool {
        let sort = self.holders.get(&id).and_then(|holder| self.holders.get(&holder.merges?));
        sort.is_some_and(|sort| sort.can_spill && sort.reserved > 0)
    }

    /// What a merge may have in the place of its sort, which can let go of all its rows before the
    /// merge has asked for the first of them.
    fn instead_of_its_sort(&self, merge: &Holder) -> usize {
        let sort = merge.merges.and_then(|sort| self.holders.get(&sort));
        sort.map_or(0, |sort| sort.most)
    }

    /// The sort of a part that was registered last before its merge: right before it.
    fn sort(&self, part: &str, merge: usize) -> usize {
        let of_part = |name: &str| name.strip_prefix(SORTS) == Some(part);
        let before = self.holders.iter().filter(|(id, sort)| **id < merge && of_part(&sort.name));
        before.map(|(id, _)| *id).max().unwrap_or(merge)
    }

    fn add(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        self.reserved += bytes;
        let of_rows = self.merges_rows(consumer.id());
        if let Some(holder) = self.holders.get_mut(&consumer.id()) {
            holder.takes_over |= of_rows;
            holder.reserved += bytes;
            holder.most = holder.most.max(holder.reserved);
            if holder.can_spill {
                self.spillable += bytes;
            }
        }
    }

    fn take(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        self.reserved = self.reserved.saturating_sub(bytes);
        let Some(holder) = self.holders.get_mut(&consumer.id()) else { return };
        holder.reserved = holder.reserved.saturating_sub(bytes);
        if holder.can_spill {
            self.spillable = self.spillable.saturating_sub(bytes);
        }
        if holder.reserved == 0 {
            holder.takes_over = false;
            let sort = holder.merges;
            if let Some(sort) = sort.and_then(|sort| self.holders.get_mut(&sort)) {
                sort.most = sort.reserved;
            }
        }
    }
}

impl StrataPool {
    pub(crate) fn new(limit: MemoryLimit) -> Self {
        Self { size: limit.pool_bytes(), limit: ByteSize(limit.bytes()), books: Mutex::default() }
    }

    fn may_have(&self, books: &Books, consumer: &MemoryConsumer, additional: usize) -> bool {
        let Some(total) = books.reserved.checked_add(additional).filter(|t| *t <= self.size) else {
            return false;
        };
        let Some(holder) = books.holders.get(&consumer.id()) else { return true };
        let own = holder.reserved + additional;
        let leaves = |room: usize| total <= self.size - room;
        if holder.held_twice {
            // What is kept back covers the copy as far as half of it.
            let kept_back = (self.limit.0 as usize).saturating_sub(self.size);
            return total + own <= self.size + kept_back / 2;
        }
        if holder.merges.is_some() {
            let takes_over = holder.takes_over || books.merges_rows(consumer.id());
            if takes_over || own <= books.instead_of_its_sort(holder) {
                return true;
            }
            let merges = books.holders.values().filter(|other| other.merges.is_some()).count();
            let share = (self.size / 2 / merges).max(self.size / 8);
            let first = holder.reserved == 0 && own <= self.size / 12;
            return first || (own <= share && leaves(self.size / 12)) || leaves(self.size / 2);
        }
        // Who holds nothing has nothing to spill: refusing it ends the query.
        if !holder.can_spill || holder.reserved == 0 {
            return true;
        }
        if own <= self.size / 8 {
            return leaves(self.size / 12);
        }
        let active = books
            .holders
            .iter()
            .filter(|(id, other)| other.can_spill && (other.reserved > 0 || **id == consumer.id()));
        let for_spillers = self.size - (books.reserved - books.spillable).min(self.size);
        own <= for_spillers / active.count().max(1) && leaves(self.size / 8)
    }

    /// Whether what is reserved leaves no room for the buffers that rest between the chunks they are used for: those
    /// that work on chunks have reserved what rests meanwhile.
    fn wants_what_rests(&self, books: &Books) -> bool {
        let at_rest = buffers::at_rest();
        if at_rest == 0 || books.reserved.saturating_add(at_rest) <= self.size {
            return false;
        }
        let on_chunks = |holder: &&Holder| holder.name.contains(ON_CHUNKS);
        let covered: usize = books.holders.values().filter(on_chunks).map(|one| one.reserved).sum();
        books.reserved.saturating_add(at_rest.saturating_sub(covered)) > self.size
    }

    fn refusal(&self, books: &Books, consumer: &MemoryConsumer, additional: usize) -> String {
        let mut holders: Vec<&Holder> =
            books.holders.values().filter(|holder| holder.reserved > 0).collect();
        holders.sort_by_key(|holder| std::cmp::Reverse(holder.reserved));
        let held: Vec<String> = holders
            .iter()
            .take(CONSUMERS_NAMED)
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
        let mut books = self.books.lock();
        let holder = Holder {
            name: consumer.name().to_string(),
            can_spill: consumer.can_spill(),
            merges: consumer
                .name()
                .strip_prefix(MERGES)
                .map(|part| books.sort(part, consumer.id())),
            takes_over: false,
            held_twice: consumer.name().starts_with(HASH_JOINS),
            reserved: 0,
            most: 0,
        };
        books.holders.insert(consumer.id(), holder);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.books.lock().holders.remove(&consumer.id());
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.books.lock().add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.books.lock().take(reservation.consumer(), shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut books = self.books.lock();
        let consumer = reservation.consumer();
        if self.may_have(&books, consumer, additional) {
            books.add(consumer, additional);
            let wanted = self.wants_what_rests(&books);
            drop(books);
            if wanted {
                buffers::let_go();
            }
            return Ok(());
        }
        let refusal = self.refusal(&books, consumer, additional);
        if consumer.name().starts_with(LOOP_JOINS) {
            return Err(EngineError::OutOfMemory(refusal).into());
        }
        // Operators spill on exactly this variant.
        Err(DataFusionError::ResourcesExhausted(refusal))
    }

    fn reserved(&self) -> usize {
        self.books.lock().reserved
    }

    fn memory_limit(&self) -> PoolLimit {
        PoolLimit::Finite(self.size)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MIB: usize = 1 << 20;

    /// A pool of 48 MiB.
    fn pool() -> Arc<dyn MemoryPool> {
        Arc::new(StrataPool::new(MemoryLimit::Bytes(ByteSize(72 << 20))))
    }

    fn spiller(pool: &Arc<dyn MemoryPool>) -> MemoryReservation {
        MemoryConsumer::new("sorter").with_can_spill(true).register(pool)
    }

    #[test]
    fn those_that_hold_nothing_take_no_share() {
        let pool = pool();
        let idle: Vec<_> = (0..50).map(|_| spiller(&pool)).collect();
        let busy = spiller(&pool);
        busy.try_grow(40 * MIB).unwrap();
        drop(idle);
    }

    #[test]
    fn a_large_holder_leaves_room_for_a_small_one() {
        let pool = pool();
        let large = spiller(&pool);
        while large.try_grow(MIB).is_ok() {}
        let small = spiller(&pool);
        small.try_grow(5 * MIB).unwrap();
        // From now on the large one has half: it spills at its next step.
        large.try_grow(1).unwrap_err();
        large.free();
        large.try_grow(20 * MIB).unwrap();
    }

    #[test]
    fn merges_leave_room_for_the_sorts_of_others() {
        let pool = pool();
        let merge = |part: usize| MemoryConsumer::new(format!("{MERGES}[{part}]")).register(&pool);
        let (first, second) = (merge(0), merge(1));
        while first.try_grow(MIB).is_ok() {}
        assert_eq!(first.size(), 24 * MIB);
        assert!(matches!(first.try_grow(MIB), Err(DataFusionError::ResourcesExhausted(_))));
        second.try_grow(6 * MIB).unwrap();
        spiller(&pool).try_grow(6 * MIB).unwrap();
    }

    #[test]
    fn a_merge_takes_over_what_its_sort_lets_go_of() {
        let pool = pool();
        let sorter = |part: usize| {
            let sort = MemoryConsumer::new(format!("{SORTS}[{part}]")).with_can_spill(true);
            (sort.register(&pool), MemoryConsumer::new(format!("{MERGES}[{part}]")).register(&pool))
        };
        let ((sort, merge), (other, idle)) = (sorter(0), sorter(1));
        sort.try_grow(36 * MIB).unwrap();
        for _ in 0..36 {
            sort.shrink(MIB);
            merge.try_grow(MIB).unwrap();
        }
        merge.try_grow(MIB).unwrap();
        other.try_grow(6 * MIB).unwrap();
        // With its runs on disk, it has a share again.
        sort.free();
        merge.free();
        other.free();
        while merge.try_grow(MIB).is_ok() {}
        assert_eq!(merge.size(), 24 * MIB);
        idle.try_grow(6 * MIB).unwrap();
    }

    #[test]
    fn a_merge_takes_over_what_its_sort_let_go_of_before() {
        let pool = pool();
        let sort = MemoryConsumer::new(format!("{SORTS}[0]")).with_can_spill(true).register(&pool);
        let merge = MemoryConsumer::new(format!("{MERGES}[0]")).register(&pool);
        sort.try_grow(36 * MIB).unwrap();
        sort.free();
        for _ in 0..36 {
            merge.try_grow(MIB).unwrap();
        }
        merge.try_grow(MIB).unwrap_err();
    }

    #[test]
    fn a_hash_join_leaves_room_for_its_copy() {
        let pool = pool();
        let join = MemoryConsumer::new("HashJoinInput[1]").register(&pool);
        while join.try_grow(MIB).is_ok() {}
        assert_eq!(join.size(), 30 * MIB);
        MemoryConsumer::new("window[0]").register(&pool).try_grow(18 * MIB).unwrap();
    }

    #[test]
    fn loop_joins_do_not_try_again() {
        let join = MemoryConsumer::new("NestedLoopJoinLoad[0]").register(&pool());
        let error = join.try_grow(50 * MIB).unwrap_err();
        assert!(matches!(EngineError::find(&error), Some(EngineError::OutOfMemory(_))));
    }

    #[test]
    fn a_refusal_says_who_asked_and_what_to_do() {
        let pool = pool();
        let window = MemoryConsumer::new("window[0]").register(&pool);
        window.try_grow(40 * MIB).unwrap();
        let error = window.try_grow(9 * MIB).unwrap_err().to_string();
        for part in ["window[0] needs 9MiB", "limit of 72MiB", "--memory", "cannot spill"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
