//! Whether the chunk programs of a plan fit the memory limit, known before anything runs: beside whoever takes
//! the chunks, with fewer tasks at a time or without an exchange where that helps, and a refusal with the
//! numbers where it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;

use super::given::Given;
use super::lower::{Limits, lower};
use super::work::Work;
use super::{GatherChunksExec, MapChunksExec, ScatterChunksExec, SharedExec};
use crate::array::shape_of;
use crate::config::ByteSize;
use crate::lazy::Array;
use crate::optimize::ArrayRule;

/// Whoever takes the chunks of an array while others are computed, and the memory that this takes.
#[derive(Debug)]
pub(crate) struct Beside {
    /// What is done, as in "writing a chunk".
    what: &'static str,
    /// Bytes for each chunk.
    one: u64,
    /// How many chunks are taken at once: at most, and as many as were found to fit once it is planned.
    at_once: AtomicUsize,
}

impl Beside {
    pub(crate) fn new(what: &'static str, one: u64, most: usize) -> Self {
        Self { what, one, at_once: AtomicUsize::new(most.max(1)) }
    }

    /// Who wants the chunks keeps none.
    pub(crate) fn nobody() -> Self {
        Self::new("nothing", 0, 1)
    }

    /// How many chunks are taken at once.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once.load(Ordering::Relaxed)
    }

    /// Whether there is memory for this beside what a plan takes: for fewer chunks where it is little.
    fn fits(&self, left: u64) -> bool {
        self.fits_with(self.one, left)
    }

    fn fits_with(&self, one: u64, left: u64) -> bool {
        let most = self.at_once();
        let halves = std::iter::successors(Some(most), |n| (*n > 1).then_some(n / 2));
        let fits = halves.into_iter().find(|n| one.saturating_mul(*n as u64) <= left);
        if let Some(at_once) = fits {
            self.at_once.store(at_once, Ordering::Relaxed);
        }
        fits.is_some()
    }

    /// Sees to it that there is memory here for chunks that others make, as they come and as they are taken.
    pub(crate) fn of_chunks_from_elsewhere(
        &self,
        array: &Array,
        room: u64,
        held: u64,
    ) -> Result<()> {
        let chunk = array.grid().largest().unwrap_or(u64::MAX);
        let comes = chunk.saturating_mul(array.dtype().width() as u64);
        let one = self.one.saturating_add(comes);
        if self.one > 0 && one > room {
            return Err(self.refusal(array, one, room));
        }
        if !self.fits_with(one, room.saturating_sub(held)) {
            self.at_once.store(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn refusal(&self, array: &Array, one: u64, room: u64) -> DataFusionError {
        DataFusionError::ResourcesExhausted(format!(
            "{} of {} of {} takes {}, and there is room for {}: choose smaller chunks, or raise memory.limit",
            self.what,
            array.grid(),
            array.dtype(),
            ByteSize(one),
            ByteSize(room)
        ))
    }
}

/// The plan that computes the chunks of an array, whose tasks have so many bytes together, and whoever takes
/// the chunks. Of that, some is `held` by others now, who may let go of it: then there are fewer tasks, but
/// nothing is refused for it.
pub(crate) fn fitting(
    array: &Array,
    limits: &Limits,
    room: u64,
    held: u64,
    beside: &Beside,
) -> Result<Arc<dyn ExecutionPlan>> {
    if beside.one > room {
        return Err(beside.refusal(array, beside.one, room));
    }
    let free = room.saturating_sub(held);
    let fits = |plan: &dyn ExecutionPlan| {
        let takes = peak(plan).saturating_add(kept(plan));
        takes <= free && beside.fits(free - takes)
    };
    let mut limits = limits.clone();
    let mut plan = lower(array, &limits)?;
    // What is kept is there beside what all tasks take: less of it, or none.
    while let Some(room) = limits.keep.as_ref().filter(|_| !fits(plan.as_ref())) {
        limits.keep = room.smaller().map(Arc::new);
        plan = lower(array, &limits)?;
    }
    let left = free.saturating_sub(beside.one);
    while limits.parts > 1 && !fits(plan.as_ref()) {
        let fewer =
            u128::from(left) * limits.parts as u128 / u128::from(peak(plan.as_ref()).max(1));
        limits.parts = usize::try_from(fewer).unwrap_or(usize::MAX).clamp(1, limits.parts - 1);
        plan = lower(array, &limits)?;
    }
    // Pieces wait on disk; and each chunk reads for itself.
    if !fits(plan.as_ref()) {
        limits.pieces = 0;
        plan = lower(array, &limits)?;
    }
    if !fits(plan.as_ref()) && limits.without.has(ArrayRule::ExchangeReads) {
        limits.without = limits.without.and(ArrayRule::ExchangeReads);
        plan = lower(array, &limits)?;
    }
    if !fits(plan.as_ref()) {
        beside.at_once.store(1, Ordering::Relaxed);
        if peak(plan.as_ref()).saturating_add(beside.one) > room {
            return Err(refusal(plan.as_ref(), room, beside));
        }
    }
    Ok(plan)
}

/// The bytes that a task of an operator on chunks takes at most: for its largest box and what it is given, and
/// what waits for it; or for its largest block.
pub(crate) fn takes(plan: &dyn ExecutionPlan) -> Option<u64> {
    if let Some(scatter) = plan.downcast_ref::<ScatterChunksExec>() {
        return scatter.takes();
    }
    let waits = plan.downcast_ref::<GatherChunksExec>().map_or(0, GatherChunksExec::keeps);
    program(plan).map(|program| program.takes.saturating_add(waits.div_ceil(tasks(plan))))
}

/// The bytes that all tasks of an operator together keep of what they read, for those who read it next.
pub(crate) fn keeps(plan: &dyn ExecutionPlan) -> u64 {
    let reads = program(plan).map(|program| program.work.program().keeps());
    reads.unwrap_or(0)
}

/// What a whole plan keeps: all of it is of one room.
fn kept(plan: &dyn ExecutionPlan) -> u64 {
    let below = plan.children().into_iter().map(|input| kept(input.as_ref()));
    below.fold(keeps(plan), u64::max)
}

fn tasks(plan: &dyn ExecutionPlan) -> u64 {
    plan.properties().partitioning.partition_count().max(1) as u64
}

/// The bytes that all tasks of a plan take at the same time.
fn peak(plan: &dyn ExecutionPlan) -> u64 {
    let all = takes(plan).unwrap_or(0).saturating_mul(tasks(plan));
    if let Some(map) = plan.downcast_ref::<MapChunksExec>() {
        // What all are given is there before the first of them begins.
        return all.max(made(map.given()));
    }
    if let Some(gather) = plan.downcast_ref::<GatherChunksExec>() {
        // Pieces come while it is made.
        let pieces = plan.children().first().map_or(0, |pieces| peak(pieces.as_ref()));
        return all.saturating_add(pieces).saturating_add(made(gather.given()));
    }
    let below = plan.children().into_iter().map(|input| peak(input.as_ref()));
    let below = below.fold(0, u64::saturating_add);
    let children = plan.children();
    let one_by_one = children.first().and_then(|keys| keys.downcast_ref::<MapChunksExec>());
    let in_turn = one_by_one.is_some_and(|map| map.work().fold().is_none());
    match plan.downcast_ref::<ScatterChunksExec>() {
        // A block is cut up before the next is computed.
        Some(_) if in_turn => all.max(below),
        _ => all.saturating_add(below),
    }
}

/// The bytes that it takes to make what is given to all, one after the other.
fn made(given: &Given) -> u64 {
    let mut there = 0_u64;
    let mut most = 0;
    for (plan, arrays) in given.plans() {
        let bytes = arrays.iter().map(Array::bytes).fold(0, u64::saturating_add);
        // What is shared stays as it came, too.
        let bytes = match plan.downcast_ref::<SharedExec>() {
            Some(_) => bytes.saturating_mul(2),
            None => bytes,
        };
        there = there.saturating_add(bytes);
        most = most.max(there.saturating_add(peak(plan.as_ref())));
    }
    most
}

/// A chunk program among the operators of a plan.
struct Running<'a> {
    work: &'a Work,
    given: u64,
    takes: u64,
}

fn program(plan: &dyn ExecutionPlan) -> Option<Running<'_>> {
    let map = plan.downcast_ref::<MapChunksExec>().map(|map| (map.work(), map.given()));
    let gather = plan.downcast_ref::<GatherChunksExec>();
    let (work, given): (&Work, &Given) =
        map.or_else(|| gather.map(|gather| (gather.work(), gather.given())))?;
    let given = given.bytes();
    Some(Running { work, given, takes: work.takes().saturating_add(given) })
}

/// The program whose tasks take the most.
fn largest<'a>(plan: &'a dyn ExecutionPlan, sofar: Option<Running<'a>>) -> Option<Running<'a>> {
    let here = program(plan);
    let more = match (here, sofar) {
        (Some(here), Some(most)) => Some(if here.takes > most.takes { here } else { most }),
        (here, sofar) => here.or(sofar),
    };
    plan.children().into_iter().fold(more, |most, input| largest(input.as_ref(), most))
}

/// Why a plan does not fit, whose tasks run one at a time.
fn refusal(plan: &dyn ExecutionPlan, room: u64, beside: &Beside) -> DataFusionError {
    let room = room.saturating_sub(beside.one);
    let there = match beside.one {
        0 => ByteSize(room).to_string(),
        one => format!("{} beside {}, which takes {}", ByteSize(room), beside.what, ByteSize(one)),
    };
    let Some(largest) = largest(plan, None) else {
        return DataFusionError::ResourcesExhausted(format!("there is room for {there}"));
    };
    let all = peak(plan);
    // Whatever else runs at the same time stays.
    let others = all.saturating_sub(largest.takes);
    let left = room.checked_sub(largest.given.saturating_add(others));
    let way_out = match left.and_then(|left| largest.work.that_fits(left)) {
        Some(shape) => {
            let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
            format!("chunks of ({}) would fit: cut it so with rechunk(…)", shape.join(", "))
        }
        None => {
            "smaller chunks would not fit either, for what is given to all of them and the chunks \
                 that are stored stay as large"
                .to_string()
        }
    };
    let others = match others {
        0 => String::new(),
        more => format!(", {} more are taken at the same time", ByteSize(more)),
    };
    DataFusionError::ResourcesExhausted(format!(
        "a chunk of shape {:?} takes {} with all that it is made of{others}, and there is room for {there}: \
         {way_out}; or raise memory.limit",
        shape_of(&largest.work.largest()),
        ByteSize(largest.takes),
    ))
}
