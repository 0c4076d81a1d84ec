//! What is said of the places along one dimension becomes a part of the arrays: chunks outside of it are never read.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::common::{DFSchema, Result, internal_datafusion_err};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan};
use datafusion::physical_expr::create_physical_expr;

use super::columns::named;
use super::terms::Terms;
use super::{Asked, cells_of, plan_of, refused, shared};
use crate::array::{ArrayError, DType, Grid, Kind};
use crate::kernels::Binary;
use crate::lazy::{Array, Index, Scalar};
use crate::logical::{CellTable, Nulls, Variable};
use crate::physical::PlaceColumn;

/// Places along a dimension that has more are not gone through while a query is planned.
const MOST_PLACES: u64 = 1 << 26;

/// A filter of cells, as one of cells of a part, and of those cells alone where it may hold; none where it says nothing
/// of places alone, and nothing more of values.
pub(super) fn sliced(filter: &Filter, chooses: bool) -> Result<Option<LogicalPlan>> {
    let Some(table) = cells_of(&filter.input) else { return Ok(None) };
    let conditions: Vec<Expr> = split_conjunction(&filter.predicate).into_iter().cloned().collect();
    let (mut part, left) = part_of(table, filter.input.schema(), &conditions)?;
    if chooses && part.only.is_none() {
        part.only = chosen(&part, filter.input.schema(), &left);
    }
    if left.len() == conditions.len() && part.only.is_some() == table.only.is_some() {
        return Ok(None);
    }
    let cells = plan_of(part)?;
    Ok(Some(match conjunction(left) {
        Some(left) => LogicalPlan::Filter(Filter::try_new(left, shared(cells))?),
        None => cells,
    }))
}

/// Where conditions hold, as far as arrays can say.
fn chosen(table: &CellTable, schema: &DFSchema, conditions: &[Expr]) -> Option<Array> {
    let terms = Terms::new(table, schema);
    let mut all: Option<Array> = None;
    for condition in conditions.iter().filter(|condition| !condition.is_volatile()) {
        let Ok(holds) = terms.truth(condition).and_then(|truth| terms.in_all_cells(&truth.yes))
        else {
            continue;
        };
        all = match all {
            Some(all) => Some(all.binary(Binary::And, &holds).ok()?),
            None => Some(holds),
        };
    }
    all
}

/// The part of a table where conditions hold that are about one dimension each, and the other conditions.
pub(super) fn part_of(
    table: &CellTable,
    schema: &DFSchema,
    conditions: &[Expr],
) -> Result<(CellTable, Vec<Expr>)> {
    let (mut table, mut left) = (table.clone(), Vec::new());
    for condition in conditions {
        let places = match axis_of(&table, schema, condition) {
            Some(axis) => met(&table, schema, axis, condition)?.map(|places| (axis, places)),
            None => None,
        };
        match places {
            Some((axis, places)) => {
                table = part(&table, axis, &places).map_err(crate::EngineError::from)?;
            }
            None => left.push(condition.clone()),
        }
    }
    Ok((table, left))
}

/// The dimension that an expression is about, if it is about one alone and always says the same.
pub(super) fn axis_of(table: &CellTable, schema: &DFSchema, expr: &Expr) -> Option<usize> {
    let mut axis = None;
    for column in named(expr) {
        let place = table.places.get(schema.maybe_index_of_column(&column)?)?;
        if axis.is_some_and(|axis| axis != place.axis) {
            return None;
        }
        axis = Some(place.axis);
    }
    let small = table.grid.shape().get(axis?).is_some_and(|length| *length <= MOST_PLACES);
    (small && !expr.is_volatile() && is_closed(expr)).then_some(axis?)
}

/// Whether an expression has nothing that only a running query knows.
fn is_closed(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    let open = expr.exists(|expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::Placeholder(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
        ))
    });
    !open.unwrap_or(true)
}

/// What an expression comes to at each place of a dimension.
pub(super) fn along(
    table: &CellTable,
    schema: &DFSchema,
    axis: usize,
    expr: &Expr,
) -> Result<ArrayRef> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (at, place) in table.places.iter().enumerate().filter(|(_, place)| place.axis == axis) {
        let (qualifier, field) = schema.qualified_field(at);
        fields.push((qualifier.cloned(), Arc::clone(field)));
        columns.push(place.column(&table.grid));
    }
    let schema = DFSchema::new_with_metadata(fields, Default::default())?;
    let batch = RecordBatch::try_new(Arc::clone(schema.inner()), columns)?;
    let props = ExecutionProps::new();
    let expr = create_physical_expr(expr, &schema, &props, &PhysicalPlanningContext::default())?;
    expr.evaluate(&batch)?.into_array(batch.num_rows())
}

/// The places where a condition holds; none where that cannot be known yet.
fn met(
    table: &CellTable,
    schema: &DFSchema,
    axis: usize,
    condition: &Expr,
) -> Result<Option<Vec<u64>>> {
    // What fails of a place that no row has is for the rows to say.
    let Ok(met) = along(table, schema, axis, condition) else { return Ok(None) };
    let met = met.as_any().downcast_ref::<BooleanArray>().cloned();
    let met = met.ok_or_else(|| internal_datafusion_err!("{condition} is no condition"))?;
    let places = met.iter().enumerate().filter(|(_, met)| *met == Some(true));
    Ok(Some(places.map(|(at, _)| at as u64).collect()))
}

/// The cells at some places along a dimension.
fn part(
    table: &CellTable,
    axis: usize,
    places: &[u64],
) -> std::result::Result<CellTable, ArrayError> {
    let length = table.grid.shape().get(axis).copied().unwrap_or(0);
    if places.len() as u64 == length {
        return Ok(table.clone());
    }
    let chosen = Index::of_places(places.iter().map(|place| *place as i64).collect());
    let subscripts = chosen.along(axis);
    let shown = |array: &Array| array.index(&subscripts);
    let truth = DType::Plain(Kind::Bool);
    let all = Array::filled_with(Scalar::Bool(false), truth, table.grid.clone())?;
    let grid: Grid = shown(&all)?.grid().clone();
    let variables = table.variables.iter().map(|variable| {
        let nulls = match &variable.nulls {
            Nulls::Unless(there) => Nulls::Unless(shown(there)?),
            other => other.clone(),
        };
        let (name, array) = (variable.name.clone(), shown(&variable.array)?);
        Ok(Variable { name, array, nulls })
    });
    let variables = variables.collect::<std::result::Result<_, ArrayError>>()?;
    let at = UInt64Array::from(places.to_vec());
    let taken = table.places.iter().map(|place| {
        if place.axis != axis {
            return Ok(place.clone());
        }
        let values = take(&place.column(&table.grid), &at, None)
            .map_err(|error| ArrayError::asked(error.to_string()))?;
        Ok(PlaceColumn { values: Some(values), ..place.clone() })
    });
    let taken = taken.collect::<std::result::Result<_, ArrayError>>()?;
    let only = table.only.as_ref().map(shown).transpose()?;
    Ok(CellTable { places: taken, variables, grid, only, as_rows: table.as_rows.clone() })
}

/// As [`along`], for whom a failure is a reason.
pub(super) fn asked_along(
    table: &CellTable,
    schema: &DFSchema,
    axis: usize,
    expr: &Expr,
) -> Asked<ArrayRef> {
    along(table, schema, axis, expr).map_err(|error| error.strip_backtrace())
}

/// An array of what the places of a dimension have, beside arrays that have all dimensions.
pub(super) fn beside(values: Array, axis: usize, dimensions: usize) -> Asked<Array> {
    let subscripts = (0..dimensions).map(|at| if at == axis { Index::ALL } else { Index::New });
    values.index(&subscripts.collect::<Vec<_>>()).map_err(refused)
}
