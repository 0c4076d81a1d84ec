//! A join of few rows with cells, on what places have, looks up the cells: it reads the chunks in which there are such
//! places. Hashing would go through all of them.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, RecordBatch, new_null_array};
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, NullEquality, Result, internal_err};
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

use super::ArrayRule;
use crate::config::options_of;
use crate::physical::{Cells, CellsExec, LookUp, LookUpExec, PlaceKey, cell_schema};

/// Runs when sides are chosen, and before exchanges are put in.
#[derive(Debug)]
pub(super) struct LookUpPlaces;

/// More rows are no few, whatever there are of cells.
const MOST_ROWS: usize = 4 << 20;
/// Of so many cells or more, rows are looked up though nobody knows how many rows there are.
const MANY_CELLS: u64 = 1 << 20;

impl PhysicalOptimizerRule for LookUpPlaces {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !options_of(options).array.without.has(ArrayRule::LookUpPlaces) {
            return Ok(plan);
        }
        plan.transform_up(|node| {
            let looks = match node.downcast_ref::<HashJoinExec>() {
                Some(join) => looking_up(join)?,
                None => None,
            };
            Ok(match looks {
                Some(looks) => Transformed::yes(looks),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "look_up_places"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Cells, where a plan is nothing else but some of them, and functions of their columns.
struct Side<'a> {
    cells: &'a CellsExec,
    /// What each column is, of the columns of the cells.
    columns: Vec<PhysicalExprRef>,
    /// What holds of the cells that are there.
    filters: Vec<PhysicalExprRef>,
}

impl<'a> Side<'a> {
    fn of(plan: &'a Arc<dyn ExecutionPlan>) -> Result<Option<Self>> {
        if let Some(cells) = plan.downcast_ref::<CellsExec>() {
            let columns = columns_of(&cells.schema()).into_iter().map(|column| column.expr);
            return Ok(Some(Self { cells, columns: columns.collect(), filters: Vec::new() }));
        }
        if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            let Some(mut below) = Self::of(filter.input())? else { return Ok(None) };
            below.filters.push(of_columns(filter.predicate(), &below.columns)?);
            if let Some(kept) = filter.projection() {
                let kept = kept.iter().filter_map(|at| below.columns.get(*at).cloned());
                below.columns = kept.collect();
            }
            return Ok(filter.fetch().is_none().then_some(below));
        }
        let Some(projection) = plan.downcast_ref::<ProjectionExec>() else { return Ok(None) };
        let Some(mut below) = Self::of(projection.input())? else { return Ok(None) };
        let columns = projection.expr().iter().map(|one| of_columns(&one.expr, &below.columns));
        below.columns = columns.collect::<Result<_>>()?;
        Ok(Some(below))
    }
}

/// An expression on columns, as one on what these are.
fn of_columns(expr: &PhysicalExprRef, columns: &[PhysicalExprRef]) -> Result<PhysicalExprRef> {
    let made = Arc::clone(expr).transform_down(|expr| match expr.downcast_ref::<Column>() {
        Some(column) => match columns.get(column.index()) {
            // What it stands for is about other columns.
            Some(of) => Ok(Transformed::new(Arc::clone(of), true, TreeNodeRecursion::Jump)),
            None => internal_err!("there is no column {}", column.index()),
        },
        None => Ok(Transformed::no(expr)),
    })?;
    Ok(made.data)
}

/// A join as a look-up, if one of its sides is cells, and the other few rows.
fn looking_up(join: &HashJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let plain = join.filter().is_none()
        && join.null_equality() == NullEquality::NullEqualsNothing
        && !join.null_aware;
    if !plain {
        return Ok(None);
    }
    let (left, right) = (join.left(), join.right());
    let given = *join.partition_mode() == PartitionMode::CollectLeft;
    if let Some(side) = Side::of(right)?
        && let Some(how) = rows_on_left(*join.join_type())
        && (given || are_few(left, &side)?)
    {
        return looked_up(join, left, &side, how, true);
    }
    if let Some(side) = Side::of(left)?
        && let Some(how) = rows_on_left(join.join_type().swap())
        && !given
        && are_few(right, &side)?
    {
        return looked_up(join, right, &side, how, false);
    }
    Ok(None)
}

fn rows_on_left(join: JoinType) -> Option<LookUp> {
    match join {
        JoinType::Inner => Some(LookUp::Both),
        JoinType::Left => Some(LookUp::AllRows),
        JoinType::RightSemi => Some(LookUp::CellsAlone),
        _ => None,
    }
}

/// Whether there are few rows beside cells.
fn are_few(rows: &Arc<dyn ExecutionPlan>, side: &Side<'_>) -> Result<bool> {
    let all = crate::array::cells(&side.cells.cells().grid.shape()).unwrap_or(u64::MAX);
    let statistics = StatisticsContext::new().compute(rows.as_ref(), &StatisticsArgs::new())?;
    Ok(match statistics.num_rows {
        Precision::Exact(rows) | Precision::Inexact(rows) => {
            rows <= MOST_ROWS && rows as u64 <= all
        }
        Precision::Absent => all >= MANY_CELLS,
    })
}

fn looked_up(
    join: &HashJoinExec,
    rows: &Arc<dyn ExecutionPlan>,
    side: &Side<'_>,
    how: LookUp,
    rows_are_left: bool,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let cells = side.cells.cells();
    // A row is beside NULLs where a filter leaves none of its cells, which a look-up does not know.
    if how == LookUp::AllRows && (cells.only || !side.filters.is_empty()) {
        return Ok(None);
    }
    let width = rows.schema().fields().len();
    let mut asking = columns_of(&rows.schema());
    let mut keys = Vec::new();
    for (left, right) in join.on() {
        let (of_rows, of_cells) = if rows_are_left { (left, right) } else { (right, left) };
        let Some((axis, values)) = along(cells, &of_columns(of_cells, &side.columns)?)? else {
            return Ok(None);
        };
        if of_rows.data_type(&rows.schema())? != *values.data_type() {
            return Ok(None);
        }
        let column = match of_rows.downcast_ref::<Column>() {
            Some(column) => column.index(),
            None => {
                let alias = format!("__place_{}", asking.len());
                asking.push(ProjectionExpr { expr: Arc::clone(of_rows), alias });
                asking.len() - 1
            }
        };
        keys.push(PlaceKey { axis, column, values });
    }
    let rows = match asking.len() > width {
        true => Arc::new(ProjectionExec::try_new(asking, Arc::clone(rows))?),
        false => Arc::clone(rows),
    };
    let [chunks] = side.cells.children()[..] else { return Ok(None) };
    let cells = Arc::new(cells.clone());
    let looks = LookUpExec::new(how, keys.into(), width, cells, rows, Arc::clone(chunks));
    let mut looked: Arc<dyn ExecutionPlan> = Arc::new(looks);
    let beside = if how == LookUp::CellsAlone { 0 } else { width };
    let all: Vec<PhysicalExprRef> =
        columns_of(&looked.schema()).into_iter().map(|column| column.expr).collect();
    let (of_rows, of_cells) = all.split_at(beside);
    for filter in &side.filters {
        looked = Arc::new(FilterExec::try_new(of_columns(filter, of_cells)?, looked)?);
    }
    // As the join has its columns.
    let of_cells = side.columns.iter().map(|column| of_columns(column, of_cells));
    let of_cells = of_cells.collect::<Result<Vec<_>>>()?;
    let of_rows = of_rows.to_vec();
    let all = match rows_are_left {
        true => [of_rows, of_cells].concat(),
        false => [of_cells, of_rows].concat(),
    };
    let all: Vec<PhysicalExprRef> = match &join.projection {
        Some(kept) => kept.iter().filter_map(|at| all.get(*at).cloned()).collect(),
        None => all,
    };
    let names = join.schema();
    if all.len() != names.fields().len() {
        return Ok(None);
    }
    let named = all.into_iter().zip(names.fields());
    let named = named.map(|(expr, field)| ProjectionExpr { expr, alias: field.name().clone() });
    Ok(Some(Arc::new(ProjectionExec::try_new(named.collect::<Vec<_>>(), looked)?)))
}

fn columns_of(schema: &SchemaRef) -> Vec<ProjectionExpr> {
    let column = |(at, field): (usize, &Arc<Field>)| {
        let expr: PhysicalExprRef = Arc::new(Column::new(field.name(), at));
        ProjectionExpr { expr, alias: field.name().clone() }
    };
    schema.fields().iter().enumerate().map(column).collect()
}

/// What an expression on columns of cells comes to along the one dimension that it is about.
fn along(cells: &Cells, expr: &PhysicalExprRef) -> Result<Option<(usize, ArrayRef)>> {
    let mut axis = None;
    for column in collect_columns(expr) {
        let Some(place) = cells.places.get(column.index()) else { return Ok(None) };
        if axis.is_some_and(|axis| axis != place.axis) {
            return Ok(None);
        }
        axis = Some(place.axis);
    }
    let lengths = cells.grid.shape();
    let length = axis.and_then(|axis| usize::try_from(*lengths.get(axis)?).ok());
    let (Some(axis), Some(length)) = (axis, length) else { return Ok(None) };
    let schema = cell_schema(cells);
    let column = |(at, field): (usize, &Arc<Field>)| match cells.places.get(at) {
        Some(place) if place.axis == axis => place.column(&cells.grid),
        _ => new_null_array(field.data_type(), length),
    };
    let columns: Vec<ArrayRef> = schema.fields().iter().enumerate().map(column).collect();
    let batch = RecordBatch::try_new(schema, columns)?;
    // What fails of a place that no row asks for is for the join to say.
    let Ok(values) = expr.evaluate(&batch).and_then(|value| value.into_array(length)) else {
        return Ok(None);
    };
    Ok(Some((axis, values)))
}
