//! NULLs: replacing them, and leaving out the rows that have them.

use datafusion::common::ExprSchema;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::scalar::ScalarValue;

use super::{FrameError, all_columns, columns, find_column};
use crate::error::Result;

pub(super) fn fill(
    plan: LogicalPlan,
    value: &ScalarValue,
    names: &[String],
) -> Result<LogicalPlan> {
    let mut filled = Vec::new();
    let chosen = if names.is_empty() {
        plan.schema().columns()
    } else {
        names.iter().map(|name| find_column(&plan, name)).collect::<Result<_>>()?
    };
    for column in chosen {
        let data_type = plan.schema().field_from_column(&column)?.data_type().clone();
        match value.cast_to(&data_type) {
            // A cast that loses something (1.5 into an integer, 'x' into a date) fills nothing.
            Ok(cast) if !cast.is_null() && holds(&cast, value) => {
                let name = column.name.clone();
                filled.push(coalesce(vec![Expr::Column(column), lit(cast)]).alias(name));
            }
            _ if names.is_empty() => {}
            _ => {
                return Err(FrameError::invalid(format!(
                    "column '{}' is of type {data_type} and cannot hold {value}",
                    column.name
                ))
                .into());
            }
        }
    }
    columns::with(plan, filled)
}

/// Whether a value came through a cast whole; text never fills a number and the other way round.
fn holds(cast: &ScalarValue, value: &ScalarValue) -> bool {
    let is_text = |v: &ScalarValue| v.try_as_str().is_some();
    is_text(cast) == is_text(value)
        && cast.cast_to(&value.data_type()).is_ok_and(|back| back == *value)
        || cast.data_type().is_temporal() && is_text(value)
}

pub(super) fn drop_rows(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    let chosen = if names.is_empty() {
        all_columns(&plan)
    } else {
        let columns: Vec<_> =
            names.iter().map(|name| find_column(&plan, name)).collect::<Result<_>>()?;
        columns.into_iter().map(Expr::Column).collect()
    };
    let Some(whole) = conjunction(chosen.into_iter().map(Expr::is_not_null)) else {
        return Ok(plan);
    };
    Ok(LogicalPlanBuilder::from(plan).filter(whole)?.build()?)
}
