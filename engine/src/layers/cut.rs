//! Cuts a plan at its exchanges: hash exchanges become shuffles, what gathers partitions begins a
//! reduction, and a side that every task is given whole is a layer of its own. Ballista cuts its stages
//! at the same places: a stage is a layer that is no shuffle.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::statistics::StatisticsContext;
use datafusion::physical_plan::{
    Distribution, ExecutionPlan, ExecutionPlanProperties, Partitioning, displayable,
};

use super::estimate::{Estimate, Size};
use super::fingerprint::Fingerprints;
use super::graph::{Device, Feed, Layer, LayerId, Operator, Work};
use super::measured::{Measured, OperatorMetrics};
use super::memory::{self, Memory};
use crate::physical::{CompactExec, DiagnosedExec, PackedExec, SharedExec, VerifiedExec};

/// The layers of a plan, sources first.
pub(super) fn layers(plan: &Arc<dyn ExecutionPlan>, counted: &Counted<'_>) -> Result<Vec<Layer>> {
    let mut cutter = Cutter {
        counted,
        layers: Vec::new(),
        statistics: StatisticsContext::new(),
        fingerprints: Fingerprints::default(),
    };
    cutter.layer(plan)?;
    Ok(cutter.layers)
}

/// What an operator counted, wherever it ran.
pub(super) type Counted<'a> = dyn Fn(&Arc<dyn ExecutionPlan>) -> Option<OperatorMetrics> + 'a;

struct Cutter<'a> {
    counted: &'a Counted<'a>,
    layers: Vec<Layer>,
    statistics: StatisticsContext,
    fingerprints: Fingerprints,
}

/// A layer that is being gathered from the operators between two cuts.
struct Open {
    work: Work,
    operators: Vec<Operator>,
    inputs: Vec<Feed>,
    tasks: usize,
    size_in: Size,
    memory: Option<Memory>,
    measured: Option<Measured>,
}

impl Cutter<'_> {
    /// Adds the layer whose last operator this is, and all below it.
    fn layer(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<LayerId> {
        let mut open = Open::new(Work::Blockwise, plan, Memory::none());
        self.visit(plan, &mut open)?;
        let made = Size::of(plan.as_ref(), &self.statistics)?;
        self.close(plan, open, made)
    }

    fn close(&mut self, plan: &Arc<dyn ExecutionPlan>, open: Open, made: Size) -> Result<LayerId> {
        let id = LayerId(self.layers.len());
        self.layers.push(Layer {
            id,
            work: open.work,
            operators: open.operators,
            inputs: open.inputs,
            tasks: open.tasks,
            device: Device::Cpu,
            estimate: Estimate {
                rows_in: open.size_in.rows,
                bytes_in: open.size_in.bytes,
                rows_out: made.rows,
                bytes_out: made.bytes,
                memory: open.memory,
            },
            fingerprint: self.fingerprints.of(plan),
            measured: open.measured,
        });
        Ok(id)
    }

    /// Adds an operator and those below it, as far as the layer reaches.
    fn visit(&mut self, plan: &Arc<dyn ExecutionPlan>, open: &mut Open) -> Result<()> {
        let children = plan.children();
        if let (Some(exchange), [input]) = (plan.downcast_ref::<RepartitionExec>(), &children[..]) {
            if matches!(exchange.partitioning(), Partitioning::Hash(..)) {
                let shuffle = self.shuffle(plan, exchange, input)?;
                return self.feed(open, shuffle, plan, false);
            }
            // Others only spread the same work over more tasks.
            return self.visit(input, open);
        }
        if let ([input], true) = (&children[..], gathers(plan))
            && input.output_partitioning().partition_count() > 1
        {
            let parts = self.layer(input)?;
            self.feed(open, parts, input, false)?;
            open.work = Work::Reduction;
            let batches = input.output_partitioning().partition_count() as u64;
            let size = Size::of(input.as_ref(), &self.statistics)?;
            let batch = memory::batch(plan.as_ref(), size);
            let kept = Memory { bytes: batch.bytes.saturating_mul(batches), ..batch };
            open.memory = open.memory.map(|memory| memory.and(kept));
            open.add(plan, self.counted);
            return Ok(());
        }
        let tasks = plan.output_partitioning().partition_count();
        let wanted = plan.input_distribution_requirements().into_per_child();
        let mut sizes = Vec::with_capacity(children.len());
        // Behind its input, it has the plans of the values that the others compute with.
        let values = plan.downcast_ref::<ScalarSubqueryExec>().is_some();
        let collects = plan
            .downcast_ref::<HashJoinExec>()
            .is_some_and(|join| *join.partition_mode() == PartitionMode::CollectLeft);
        let children: Vec<_> = children.into_iter().map(unshared).collect();
        for (at, (input, wanted)) in children.iter().copied().zip(wanted).enumerate() {
            sizes.push(Size::of(input.as_ref(), &self.statistics)?);
            let whole = matches!(wanted, Distribution::SinglePartition);
            if (collects && at == 0) || (values && at > 0) || (whole && tasks > 1 && gathers(input))
            {
                let side = parts_of(input);
                let layer = self.layer(side)?;
                self.feed(open, layer, side, true)?;
            } else {
                self.visit(input, open)?;
            }
        }
        if children.is_empty() {
            open.size_in = open.size_in.and(Size::read_by(plan.as_ref(), &self.statistics)?);
        }
        let combines = plan.downcast_ref::<AggregateExec>().is_some_and(|aggregate| {
            matches!(aggregate.mode(), AggregateMode::Final | AggregateMode::FinalPartitioned)
        });
        if combines && !open.inputs.is_empty() {
            open.work = Work::Reduction;
        }
        if is_plumbing(plan) {
            return Ok(());
        }
        let made = Size::of(plan.as_ref(), &self.statistics)?;
        let kept = memory::kept(plan.as_ref(), &sizes, made, tasks);
        open.memory = open
            .memory
            .zip(kept)
            .map(|(memory, kept)| memory.and(kept).and(memory::batch(plan.as_ref(), made)));
        open.add(plan, self.counted);
        Ok(())
    }

    fn feed(
        &mut self,
        open: &mut Open,
        layer: LayerId,
        rows: &Arc<dyn ExecutionPlan>,
        to_all: bool,
    ) -> Result<()> {
        open.inputs.push(Feed { layer, to_all });
        open.size_in = open.size_in.and(Size::of(rows.as_ref(), &self.statistics)?);
        let below = self.layers.get(layer.0).and_then(|layer| layer.measured);
        if let Some(below) = below {
            open.measured.get_or_insert_default().take_in(below.rows_out);
        }
        Ok(())
    }

    fn shuffle(
        &mut self,
        plan: &Arc<dyn ExecutionPlan>,
        exchange: &RepartitionExec,
        input: &Arc<dyn ExecutionPlan>,
    ) -> Result<LayerId> {
        let below = self.layer(input)?;
        let keys = match exchange.partitioning() {
            Partitioning::Hash(keys, _) => {
                keys.iter().map(|key| named(key, &[input.schema()])).collect()
            }
            _ => Vec::new(),
        };
        let fan_out = exchange.partitioning().partition_count();
        let moved = Size::of(input.as_ref(), &self.statistics)?;
        let held = memory::exchanged(plan, moved, fan_out);
        let mut open = Open::new(Work::Shuffle { keys, fan_out }, input, held);
        self.feed(&mut open, below, input, false)?;
        if let Some(measured) = &mut open.measured {
            if let Some(metrics) = (self.counted)(plan) {
                measured.add(&metrics, false);
            }
            // Every row that comes in goes out.
            measured.rows_out = measured.rows_in;
        }
        let moved = open.size_in;
        self.close(plan, open, moved)
    }
}

impl Open {
    /// Nothing yet, in as many tasks as this operator has.
    fn new(work: Work, operator: &Arc<dyn ExecutionPlan>, memory: Memory) -> Self {
        Self {
            work,
            operators: Vec::new(),
            inputs: Vec::new(),
            tasks: operator.output_partitioning().partition_count(),
            size_in: Size::none(),
            memory: Some(memory),
            measured: None,
        }
    }

    fn add(&mut self, plan: &Arc<dyn ExecutionPlan>, counted: &Counted<'_>) {
        self.operators.push(operator(plan));
        if let Some(metrics) = counted(plan) {
            let is_source = plan.children().is_empty();
            self.measured.get_or_insert_default().add(&metrics, is_source);
        }
    }
}

/// Whether an operator makes one partition of many.
fn gathers(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<CoalescePartitionsExec>().is_some()
        || plan.downcast_ref::<SortPreservingMergeExec>().is_some()
}

/// What is computed once, wherever it is used.
fn unshared(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    match (plan.downcast_ref::<SharedExec>(), &plan.children()[..]) {
        (Some(_), [input]) => input,
        _ => plan,
    }
}

/// What is gathered, where every task gathers it for itself.
fn parts_of(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    match (plan.downcast_ref::<CoalescePartitionsExec>(), &plan.children()[..]) {
        (Some(_), [parts]) => parts,
        _ => plan,
    }
}

/// Operators that do nothing to rows.
pub(crate) fn is_plumbing(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.downcast_ref::<DiagnosedExec>().is_some()
        || plan.downcast_ref::<VerifiedExec>().is_some()
        || plan.downcast_ref::<CompactExec>().is_some()
        || plan.downcast_ref::<PackedExec>().is_some()
        || plan.downcast_ref::<CooperativeExec>().is_some()
}

fn operator(plan: &Arc<dyn ExecutionPlan>) -> Operator {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>()
        && let Some(files) = scan.data_source().downcast_ref::<FileScanConfig>()
    {
        return Operator { name: "Scan".to_string(), detail: scanned(files, plan) };
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return Operator { name: "HashJoin".to_string(), detail: joined(join) };
    }
    // `SortExec: TopK(fetch=3)` is called `SortExec(TopK)`, too.
    let line = displayable(plan.as_ref()).one_line().to_string();
    let inputs: Vec<_> = plan.children().iter().map(|input| input.schema()).collect();
    let (name, detail) = line.split_once(": ").unwrap_or((line.as_str(), ""));
    Operator {
        name: name.trim().trim_end_matches("Exec").to_string(),
        detail: named(&detail.trim(), &inputs),
    }
}

/// Which rows are joined: what many joins of a layer have in common comes last.
fn joined(join: &HashJoinExec) -> String {
    let (left, right) = ([join.left().schema()], [join.right().schema()]);
    let keys = join.on().iter().map(|(l, r)| format!("{} = {}", named(l, &left), named(r, &right)));
    let keys = keys.collect::<Vec<_>>().join(" AND ");
    let filter = match join.filter() {
        Some(filter) => {
            let columns = [Arc::clone(filter.schema())];
            format!(" AND {}", named(filter.expression(), &columns))
        }
        None => String::new(),
    };
    format!("{keys}{filter}, {} {:?}", join.join_type(), join.partition_mode())
}

/// Which files are scanned, and which columns of them.
fn scanned(files: &FileScanConfig, plan: &Arc<dyn ExecutionPlan>) -> String {
    let mut paths = files
        .file_groups
        .iter()
        .flat_map(|group| group.files())
        .map(|file| file.object_meta.location.as_ref())
        .collect::<Vec<_>>();
    paths.sort_unstable();
    paths.dedup();
    let store = files.object_store_url.as_str();
    let store = store.strip_prefix("file://").unwrap_or(store);
    let place = match paths[..] {
        [] => "no file".to_string(),
        [path] => format!("{store}{path}"),
        [path, ..] => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{} files in {store}{folder}", paths.len())
        }
    };
    let schema = plan.schema();
    let columns: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    match columns[..] {
        [] => format!("{place}: rows only"),
        _ => format!("{place}: {}", columns.join(", ")),
    }
}

/// An expression without the places of its columns: `a`, not `a@0`.
fn named(text: &dyn fmt::Display, inputs: &[SchemaRef]) -> String {
    let mut text = text.to_string();
    for input in inputs {
        for (place, field) in input.fields().iter().enumerate() {
            text = renamed(&text, &format!("{}@{place}", field.name()), field.name());
        }
    }
    text
}

/// Replaces `old` where no digit follows: `a@1` is not the beginning of `a@10`.
fn renamed(text: &str, old: &str, new: &str) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(old) {
        changed.push_str(before);
        let longer = after.starts_with(|next: char| next.is_ascii_digit());
        changed.push_str(if longer { old } else { new });
        rest = after;
    }
    changed.push_str(rest);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_places_are_left_out() {
        assert_eq!(renamed("a@1 + a@10 + b@1", "a@1", "a"), "a + a@10 + b@1");
    }
}
