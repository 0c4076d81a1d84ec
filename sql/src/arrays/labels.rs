//! Choosing places by what they are: `sel(time BETWEEN …, lat > 60)`.

mod nearest;

pub(super) use nearest::as_one_of;

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::DFSchema;
use datafusion::common::cast::as_boolean_array;
use datafusion::execution::context::SessionContext;
use sqlparser::ast::{BinaryOperator, Expr, Visit, Visitor};
use strata_engine::{Array, Index, Labelled, Tensor, coordinate_column};

use super::asked;
use crate::error::{Error, Result};
use crate::parse::{TermArgument, TermValue};

/// A coordinate, as an array of its own.
pub(super) fn coordinate(name: &str, coord: &Array) -> Labelled {
    let mut labelled = Labelled::from(coord.clone());
    labelled.name = Some(name.to_string());
    labelled.coords.insert(name.to_string(), coord.clone());
    labelled
}

/// The places where all conditions hold. Each is about one dimension.
pub(super) async fn select(
    session: &SessionContext,
    on: &Labelled,
    arguments: &[TermArgument],
) -> Result<Labelled> {
    let mut selected = on.clone();
    let near = nearest::asked(session, arguments).await?;
    for argument in arguments {
        let condition = match &argument.value {
            TermValue::Condition(condition) => condition,
            TermValue::Term(_) if nearest::is_option(argument) => continue,
            TermValue::Term(label) => {
                let named = nearest::label(session, &selected, argument, label, near).await;
                selected = named.map_err(|error| error.at(argument.at))?;
                continue;
            }
        };
        for condition in conjuncts(condition) {
            selected =
                one(session, &selected, condition).await.map_err(|error| error.at(argument.at))?;
        }
    }
    Ok(selected)
}

/// What `AND` joins.
fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left).into_iter().chain(conjuncts(right)).collect()
        }
        Expr::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
}

/// The names that an expression uses.
#[derive(Default)]
struct Names(Vec<String>);

impl Visitor for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> std::ops::ControlFlow<()> {
        if let Expr::Identifier(ident) = expr
            && !self.0.contains(&ident.value)
        {
            self.0.push(ident.value.clone());
        }
        std::ops::ControlFlow::Continue(())
    }
}

/// The names that a condition uses.
pub(super) fn names_of(condition: &Expr) -> Vec<String> {
    let mut names = Names::default();
    let _ = condition.visit(&mut names);
    names.0
}

async fn one(session: &SessionContext, on: &Labelled, condition: &Expr) -> Result<Labelled> {
    let names = names_of(condition);
    let [dim] = &names[..] else {
        return Err(Error::text(format!("'{condition}' is not about one dimension"))
            .hint("give a condition for each: sel(lat > 60, lon < 90)"));
    };
    let (on, axis, values) = with_labels(session, on, dim).await?;
    let places = places(session, dim, &values, condition)?;
    // One place that is told exactly has no dimension any more.
    let exact = matches!(condition, Expr::BinaryOp { op: BinaryOperator::Eq, .. });
    let index = match places[..] {
        [] if exact => {
            return Err(Error::text(format!("no place along '{dim}' has {condition}"))
                .hint("compare with BETWEEN, or see what there is: .coordinate"));
        }
        [at] if exact => Index::At(at),
        _ => Index::of_places(places),
    };
    on.index(&index.along(axis)).map_err(asked)
}

/// The coordinate of a dimension, and the array with it in memory: who asks again need not compute it.
async fn with_labels(
    session: &SessionContext,
    on: &Labelled,
    dim: &str,
) -> Result<(Labelled, usize, Tensor)> {
    let axis = on.array.axis_named(dim).map_err(asked)?;
    let Some(coord) = on.coords.get(dim) else {
        return Err(Error::text(format!("the dimension '{dim}' has no coordinate"))
            .hint(format!("choose by number: isel({dim} => 0), or x[0:10]")));
    };
    let values = coord.compute(session).await?;
    let held = coordinate_of(dim, values.clone(), Some(coord))?;
    let mut on = on.clone();
    on.coords.insert(dim.to_string(), held);
    Ok((on, axis, values))
}

/// Values as the coordinate of a dimension, of which is said what was said of the one `before`.
pub(super) fn coordinate_of(dim: &str, values: Tensor, before: Option<&Array>) -> Result<Array> {
    let coord = Array::of(values).and_then(|coord| coord.named(vec![Some(dim.to_string())]));
    let coord = coord.map_err(asked)?;
    Ok(match before {
        Some(before) => coord.with_attributes(before.attributes().clone()),
        None => coord,
    })
}

/// The places along a dimension whose coordinate meets a condition.
fn places(
    session: &SessionContext,
    dim: &str,
    values: &Tensor,
    condition: &Expr,
) -> Result<Vec<i64>> {
    let column = without_nan(&coordinate_column(values))?;
    let batch = RecordBatch::try_from_iter([(dim.to_lowercase(), column)])
        .map_err(|error| Error::text(error.to_string()))?;
    let schema = DFSchema::try_from(batch.schema())?;
    let state = session.state();
    let expr = state.create_logical_expr(&condition.to_string(), &schema)?;
    let expr = state.create_physical_expr(expr, &schema)?;
    let met = expr.evaluate(&batch)?.into_array(batch.num_rows())?;
    let met: &BooleanArray = as_boolean_array(&met).map_err(|_| {
        Error::text(format!("'{condition}' is no condition: it is not true or false"))
    })?;
    let met = met.iter().enumerate().filter(|(_, met)| *met == Some(true));
    Ok(met.map(|(at, _)| at as i64).collect())
}

/// Labels that are no number are not known, and meet no condition: SQL takes NaN for larger than all numbers.
pub(super) fn without_nan(labels: &ArrayRef) -> Result<ArrayRef> {
    if !labels.data_type().is_floating() {
        return Ok(Arc::clone(labels));
    }
    let text = |error: arrow::error::ArrowError| Error::text(error.to_string());
    let numbers = arrow::compute::cast(labels, &DataType::Float64).map_err(text)?;
    let is_nan: BooleanArray =
        numbers.as_primitive::<Float64Type>().iter().map(|value| value.map(f64::is_nan)).collect();
    nullif(labels, &is_nan).map_err(text)
}

/// The coordinate's values, for a table.
pub(super) async fn column_of(
    session: &SessionContext,
    coord: Option<&Array>,
) -> Result<Option<strata_engine::Tensor>> {
    match coord {
        Some(coord) => Ok(Some(coord.compute(session).await?)),
        None => Ok(None),
    }
}
