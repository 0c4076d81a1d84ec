//! From an array to the plan that computes it. An array is cut at its barriers: where many values are
//! brought to one, what comes of them is a plan of its own, whose result goes on or is given to all.
//!
//! ```text
//! keys ─▶ MapChunks(program)                                          the chunks of an array
//! keys ─▶ MapChunks(program, fold) ─▶ exchange ─▶ CombineChunks       what they come to
//! keys ─▶ ScatterChunks ─▶ exchange ─▶ GatherChunks(program)          in place of MapChunks, where much would
//!                                                                     be read again and again
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::chunks::{error, keys, whole_keys};
use super::combine::Meet;
use super::computed::Computed;
use super::exchange::{Exchange, Thresholds};
use super::fold::Fold;
use super::given::Given;
use super::keep::Keep;
use super::shared::SharedExec;
use super::work::Work;
use super::{CombineChunksExec, GatherChunksExec, MapChunksExec, ScatterChunksExec};
use crate::array::{ArrayError, ArraySource, Cuts, Region, Room};
use crate::kernels::Becomes;
use crate::lazy::{Array, Op, Step};
use crate::optimize::{ArrayRule, Without};
use crate::program::Program;

/// What a plan may need.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Tasks that run at once.
    pub(crate) parts: usize,
    /// Bytes of results that each task may be given whole.
    pub(crate) given: u64,
    /// Bytes of pieces that wait in memory, all tasks together.
    pub(crate) pieces: u64,
    /// Memory for what is read once and asked for again.
    pub(crate) keep: Option<Arc<Room>>,
    /// When what is read is exchanged.
    pub(crate) exchange: Thresholds,
    /// Rules that are left out.
    pub(crate) without: Without,
}

/// The plan that computes the chunks of an array.
pub(crate) fn lower(array: &Array, limits: &Limits) -> Result<Arc<dyn ExecutionPlan>> {
    let mut lowering = Lowering {
        limits,
        apart: HashSet::new(),
        uses: HashMap::new(),
        known: HashMap::new(),
        keep: Keep::new(limits.keep.clone()),
    };
    lowering.count(array)?;
    lowering.lower(std::slice::from_ref(array)).map(|lowered| lowered.plan)
}

/// Chunks that are taken together take no more bytes than this, with all that they are made of.
const WORTH_TOGETHER: u64 = 1 << 20;

/// More reductions than this are not planned together.
const MOST_REDUCTIONS: usize = 500;

/// What is known while a plan is made.
struct Lowering<'a> {
    limits: &'a Limits,
    /// Barriers that are not computed together with the same others everywhere.
    apart: HashSet<usize>,
    /// How many programs are given what barriers come to, which are computed together.
    uses: HashMap<Vec<usize>, usize>,
    /// What was lowered already.
    known: HashMap<Vec<usize>, Lowered>,
    /// What several programs read.
    keep: Keep,
}

/// What tells barriers from others.
fn ids(barriers: &[Array]) -> Vec<usize> {
    barriers.iter().map(Array::id).collect()
}

#[derive(Clone)]
struct Lowered {
    plan: Arc<dyn ExecutionPlan>,
    /// How many reductions there are in it.
    reductions: usize,
}

impl Lowering<'_> {
    /// Counts the programs that are given each barrier.
    fn count(&mut self, array: &Array) -> Result<()> {
        let mut companies: HashMap<usize, HashSet<Vec<usize>>> = HashMap::new();
        let mut keep = Keep::new(self.limits.keep.clone());
        self.each_program(array, |_, program, barriers| {
            keep.count(program);
            for company in together(barriers, &HashSet::new()) {
                for barrier in &company {
                    companies.entry(barrier.id()).or_default().insert(ids(&company));
                }
            }
        })?;
        self.keep = keep;
        let several = companies.into_iter().filter(|(_, companies)| companies.len() > 1);
        self.apart = match self.limits.without.has(ArrayRule::ReduceTogether) {
            true => several.map(|(barrier, _)| barrier).collect(),
            false => self.all(array)?,
        };
        let mut uses: HashMap<Vec<usize>, usize> = HashMap::new();
        self.each_program(array, |lowering, _, barriers| {
            for company in together(barriers, &lowering.apart) {
                *uses.entry(ids(&company)).or_default() += 1;
            }
        })?;
        self.uses = uses;
        Ok(())
    }

    /// All barriers.
    fn all(&self, array: &Array) -> Result<HashSet<usize>> {
        let mut all = HashSet::new();
        self.each_program(array, |_, _, barriers| all.extend(barriers.iter().map(Array::id)))?;
        Ok(all)
    }

    /// Calls with each program and what it is given, each once.
    fn each_program(
        &self,
        array: &Array,
        mut each: impl FnMut(&Self, &Array, &[Array]),
    ) -> Result<()> {
        let mut seen = HashSet::new();
        let mut left = vec![array.clone()];
        while let Some(array) = left.pop() {
            let below = match array.op().is_barrier() {
                true => array.inputs().first().unwrap_or(&array).clone(),
                false => array,
            };
            // What is brought to several things is one program.
            if !seen.insert(below.id()) {
                continue;
            }
            let mut cut = Cut::new(self.limits.given);
            let program = cut.without_barriers(&below).map_err(error)?;
            each(self, &program, &cut.given);
            left.extend(cut.given);
            left.extend(cut.computed.into_iter().map(|(_, barrier)| barrier));
        }
        Ok(())
    }

    /// The plan that computes an array, or several barriers together.
    fn lower(&mut self, arrays: &[Array]) -> Result<Lowered> {
        if let Some(known) = self.known.get(&ids(arrays)) {
            stands_again(&known.plan);
            return Ok(known.clone());
        }
        let mut reductions = 1;
        let plan = self.plan(arrays, &mut reductions)?;
        let lowered = Lowered { plan, reductions };
        self.known.insert(ids(arrays), lowered.clone());
        Ok(lowered)
    }

    fn plan(&mut self, arrays: &[Array], reductions: &mut usize) -> Result<Arc<dyn ExecutionPlan>> {
        let limits = self.limits;
        let Some(array) = arrays.first() else { return internal_err!("nothing is computed") };
        if let (Op::Step(Step::Whole), [input]) = (array.op(), array.inputs()) {
            return self.plan(std::slice::from_ref(input), reductions);
        }
        let Some((becomes, axes)) = folded(arrays) else {
            let (program, given) = self.program(array, reductions)?;
            return computed(Work::new(program, None), given, limits, Rows::Chunks);
        };
        let [input] = array.inputs() else {
            return Err(error(ArrayError::asked("a reduction has one input")));
        };
        let (program, given) = self.program(input, reductions)?;
        // Chunks may be tiny, and what they are made of is not.
        let largest: Region = input.grid().0.iter().map(Cuts::longest_piece).collect();
        let together = match limits.without.has(ArrayRule::TakeNeighbours) {
            true => (WORTH_TOGETHER / program.holds(&largest, true, &[]).max(1)).max(1),
            false => 1,
        };
        let fold = Fold { becomes, axes, together };
        let chunks = array.grid().chunks().unwrap_or(u64::MAX);
        let work = Work::new(program, Some(fold.clone()));
        // Where there are enough chunks for all tasks, each brings whole chunks together.
        let parts = limits.parts.max(1) as u64;
        let rows = match chunks >= 4 * parts || (chunks > 0 && chunks.is_multiple_of(parts)) {
            true => Rows::States { chunks },
            false => Rows::Chunks,
        };
        let each = work.count().checked_div(chunks);
        let partial = computed(work, given, limits, rows)?;
        let in_a_row = partial.downcast_ref::<MapChunksExec>().is_some()
            && (matches!(rows, Rows::States { .. })
                || partial.output_partitioning().partition_count() == 1);
        let (meet, exchanged): (_, Arc<dyn ExecutionPlan>) = if in_a_row {
            (Meet::InARow, partial)
        } else if chunks <= 1 {
            (Meet::Single, Arc::new(CoalescePartitionsExec::new(partial)))
        } else {
            // Boxes that are put together from pieces come to a state each.
            let each = each.filter(|_| partial.downcast_ref::<GatherChunksExec>().is_some());
            (Meet::Sent { each }, by_chunk(partial, chunks, limits)?)
        };
        let dtypes = arrays.iter().map(Array::dtype).collect();
        Ok(Arc::new(CombineChunksExec::new(fold, input.kind(), dtypes, meet, exchanged)))
    }

    /// The program of an array without barriers, and what it is given of those there were.
    fn program(&mut self, array: &Array, reductions: &mut usize) -> Result<(Arc<Program>, Others)> {
        let mut cut = Cut::new(self.limits.given);
        let program = cut.without_barriers(array).map_err(error)?;
        // What is computed together is given one after the other.
        let companies = together(&cut.given, &self.apart);
        cut.given = companies.concat();
        let mut given = Vec::with_capacity(companies.len());
        for company in companies {
            given.push((self.given(&company, reductions)?, company));
        }
        let mut computed = Vec::with_capacity(cut.computed.len());
        for (source, barrier) in &cut.computed {
            let lowered = self.lower(std::slice::from_ref(barrier))?;
            counted(reductions, lowered.reductions)?;
            computed.push((Arc::clone(source), lowered.plan));
        }
        // What runs before this was made before this.
        let kept = self.keep.instead(&program).map_err(error)?;
        let root = cut.again(array, kept).map_err(error)?;
        let program = Program::new(root, self.limits.without.clone()).map_err(error)?;
        Ok((Arc::new(program), Others { given: Given::new(given), computed }))
    }

    /// What barriers come to, in one partition.
    fn given(
        &mut self,
        barriers: &[Array],
        reductions: &mut usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let key = ids(barriers);
        let known = self.known.contains_key(&key);
        let mut lowered = self.lower(barriers)?;
        // A plan is a tree: what is used again stands in it again.
        counted(reductions, lowered.reductions)?;
        if !known {
            if lowered.plan.output_partitioning().partition_count() != 1 {
                lowered.plan = Arc::new(CoalescePartitionsExec::new(lowered.plan));
            }
            let shares = self.limits.without.has(ArrayRule::ShareResults);
            let memo = match barriers {
                [one] => one.memo().cloned(),
                _ => None,
            };
            let again = memo.is_some() || self.uses.get(&key).is_some_and(|uses| *uses > 1);
            if shares && again {
                lowered.plan = Arc::new(SharedExec::new(lowered.plan, memo));
            }
            self.known.insert(key, lowered.clone());
        }
        Ok(lowered.plan)
    }
}

/// Says that a plan stands in several places.
fn stands_again(plan: &Arc<dyn ExecutionPlan>) {
    if let Some(map) = plan.downcast_ref::<MapChunksExec>() {
        map.stands_again();
    }
    // What is computed once runs once.
    if plan.downcast_ref::<SharedExec>().is_none() {
        plan.children().into_iter().for_each(stands_again);
    }
}

/// Barriers that are computed in one go: those that bring the same values to something along the same
/// dimensions. Those that are to stay apart are alone.
fn together(barriers: &[Array], apart: &HashSet<usize>) -> Vec<Vec<Array>> {
    let mut companies: Vec<Vec<Array>> = Vec::new();
    for barrier in barriers {
        let joins = |company: &&mut Vec<Array>| {
            let Some(other) = company.first().filter(|other| !apart.contains(&other.id())) else {
                return false;
            };
            let ([input], [same]) = (barrier.inputs(), other.inputs()) else { return false };
            let alike = match (barrier.op(), other.op()) {
                (
                    Op::Step(Step::Reduce { axes, .. }),
                    Op::Step(Step::Reduce { axes: others, .. }),
                )
                | (
                    Op::Step(Step::Group { axes, .. }),
                    Op::Step(Step::Group { axes: others, .. }),
                ) => axes == others,
                _ => false,
            };
            alike && input.id() == same.id()
        };
        match companies.iter_mut().find(joins).filter(|_| !apart.contains(&barrier.id())) {
            Some(company) => company.push(barrier.clone()),
            None => companies.push(vec![barrier.clone()]),
        }
    }
    companies
}

/// Counts the reductions of a plan that another one needs.
fn counted(reductions: &mut usize, more: usize) -> Result<()> {
    *reductions += more;
    match *reductions > MOST_REDUCTIONS {
        true => Err(error(ArrayError::asked(format!(
            "reductions of reductions, which are more than {MOST_REDUCTIONS} where each is written out \
             wherever it is used: save what is there in between"
        )))),
        false => Ok(()),
    }
}

/// What a program needs of other plans.
struct Others {
    given: Given,
    /// What is too large to be given whole, as what the program reads, and what computes it.
    computed: Vec<(Arc<dyn ArraySource>, Arc<dyn ExecutionPlan>)>,
}

/// What the rows of a plan are to be.
#[derive(Clone, Copy)]
enum Rows {
    /// Chunks, or states of them wherever they come to be.
    Chunks,
    /// States of so many chunks, each of them of one task.
    States { chunks: u64 },
}

/// What many values are brought to, and along which dimensions.
fn folded(arrays: &[Array]) -> Option<(Becomes, Vec<bool>)> {
    let one = |array: &Array| match array.op() {
        Op::Step(Step::Reduce { reduce, skip_nan, axes }) => {
            Some((Becomes::One { reduce: *reduce, skip_nan: *skip_nan }, axes.clone()))
        }
        Op::Step(Step::Summarize { summary, axes }) => {
            Some((Becomes::Several(summary.clone()), axes.clone()))
        }
        Op::Step(Step::Group { group, axes }) => {
            Some((Becomes::Grouped(group.clone()), axes.clone()))
        }
        _ => None,
    };
    if let [array] = arrays {
        return one(array);
    }
    let all = arrays.iter().map(one).collect::<Option<Vec<_>>>()?;
    let axes = all.first()?.1.clone();
    Some((Becomes::Together(all.into_iter().map(|(becomes, _)| becomes).collect()), axes))
}

/// The plan that runs a program on all of its boxes.
fn computed(
    work: Work,
    Others { given, computed }: Others,
    limits: &Limits,
    rows: Rows,
) -> Result<Arc<dyn ExecutionPlan>> {
    let thresholds = limits.without.has(ArrayRule::ExchangeReads).then_some(limits.exchange);
    let sources: Vec<_> = computed.iter().map(|(source, _)| Arc::clone(source)).collect();
    let Some(exchange) = Exchange::of(&work, &sources, thresholds) else {
        let keys = match rows {
            Rows::Chunks => keys(work.count(), limits.parts)?,
            Rows::States { chunks } => whole_keys(work.count(), chunks, limits.parts)?,
        };
        let unit = match rows {
            Rows::Chunks => 1,
            Rows::States { chunks } => work.count().checked_div(chunks).unwrap_or(1),
        };
        return Ok(Arc::new(MapChunksExec::new(work, keys, given).sharing(unit)));
    };
    let mut scattered: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(exchange.len());
    for which in 0..exchange.len() {
        let Some(read) = exchange.get(&work, which) else {
            return internal_err!("what is exchanged is not read");
        };
        let blocks = read.blocks.chunks().unwrap_or(u64::MAX);
        let by = computed.iter().find(|(source, _)| Arc::ptr_eq(source, read.source));
        let keys = match by {
            Some((_, plan)) => Arc::clone(plan),
            None => keys(blocks, limits.parts)?,
        };
        let (work, exchange) = (work.clone(), exchange.clone());
        scattered.push(Arc::new(ScatterChunksExec::new(work, exchange, which, keys)));
    }
    let pieces = match <[_; 1]>::try_from(scattered) {
        Ok([one]) => one,
        Err(several) => UnionExec::try_new(several)?,
    };
    let pieces = by_chunk(pieces, work.count(), limits)?;
    Ok(Arc::new(GatherChunksExec::new(work, exchange, pieces, given).keeping(limits.pieces)))
}

/// Brings together what belongs to the same chunk.
fn by_chunk(
    rows: Arc<dyn ExecutionPlan>,
    chunks: u64,
    limits: &Limits,
) -> Result<Arc<dyn ExecutionPlan>> {
    let parts = limits.parts.min(usize::try_from(chunks).unwrap_or(usize::MAX)).max(1);
    let by_chunk = Partitioning::Hash(vec![Arc::new(Column::new("chunk", 0))], parts);
    Ok(Arc::new(RepartitionExec::try_new(rows, by_chunk)?))
}

/// Cuts an array at its barriers.
struct Cut {
    known: HashMap<usize, Array>,
    /// What is given whole, and how many bytes more may be.
    given: Vec<Array>,
    room: u64,
    /// What is too large for that.
    computed: Vec<(Arc<dyn ArraySource>, Array)>,
}

impl Cut {
    fn new(room: u64) -> Self {
        Self { known: HashMap::new(), given: Vec::new(), room, computed: Vec::new() }
    }

    /// The same cut once more, now that it is known in which order results are given, and with some reads in
    /// place of others.
    fn again(
        &mut self,
        array: &Array,
        instead: Vec<(usize, Array)>,
    ) -> std::result::Result<Array, ArrayError> {
        self.known = instead.into_iter().collect();
        for (number, barrier) in self.given.iter().enumerate() {
            self.known.insert(barrier.id(), barrier.handed(number)?);
        }
        for (source, barrier) in &self.computed {
            let form = barrier.form().clone();
            let read = Array::new(Op::Read(Arc::clone(source)), Vec::new(), form)?;
            self.known.insert(barrier.id(), read);
        }
        self.without_barriers(array)
    }

    fn without_barriers(&mut self, array: &Array) -> std::result::Result<Array, ArrayError> {
        if let Some(known) = self.known.get(&array.id()) {
            return Ok(known.clone());
        }
        let cut = if array.op().is_barrier() {
            let form = array.form().clone();
            let op = match self.room.checked_sub(array.bytes()) {
                Some(room) => {
                    self.room = room;
                    self.given.push(array.clone());
                    Op::Given(self.given.len() - 1)
                }
                None => {
                    let number = self.computed.len();
                    let source: Arc<dyn ArraySource> =
                        Arc::new(Computed::new(number, form.clone()));
                    self.computed.push((Arc::clone(&source), array.clone()));
                    Op::Read(source)
                }
            };
            Array::new(op, Vec::new(), form)?
        } else {
            let inputs = array.inputs().iter().map(|input| self.without_barriers(input));
            array.over(inputs.collect::<std::result::Result<_, _>>()?)?
        };
        self.known.insert(array.id(), cut.clone());
        Ok(cut)
    }
}
