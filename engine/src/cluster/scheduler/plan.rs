//! From a client's plan to the stages that workers run: planned with the pool's cores in mind, cut by
//! Ballista's planner.

use std::collections::HashMap;
use std::sync::Arc;

use ballista_core::execution_plans::UnresolvedShuffleExec;
use bytes::Bytes;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{Distribution, ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::PhysicalPlanner;

use super::cut::stages_of;
use crate::cluster::options::for_the_pool;
use crate::cluster::worker::{ReadStageExec, Shape, Sources};
use crate::config::options_of;
use crate::layers::{LayerGraph, holds, is_plumbing, is_volatile};
use crate::optimize;
use crate::physical::WindowByPartitionExec;
use crate::session::{planner, reconfigured};
use crate::wire::{Wire, overlaid};

/// A query as stages, sources first; the last one makes the answer.
pub(super) struct Planned {
    pub(super) stages: Vec<StagePlan>,
    /// Before it was cut; none where a worker plans the whole for itself.
    pub(super) physical: Option<Arc<dyn ExecutionPlan>>,
}

/// What the tasks of a stage do.
pub(super) struct StagePlan {
    pub(super) work: StageWork,
    /// How many tasks do it.
    pub(super) parts: usize,
    /// The stages it reads, by their places.
    pub(super) inputs: Vec<usize>,
    /// Bytes that a task is expected to hold and cannot write to disk.
    pub(super) held: u64,
    /// Whether a task that is run again makes the same rows in the same order.
    pub(super) repeats: bool,
    /// Whether each of its tasks passes rows on as they come, in an order that nothing else decides.
    pub(super) in_order: bool,
    /// Its plan for the wire, where that does not depend on where its inputs lie: it has none.
    pub(super) encoded_once: Option<Bytes>,
}

pub(super) enum StageWork {
    /// A physical plan whose leaves read other stages.
    Parts {
        plan: Arc<dyn ExecutionPlan>,
        spread: Option<Partitioning>,
        /// Ballista's numbers of the stages below, as places.
        places: HashMap<usize, usize>,
    },
    /// The logical plan, as it came.
    Whole(Bytes),
}

/// What a query is planned with.
pub(super) struct Planner {
    pub(super) session: SessionContext,
    pub(super) settings: HashMap<String, String>,
    pub(super) cores: usize,
    /// For little memory: an attempt before was refused some.
    pub(super) frugal: bool,
}

impl Planner {
    /// Plans what a client sent.
    pub(super) async fn plan(&self, bytes: &Bytes) -> Result<Planned> {
        let wire = Wire::of(&self.session);
        let state = self.state()?;
        let logical = wire.logical_from_bytes(bytes, &state.task_ctx())?;
        refuse_effects(&logical)?;
        let whole = || Planned {
            stages: vec![StagePlan {
                work: StageWork::Whole(bytes.clone()),
                parts: 1,
                inputs: Vec::new(),
                held: 0,
                repeats: false,
                in_order: false,
                encoded_once: Some(bytes.clone()),
            }],
            physical: None,
        };
        if recurses(&logical)? {
            return Ok(whole());
        }
        let physical = match planner().create_physical_plan(&logical, &state).await {
            Ok(physical) if filters_windows(&physical)? => return Ok(whole()),
            Ok(physical) => physical,
            // Not in parts, but perhaps in one.
            Err(DataFusionError::NotImplemented(_)) => return Ok(whole()),
            Err(error) => return Err(error),
        };
        let small = options_of(state.config_options()).pool.small.0;
        if reads(&physical).is_some_and(|bytes| bytes <= small) && !self.frugal {
            return Ok(Planned { physical: Some(physical), ..whole() });
        }
        let mut planned = self.cut(physical, &state)?;
        // Where a part would find its rows otherwise than it was planned for, there are no parts.
        for stage in &planned.stages {
            if !stage.is_sound()? {
                return Ok(whole());
            }
        }
        for stage in &mut planned.stages {
            match stage.encoded(&wire, &[]) {
                Ok(bytes) if stage.inputs.is_empty() => stage.encoded_once = Some(bytes),
                Ok(_) => {}
                // What has no form on the wire runs where it is planned.
                Err(_) => return Ok(whole()),
            }
        }
        Ok(planned)
    }

    /// The session's state with the client's settings, and what a pool asks for.
    fn state(&self) -> Result<SessionState> {
        let state = self.session.state();
        let mut options = overlaid(state.config_options(), &self.settings)?;
        for_the_pool(&mut options, self.cores)?;
        let rules = optimize::pooled(state.physical_optimizers());
        let rules = if self.frugal { optimize::frugal(&rules) } else { rules };
        let mut config = state.config().clone();
        *config.options_mut() = options;
        Ok(reconfigured(state, config).with_physical_optimizer_rules(rules).build())
    }

    fn cut(&self, plan: Arc<dyn ExecutionPlan>, state: &SessionState) -> Result<Planned> {
        let physical = Some(Arc::clone(&plan));
        let most = LayerGraph::of(&plan)?.most_held();
        let cut = stages_of(plan, state.config_options())?;
        let places: HashMap<usize, usize> =
            cut.iter().enumerate().map(|(place, stage)| (stage.id, place)).collect();
        let mut stages = Vec::with_capacity(cut.len());
        for stage in cut {
            let mut inputs = Vec::new();
            let mut held = 0;
            stage.plan.apply(|node| {
                // Which of the layers it is shows no more once the plan is cut: enough for any.
                if holds(node.as_ref()) {
                    held = most;
                }
                if let Some(below) = node.downcast_ref::<UnresolvedShuffleExec>() {
                    inputs.extend(places.get(&below.stage_id));
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
            stages.push(StagePlan {
                parts: stage.plan.output_partitioning().partition_count(),
                inputs,
                held,
                repeats: repeats(&stage.plan)?,
                in_order: in_order(&stage.plan),
                encoded_once: None,
                work: StageWork::Parts {
                    plan: stage.plan,
                    spread: stage.spread,
                    places: places.clone(),
                },
            });
        }
        Ok(Planned { stages, physical })
    }
}

impl StagePlan {
    /// Whether operators that take all rows in one partition have them in one.
    fn is_sound(&self) -> Result<bool> {
        let StageWork::Parts { plan, places, .. } = &self.work else { return Ok(true) };
        let mut sound = true;
        resolved(plan, places, &[])?.apply(|node| {
            let wanted = node.input_distribution_requirements().into_per_child();
            sound &= node.children().iter().zip(wanted).all(|(input, wanted)| {
                !matches!(wanted, Distribution::SinglePartition)
                    || input.output_partitioning().partition_count() <= 1
            });
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(sound)
    }

    /// Whether a worker plans it for itself.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.work, StageWork::Whole(_))
    }

    /// How many outputs each of its tasks has.
    pub(super) fn outputs(&self) -> usize {
        match &self.work {
            StageWork::Parts { spread: Some(spread), .. } => spread.partition_count(),
            _ => 1,
        }
    }

    /// Its plan for the wire, reading what these stages, by their places, have made.
    pub(super) fn encoded(&self, wire: &Arc<Wire>, made: &[(usize, Sources)]) -> Result<Bytes> {
        let (plan, spread) = match &self.work {
            StageWork::Whole(bytes) => return Ok(bytes.clone()),
            StageWork::Parts { plan, spread, places } => {
                (resolved(plan, places, made)?, spread.clone())
            }
        };
        wire.physical_to_bytes(match spread {
            Some(spread) => Arc::new(RepartitionExec::try_new(plan, spread)?),
            None => plan,
        })
    }
}

/// A stage's plan, with the leaves that read what these stages have made. Where nothing is made yet, a
/// leaf says the place of the stage it is to read.
pub(super) fn resolved(
    plan: &Arc<dyn ExecutionPlan>,
    places: &HashMap<usize, usize>,
    made: &[(usize, Sources)],
) -> Result<Arc<dyn ExecutionPlan>> {
    let sources = |below: &UnresolvedShuffleExec| {
        let place = places.get(&below.stage_id).copied().unwrap_or_default();
        let made = made.iter().find(|(at, _)| *at == place);
        let none = || Sources { stage: place as u32, ..Sources::default() };
        made.map_or_else(none, |(_, sources)| sources.clone())
    };
    let plan = Arc::clone(plan).transform_down(|node| {
        // Parts that are gathered are read one after the other, and so in one order.
        if let Some(gather) = node.downcast_ref::<CoalescePartitionsExec>()
            && let Some(below) = gather.input().downcast_ref::<UnresolvedShuffleExec>()
        {
            let all = Sources { shape: Shape::All as i32, ..sources(below) };
            let one = Partitioning::UnknownPartitioning(1);
            let read: Arc<dyn ExecutionPlan> =
                Arc::new(ReadStageExec::new(all, below.schema(), one));
            let read = match gather.fetch() {
                Some(rows) => Arc::new(GlobalLimitExec::new(read, 0, Some(rows))),
                None => read,
            };
            return Ok(Transformed::new(read, true, TreeNodeRecursion::Jump));
        }
        let Some(below) = node.downcast_ref::<UnresolvedShuffleExec>() else {
            return Ok(Transformed::no(node));
        };
        let mut sources = sources(below);
        let partitioning = if below.broadcast {
            sources.shape = Shape::All as i32;
            Partitioning::UnknownPartitioning(1)
        } else {
            below.properties().output_partitioning().clone()
        };
        Ok(Transformed::yes(
            Arc::new(ReadStageExec::new(sources, below.schema(), partitioning)) as _
        ))
    })?;
    Ok(plan.data)
}

/// A pool answers questions; what changes something is done by whoever asks.
fn refuse_effects(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| match node {
        LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::Statement(_) => {
            Err(DataFusionError::Plan(format!("a pool runs no {}", node.display())))
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}

fn recurses(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= matches!(node, LogicalPlan::RecursiveQuery(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether an aggregate over a window has a `FILTER`: DataFusion's own bytes of a window leave it out
/// without a word.
fn filters_windows(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        let windows = if let Some(bounded) = node.downcast_ref::<BoundedWindowAggExec>() {
            bounded.window_expr()
        } else if let Some(window) = node.downcast_ref::<WindowByPartitionExec>() {
            window.inner().window_expr()
        } else if let Some(window) = node.downcast_ref::<WindowAggExec>() {
            window.window_expr()
        } else {
            &[]
        };
        found |= windows.iter().any(|window| window.name().contains(" FILTER ("));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// How many bytes a plan reads; none where that is not known.
fn reads(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    if plan.downcast_ref::<LazyMemoryExec>().is_some() {
        return None;
    }
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        if let Some(files) = scan.data_source().downcast_ref::<FileScanConfig>() {
            let all = files.file_groups.iter().flat_map(|group| group.files());
            return Some(all.map(|file| file.effective_size()).sum());
        }
        let rows = scan.data_source().downcast_ref::<MemorySourceConfig>()?;
        let batches = rows.partitions().iter().flatten();
        return Some(batches.map(|batch| batch.get_array_memory_size() as u64).sum());
    }
    plan.children().into_iter().map(reads).sum()
}

/// Whether a plan makes the same rows in the same order from the same input. What cuts off rows, or
/// counts them, depends on which of equal rows comes first; and some functions on chance.
fn repeats(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut repeats = true;
    plan.apply(|node| {
        let cuts = node.fetch().is_some();
        let merges = node.downcast_ref::<SortPreservingMergeExec>().is_some();
        let counts = node.downcast_ref::<WindowAggExec>().is_some()
            || node.downcast_ref::<BoundedWindowAggExec>().is_some()
            || node.downcast_ref::<WindowByPartitionExec>().is_some();
        if cuts || merges || counts || is_volatile(node) {
            repeats = false;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(repeats)
}

/// Whether a plan passes rows on as they come to it. Only what is known to do so is taken for that.
fn in_order(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let is_shuffle =
        |plan: &Arc<dyn ExecutionPlan>| plan.downcast_ref::<UnresolvedShuffleExec>().is_some();
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source) {
        return scan.downcast_ref::<FileScanConfig>().is_some()
            || scan.downcast_ref::<MemorySourceConfig>().is_some();
    }
    // What is gathered of another stage is read one part after the other.
    if let Some(gathers) = plan.downcast_ref::<CoalescePartitionsExec>() {
        return is_shuffle(gathers.input());
    }
    let passes_on = is_plumbing(plan)
        || plan.downcast_ref::<FilterExec>().is_some()
        || plan.downcast_ref::<ProjectionExec>().is_some();
    is_shuffle(plan)
        || plan.downcast_ref::<LazyMemoryExec>().is_some()
        || passes_on && plan.children().into_iter().all(in_order)
}
