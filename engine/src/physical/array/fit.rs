//! Whether the chunk programs of a plan fit the memory limit, known before anything runs: fewer tasks at a
//! time where that helps, and a refusal with the numbers where it does not.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;

use super::given::Given;
use super::lower::{Limits, lower};
use super::work::Work;
use super::{GatherChunksExec, MapChunksExec, ScatterChunksExec};
use crate::array::shape_of;
use crate::config::ByteSize;
use crate::lazy::Array;

/// The plan that computes the chunks of an array, whose tasks have so many bytes together.
pub(crate) fn fitting(array: &Array, limits: &Limits, room: u64) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = lower(array, limits)?;
    let Some(largest) = largest(plan.as_ref(), None) else { return Ok(plan) };
    // What is kept is there beside what all tasks take, or not at all.
    let all = largest.takes.saturating_mul(limits.parts as u64);
    if limits.keep.is_some() && all > room.saturating_sub(kept(plan.as_ref())) {
        return fitting(array, &Limits { keep: None, ..limits.clone() }, room);
    }
    if largest.takes > room {
        return Err(refusal(&largest, room));
    }
    let parts = usize::try_from(room / largest.takes.max(1)).unwrap_or(usize::MAX).max(1);
    match parts < limits.parts {
        true => lower(array, &Limits { parts, ..limits.clone() }),
        false => Ok(plan),
    }
}

/// The bytes that a task of an operator on chunks takes at most: for its largest box and what it is given, or
/// for its largest block.
pub(crate) fn takes(plan: &dyn ExecutionPlan) -> Option<u64> {
    let scatter = plan.downcast_ref::<ScatterChunksExec>();
    scatter.map_or_else(|| program(plan).map(|program| program.takes), ScatterChunksExec::takes)
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

fn refusal(largest: &Running<'_>, room: u64) -> DataFusionError {
    let left = room.checked_sub(largest.given);
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
    DataFusionError::ResourcesExhausted(format!(
        "a chunk of shape {:?} takes {} with all that it is made of, and there is room for {}: {way_out}; or \
         raise memory.limit",
        shape_of(&largest.work.largest()),
        ByteSize(largest.takes),
        ByteSize(room)
    ))
}
