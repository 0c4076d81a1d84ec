//! Queries of tables of cells, asked of the arrays. What a query says of places becomes the part of the arrays that
//! it is about; columns that it does not use are not read; and groups of places are brought to their values as arrays
//! are, and no rows are made.
//!
//! ```text
//! Filter(lat > 60, Cells)                 ──▶ Cells of a part                      (places.rs)
//! Filter(t > 300, Cells)                  ──▶ Filter(t > 300, Cells where t > 300) (places.rs)
//! Projection(…, Cells)                    ──▶ Cells of fewer variables             (columns.rs)
//! Aggregate(month(time), avg(t), … Cells) ──▶ Cells of what groups come to         (groups.rs, aggregates.rs)
//! ```

mod aggregates;
mod columns;
mod groups;
mod places;
mod terms;
mod unwound;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::ArrayRule;
use crate::config::options_of;
use crate::logical::{ArrayNode, CellTable};
use unwound::Unwound;

/// Why something is not asked of arrays.
type Asked<T> = std::result::Result<T, String>;

/// Runs with DataFusion's logical rules.
#[derive(Debug)]
pub(crate) struct AskArrays;

impl OptimizerRule for AskArrays {
    fn name(&self) -> &str {
        "ask_arrays"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let options = config.options();
        let without = &options_of(&options).array.without;
        let made = match &plan {
            LogicalPlan::Filter(filter) if without.has(ArrayRule::SlicePlaces) => {
                places::sliced(filter, without.has(ArrayRule::ChooseCells))?
            }
            LogicalPlan::Aggregate(aggregate) if without.has(ArrayRule::AskArrays) => {
                match Unwound::of(&aggregate.input)? {
                    Some(below) if below.table.as_rows.is_none() => {
                        match groups::grouped(aggregate, &below)? {
                            Ok(plan) => Some(plan),
                            Err(reason) => Some(because(&plan, &reason)?),
                        }
                    }
                    _ => columns::without_unused(&plan)?,
                }
            }
            LogicalPlan::Aggregate(_) | LogicalPlan::Projection(_) => {
                columns::without_unused(&plan)?
            }
            _ => None,
        };
        Ok(match made {
            Some(made) => Transformed::yes(made),
            None => Transformed::no(plan),
        })
    }
}

/// The cells that a plan is, if it is nothing else.
fn cells_of(plan: &LogicalPlan) -> Option<&CellTable> {
    let LogicalPlan::Extension(Extension { node }) = plan else { return None };
    node.as_any().downcast_ref::<ArrayNode>()?.cells()
}

/// A plan of cells.
fn plan_of(cells: CellTable) -> Result<LogicalPlan> {
    Ok(ArrayNode::of_cells(cells)?.into_plan())
}

/// The same plan, whose cells say why they are gone through.
fn because(plan: &LogicalPlan, reason: &str) -> Result<LogicalPlan> {
    let told = plan.clone().transform_down(|plan| match cells_of(&plan) {
        Some(cells) => {
            let as_rows = Some(reason.to_string());
            Ok(Transformed::yes(plan_of(CellTable { as_rows, ..cells.clone() })?))
        }
        None => Ok(Transformed::no(plan)),
    })?;
    Ok(told.data)
}

/// What an array refused, as a reason.
fn refused(error: crate::array::ArrayError) -> String {
    error.to_string()
}

/// A shared plan.
fn shared(plan: LogicalPlan) -> Arc<LogicalPlan> {
    Arc::new(plan)
}
