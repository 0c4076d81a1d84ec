//! Strata's own optimizer rules, one a file: those on plans here, those on arrays in [`arrays`].

mod arrays;
mod bound_windows;
mod cells;
mod changes;
mod compact_views;
mod given_sides;
mod look_up_places;
mod merge_joins;
mod plain_texts;
mod push_semi_joins;
mod skim_scans;
mod spill_top_rows;
mod whole_probes;
mod yielding_joins;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::optimizer::OptimizerRule;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};

pub(crate) use arrays::rewritten;
pub use arrays::{ArrayRule, Without};
pub(crate) use changes::bounded_change;
use merge_joins::MergeJoins;
use spill_top_rows::SpillTopRows;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// DataFusion's rule that chooses the sides of joins.
const JOIN_SIDES: &str = "join_selection";

/// The rules on logical plans, which run after DataFusion's.
pub(crate) fn logical() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![Arc::new(push_semi_joins::PushSemiJoins), Arc::new(cells::AskArrays)]
}

/// The rules on physical plans, DataFusion's and ours, in the order in which they run.
pub(crate) fn physical() -> Vec<Rule> {
    let mut rules = Vec::new();
    for rule in PhysicalOptimizer::new().rules {
        let sides_are_chosen = rule.name() == JOIN_SIDES;
        rules.push(rule);
        if sides_are_chosen {
            rules.push(Arc::new(look_up_places::LookUpPlaces) as Rule);
        }
    }
    let after: [Rule; 5] = [
        Arc::new(bound_windows::BoundWindows),
        Arc::new(plain_texts::PlainTexts),
        Arc::new(compact_views::CompactViews),
        Arc::new(skim_scans::SkimScans),
        Arc::new(yielding_joins::YieldingJoins),
    ];
    rules.extend(after);
    rules
}

/// An operator over other inputs.
fn over(
    plan: Arc<dyn ExecutionPlan>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.replace_children(inputs, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// The rules of a session, DataFusion's among them, for a plan whose parts run in several processes.
pub(crate) fn pooled(rules: &[Rule]) -> Vec<Rule> {
    let alone = skim_scans::SkimScans;
    let mut pooled: Vec<Rule> = Vec::with_capacity(rules.len() + 2);
    for rule in rules.iter().filter(|rule| rule.name() != alone.name()) {
        pooled.push(Arc::clone(rule));
        if rule.name() == JOIN_SIDES {
            pooled.push(Arc::new(given_sides::GivenSides));
        }
    }
    pooled.push(Arc::new(whole_probes::WholeProbes));
    pooled
}

/// The rules of a session, DataFusion's among them, for a plan that has little memory.
pub(crate) fn frugal(rules: &[Rule]) -> Vec<Rule> {
    let mut frugal = Vec::with_capacity(rules.len() + 2);
    for rule in rules {
        frugal.push(Arc::clone(rule));
        if rule.name() == JOIN_SIDES {
            frugal.push(Arc::new(MergeJoins));
        }
    }
    frugal.push(Arc::new(SpillTopRows));
    frugal
}
