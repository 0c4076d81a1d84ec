//! From an array to the plan that computes it. An array is cut at its barriers: where many values are
//! brought to one, what comes of them is a plan of its own, whose result goes on or is given to all.
//!
//! ```text
//! keys ─▶ MapChunks(program)                                          the chunks of an array
//! keys ─▶ MapChunks(program, fold) ─▶ exchange ─▶ CombineChunks       what they come to
//! keys ─▶ ScatterChunks ─▶ exchange ─▶ GatherChunks(program)          in place of MapChunks, where much would
//!                                                                     be read again and again
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::chunks::{error, keys};
use super::exchange::{Exchange, Thresholds};
use super::fold::Fold;
use super::given::Given;
use super::shared::SharedExec;
use super::work::Work;
use super::{CombineChunksExec, GatherChunksExec, MapChunksExec, ScatterChunksExec};
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
    /// When what is read is exchanged.
    pub(crate) exchange: Thresholds,
}

/// The plan that computes the chunks of an array.
pub(crate) fn lower(array: &Array, limits: Limits) -> Result<Arc<dyn ExecutionPlan>> {
    let mut lowering = Lowering { limits, uses: HashMap::new(), known: HashMap::new() };
    lowering.count(array)?;
    lowering.lower(array).map(|lowered| lowered.plan)
}

/// More reductions than this are not planned together.
const MOST_REDUCTIONS: usize = 500;

/// What is known while a plan is made.
struct Lowering {
    limits: Limits,
    /// How many programs are given what a barrier comes to.
    uses: HashMap<usize, usize>,
    /// What was lowered already.
    known: HashMap<usize, Lowered>,
}

#[derive(Clone)]
struct Lowered {
    plan: Arc<dyn ExecutionPlan>,
    /// How many reductions there are in it.
    reductions: usize,
}

impl Lowering {
    /// Counts the programs that are given each barrier.
    fn count(&mut self, array: &Array) -> Result<()> {
        let mut left = vec![array.clone()];
        while let Some(array) = left.pop() {
            let below = match array.op().is_barrier() {
                true => array.inputs().first().unwrap_or(&array).clone(),
                false => array,
            };
            let mut cut = Cut::default();
            cut.without_barriers(&below).map_err(error)?;
            for barrier in cut.given {
                let uses = self.uses.entry(barrier.id()).or_default();
                *uses += 1;
                if *uses == 1 {
                    left.push(barrier);
                }
            }
        }
        Ok(())
    }

    fn lower(&mut self, array: &Array) -> Result<Lowered> {
        if let Some(known) = self.known.get(&array.id()) {
            return Ok(known.clone());
        }
        let mut reductions = 1;
        let plan = self.plan(array, &mut reductions)?;
        let lowered = Lowered { plan, reductions };
        self.known.insert(array.id(), lowered.clone());
        Ok(lowered)
    }

    fn plan(&mut self, array: &Array, reductions: &mut usize) -> Result<Arc<dyn ExecutionPlan>> {
        let limits = self.limits;
        if let (Op::Step(Step::Whole), [input]) = (array.op(), array.inputs()) {
            return self.plan(input, reductions);
        }
        let Some((becomes, axes)) = folded(array) else {
            let (program, given) = self.program(array, reductions)?;
            return computed(Work::new(program, None), given, limits);
        };
        let [input] = array.inputs() else {
            return Err(error(ArrayError::asked("a reduction has one input")));
        };
        let fold = Fold { becomes, axes };
        let (program, given) = self.program(input, reductions)?;
        let partial = computed(Work::new(program, Some(fold.clone())), given, limits)?;
        let chunks = array.grid().chunks().unwrap_or(u64::MAX);
        let exchanged: Arc<dyn ExecutionPlan> =
            if partial.output_partitioning().partition_count() == 1 {
                partial
            } else if chunks <= 1 {
                Arc::new(CoalescePartitionsExec::new(partial))
            } else {
                by_chunk(partial, chunks, limits)?
            };
        let single = chunks <= 1;
        Ok(Arc::new(CombineChunksExec::new(fold, input.kind(), array.dtype(), single, exchanged)))
    }

    /// The program of an array without barriers, and what it is given of those there were.
    fn program(&mut self, array: &Array, reductions: &mut usize) -> Result<(Arc<Program>, Given)> {
        let mut cut = Cut::default();
        let root = cut.without_barriers(array).map_err(error)?;
        let mut given = Vec::with_capacity(cut.given.len());
        let mut room = self.limits.given;
        for barrier in cut.given {
            if barrier.bytes() > room {
                return Err(error(ArrayError::asked(format!(
                    "an array of shape {:?} ({}) is to be given to every task, and there is room for {}: \
                     raise memory.limit, or reduce over more dimensions",
                    barrier.shape(),
                    ByteSize(barrier.bytes()),
                    ByteSize(room)
                ))));
            }
            room -= barrier.bytes();
            given.push((self.given(&barrier, reductions)?, barrier));
        }
        Ok((Arc::new(Program::new(root).map_err(error)?), Given::new(given)))
    }

    /// What a barrier comes to, in one partition.
    fn given(&mut self, barrier: &Array, reductions: &mut usize) -> Result<Arc<dyn ExecutionPlan>> {
        let known = self.known.contains_key(&barrier.id());
        let mut lowered = self.lower(barrier)?;
        // A plan is a tree: what is used again stands in it again.
        *reductions += lowered.reductions;
        if *reductions > MOST_REDUCTIONS {
            return Err(error(ArrayError::asked(format!(
                "reductions of reductions, which are more than {MOST_REDUCTIONS} where each is written out \
                 wherever it is used: save what is there in between"
            ))));
        }
        if !known {
            if lowered.plan.output_partitioning().partition_count() != 1 {
                lowered.plan = Arc::new(CoalescePartitionsExec::new(lowered.plan));
            }
            if self.uses.get(&barrier.id()).is_some_and(|uses| *uses > 1) {
                lowered.plan = Arc::new(SharedExec::new(lowered.plan));
            }
            self.known.insert(barrier.id(), lowered.clone());
        }
        Ok(lowered.plan)
    }
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

/// The plan that runs a program on all of its boxes.
fn computed(work: Work, given: Given, limits: Limits) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(exchange) = Exchange::of(&work, limits.exchange) else {
        let keys = keys(work.count(), limits.parts)?;
        return Ok(Arc::new(MapChunksExec::new(work, keys, given)));
    };
    let mut scattered: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(exchange.len());
    for which in 0..exchange.len() {
        let Some(blocks) = exchange.get(&work, which).map(|read| read.blocks.chunks()) else {
            return internal_err!("what is exchanged is not read");
        };
        let keys = keys(blocks.unwrap_or(u64::MAX), limits.parts)?;
        let (work, exchange) = (work.clone(), exchange.clone());
        scattered.push(Arc::new(ScatterChunksExec::new(work, exchange, which, keys)));
    }
    let pieces = match <[_; 1]>::try_from(scattered) {
        Ok([one]) => one,
        Err(several) => UnionExec::try_new(several)?,
    };
    let pieces = by_chunk(pieces, work.count(), limits)?;
    Ok(Arc::new(GatherChunksExec::new(work, exchange, pieces, given)))
}

/// Brings together what belongs to the same chunk.
fn by_chunk(
    rows: Arc<dyn ExecutionPlan>,
    chunks: u64,
    limits: Limits,
) -> Result<Arc<dyn ExecutionPlan>> {
    let parts = limits.parts.min(usize::try_from(chunks).unwrap_or(usize::MAX)).max(1);
    let by_chunk = Partitioning::Hash(vec![Arc::new(Column::new("chunk", 0))], parts);
    Ok(Arc::new(RepartitionExec::try_new(rows, by_chunk)?))
}

/// Cuts an array at its barriers.
#[derive(Default)]
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
