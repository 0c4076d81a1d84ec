//! What this process has seen of chunks: between what values those of each lie, and in which version of the object that
//! holds it. A query that asks for values beyond need not read the chunk again, as long as the object is the same.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use strata_engine::Extent;

/// Of so many chunks it is remembered, in all: some 20 MB.
const MOST: usize = 1 << 18;

/// All arrays of which chunks were seen.
static ARRAYS: LazyLock<Mutex<Arrays>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Arrays {
    all: HashMap<Arc<[u8]>, HashMap<u64, Chunk>>,
    /// In the order in which they were seen first.
    order: VecDeque<Arc<[u8]>>,
    chunks: usize,
}

struct Chunk {
    extent: Extent,
    /// Of the version of its object; none where there was none.
    version: Option<u64>,
}

/// What was seen of one array, in every opening of it.
#[derive(Debug, Clone)]
pub(super) struct Seen(Arc<[u8]>);

impl Seen {
    /// Of the array that is told from all others by these bytes.
    pub(super) fn of(identity: &[u8]) -> Self {
        Self(identity.into())
    }

    /// Remembers what the values of a chunk lie between.
    pub(super) fn note(&self, chunk: u64, version: Option<&str>, extent: Extent) {
        let mut arrays = ARRAYS.lock();
        let arrays = &mut *arrays;
        while arrays.chunks >= MOST {
            let Some(oldest) = arrays.order.pop_front() else { return };
            let gone = arrays.all.remove(&oldest).map_or(0, |chunks| chunks.len());
            arrays.chunks = arrays.chunks.saturating_sub(gone);
        }
        let chunks = arrays.all.entry(Arc::clone(&self.0)).or_insert_with_key(|key| {
            arrays.order.push_back(Arc::clone(key));
            HashMap::new()
        });
        let known = chunks.insert(chunk, Chunk { extent, version: version.map(hashed) });
        arrays.chunks += usize::from(known.is_none());
    }

    /// Whether anything was seen of these chunks, all of them.
    pub(super) fn has(&self, chunks: &[u64]) -> bool {
        let arrays = ARRAYS.lock();
        let own = arrays.all.get(&self.0);
        own.is_some_and(|own| chunks.iter().all(|chunk| own.contains_key(chunk)))
    }

    /// What the values of a chunk lie between, if it was seen in this version of its object.
    pub(super) fn extent(&self, chunk: u64, version: Option<&str>) -> Option<Extent> {
        let arrays = ARRAYS.lock();
        let known = arrays.all.get(&self.0)?.get(&chunk)?;
        (known.version == version.map(hashed)).then_some(known.extent)
    }
}

fn hashed(version: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_of_a_version_is_not_known_of_another() {
        let (one, other) = (Seen::of(b"one"), Seen::of(b"other"));
        let extent = Extent { least: 1.0, largest: 2.0, nan: false };
        one.note(3, Some("a"), extent);
        one.note(4, None, extent);
        assert!(one.has(&[3, 4]) && !one.has(&[3, 5]) && !other.has(&[3]));
        assert_eq!(Seen::of(b"one").extent(3, Some("a")), Some(extent));
        assert_eq!(one.extent(3, Some("b")), None);
        assert_eq!(one.extent(3, None), None);
        assert_eq!(one.extent(4, None), Some(extent));
        assert_eq!(other.extent(3, Some("a")), None);
        one.note(3, Some("b"), Extent::one(7.0));
        assert_eq!(
            (one.extent(3, Some("a")), one.extent(3, Some("b"))),
            (None, Some(Extent::one(7.0)))
        );
    }
}
