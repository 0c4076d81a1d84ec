//! From an array to the plan that computes it. An array is cut at its barriers: where many values are
//! brought to one, what comes of them is a plan of its own, whose result goes on or is given to all.
//!
//! ```text
//! keys ─▶ MapChunks(program)                                          the chunks of an array
//! keys ─▶ MapChunks(program, fold) ─▶ exchange ─▶ CombineChunks       what they come to
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::chunks::{error, keys};
use super::fold::Fold;
use super::{CombineChunksExec, MapChunksExec};
use crate::array::ArrayError;
use crate::config::ByteSize;
use crate::kernels::Becomes;
use crate::lazy::{Array, Op, Step};
use crate::program::Program;

/// What a plan may need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Tasks that run at once.
    pub(crate) parts: usize,
    /// Bytes of results that each task may be given whole.
    pub(crate) given: u64,
}

/// The plan that computes the chunks of an array.
pub(crate) fn lower(array: &Array, limits: Limits) -> Result<Arc<dyn ExecutionPlan>> {
    lower_within(array, limits, &mut 0)
}

/// More reductions than this are not planned together.
const MOST_REDUCTIONS: usize = 500;

fn lower_within(
    array: &Array,
    limits: Limits,
    reductions: &mut usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    *reductions += 1;
    if *reductions > MOST_REDUCTIONS {
        return Err(error(ArrayError::asked(format!(
            "reductions of reductions, of which more than {MOST_REDUCTIONS} are to be computed: each is \
             computed again wherever it is used; save what is there in between"
        ))));
    }
    if let (Op::Step(Step::Shared), [input]) = (array.op(), array.inputs()) {
        return lower_within(input, limits, reductions);
    }
    let Some((becomes, axes)) = folded(array) else {
        let (program, given) = program(array, limits, reductions)?;
        let chunks = array.grid().chunks().unwrap_or(u64::MAX);
        let keys = keys(chunks, limits.parts)?;
        return Ok(Arc::new(MapChunksExec::new(program, None, keys, given)));
    };
    let [input] = array.inputs() else {
        return Err(error(ArrayError::asked("a reduction has one input")));
    };
    let fold = Fold { becomes, axes };
    let (program, given) = program(input, limits, reductions)?;
    let keys = keys(fold.work(input.grid()), limits.parts)?;
    let partial: Arc<dyn ExecutionPlan> =
        Arc::new(MapChunksExec::new(program, Some(fold.clone()), keys, given));
    let chunks = array.grid().chunks().unwrap_or(u64::MAX);
    let exchanged: Arc<dyn ExecutionPlan> = if partial.output_partitioning().partition_count() == 1
    {
        partial
    } else if chunks <= 1 {
        Arc::new(CoalescePartitionsExec::new(partial))
    } else {
        let parts = limits.parts.min(usize::try_from(chunks).unwrap_or(usize::MAX)).max(1);
        let by_chunk = Partitioning::Hash(vec![Arc::new(Column::new("chunk", 0))], parts);
        Arc::new(RepartitionExec::try_new(partial, by_chunk)?)
    };
    Ok(Arc::new(CombineChunksExec::new(fold, input.kind(), array.dtype(), chunks <= 1, exchanged)))
}

/// What many values are brought to, and along which dimensions.
fn folded(array: &Array) -> Option<(Becomes, Vec<bool>)> {
    match array.op() {
        Op::Step(Step::Reduce { reduce, skip_nan, axes }) => {
            Some((Becomes::One { reduce: *reduce, skip_nan: *skip_nan }, axes.clone()))
        }
        Op::Step(Step::Summarize { summary, axes }) => {
            Some((Becomes::Several(summary.clone()), axes.clone()))
        }
        _ => None,
    }
}

type Given = Vec<(Arc<dyn ExecutionPlan>, Array)>;

/// The program of an array without barriers, and what it is given of those there were.
fn program(array: &Array, limits: Limits, reductions: &mut usize) -> Result<(Arc<Program>, Given)> {
    let mut cut = Cut { known: HashMap::new(), given: Vec::new() };
    let root = cut.without_barriers(array).map_err(error)?;
    let mut given = Vec::with_capacity(cut.given.len());
    let mut room = limits.given;
    for barrier in cut.given {
        if barrier.bytes() > room {
            return Err(error(ArrayError::asked(format!(
                "an array of shape {:?} ({}) is to be given to every task, and there is room for {}: raise \
                 memory.limit, or reduce over more dimensions",
                barrier.shape(),
                ByteSize(barrier.bytes()),
                ByteSize(room)
            ))));
        }
        room -= barrier.bytes();
        let plan = lower_within(&barrier, limits, reductions)?;
        let plan: Arc<dyn ExecutionPlan> = match plan.output_partitioning().partition_count() {
            1 => plan,
            _ => Arc::new(CoalescePartitionsExec::new(plan)),
        };
        given.push((plan, barrier));
    }
    Ok((Arc::new(Program::new(root).map_err(error)?), given))
}

struct Cut {
    known: HashMap<usize, Array>,
    given: Vec<Array>,
}

impl Cut {
    fn without_barriers(&mut self, array: &Array) -> std::result::Result<Array, ArrayError> {
        if let Some(known) = self.known.get(&array.id()) {
            return Ok(known.clone());
        }
        let cut = if array.op().is_barrier() {
            self.given.push(array.clone());
            Array::new(Op::Given(self.given.len() - 1), Vec::new(), array.form().clone())?
        } else {
            let inputs = array.inputs().iter().map(|input| self.without_barriers(input));
            let inputs = inputs.collect::<std::result::Result<Vec<_>, _>>()?;
            match inputs.iter().zip(array.inputs()).all(|(new, old)| new.id() == old.id()) {
                true => array.clone(),
                false => Array::new(array.op().clone(), inputs, array.form().clone())?,
            }
        };
        self.known.insert(array.id(), cut.clone());
        Ok(cut)
    }
}
