//! Verbs along a time or another order: windows that move, and steps of a time column.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions::datetime::expr_fn::date_bin;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, SortExpr, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, cast, lit,
};

use super::{FrameError, columns};
use crate::error::Result;

/// A window that ends at each row and reaches back a number of rows or a stretch of the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Rolling {
    /// The aggregates to add as columns.
    pub aggregates: Vec<Expr>,
    /// The order along which the window moves.
    pub order_by: Vec<SortExpr>,
    /// Rows of different partitions never share a window.
    pub partition_by: Vec<Expr>,
    /// How far back it reaches: rows, this one included, or a distance in the order.
    pub reach: Reach,
}

/// How far back a window reaches.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// So many rows, this one included.
    Rows(u64),
    /// So far back from this row's value in the order: an interval or a number.
    Range(ScalarValue),
}

pub(super) fn rolling(plan: LogicalPlan, spec: Rolling) -> Result<LogicalPlan> {
    if spec.order_by.is_empty() {
        return Err(FrameError::invalid("a rolling window needs order_by => …").into());
    }
    let (units, back) = match spec.reach {
        Reach::Rows(0) => {
            return Err(FrameError::invalid("a rolling window holds at least one row").into());
        }
        Reach::Rows(rows) => (WindowFrameUnits::Rows, ScalarValue::UInt64(Some(rows - 1))),
        Reach::Range(distance) => (WindowFrameUnits::Range, distance),
    };
    let frame = WindowFrame::new_bounds(
        units,
        WindowFrameBound::Preceding(back),
        WindowFrameBound::CurrentRow,
    );
    let mut added = Vec::with_capacity(spec.aggregates.len());
    for aggregate in spec.aggregates {
        let (name, function) = match aggregate {
            Expr::Alias(alias) => (Some(alias.name), *alias.expr),
            other => (None, other),
        };
        let Expr::AggregateFunction(AggregateFunction { func, params }) = function else {
            return Err(FrameError::invalid(format!(
                "'{function}' is not an aggregate; rolling takes aggregates such as avg(x) AS mean"
            ))
            .into());
        };
        let name = name.unwrap_or_else(|| {
            let args: Vec<String> = params.args.iter().map(|a| a.to_string()).collect();
            format!("rolling_{}({})", func.name(), args.join(", "))
        });
        let window = Expr::from(WindowFunction {
            fun: WindowFunctionDefinition::AggregateUDF(func),
            params: WindowFunctionParams {
                args: params.args,
                partition_by: spec.partition_by.clone(),
                order_by: spec.order_by.clone(),
                window_frame: frame.clone(),
                filter: params.filter,
                null_treatment: params.null_treatment,
                distinct: params.distinct,
            },
        });
        added.push(window.alias(name));
    }
    columns::with(plan, added)
}

/// The step of `time` a row falls into, named like the time column itself. Steps of days and
/// weeks start on Monday, 1 January 2001.
pub(super) fn bucket(schema: &DFSchema, time: Expr, step: Expr) -> Result<Expr> {
    let name = match &time {
        Expr::Column(column) => column.name.clone(),
        Expr::Alias(alias) => alias.name.clone(),
        other => other.schema_name().to_string(),
    };
    let time = time.unalias();
    let qualified =
        datafusion::logical_expr::expr_rewriter::normalize_col_with_schemas_and_ambiguity_check(
            time,
            &[&[schema]],
            &[],
        )?;
    let data_type = qualified.get_type(schema)?;
    let instant = match &data_type {
        DataType::Timestamp(_, _) => qualified,
        DataType::Date32 | DataType::Date64 => {
            cast(qualified, DataType::Timestamp(TimeUnit::Nanosecond, None))
        }
        other => {
            return Err(FrameError::invalid(format!(
                "resample needs a date or timestamp column, and '{name}' is {other}"
            ))
            .into());
        }
    };
    // A Monday, so that weeks start where people expect them to.
    let origin = cast(lit("2001-01-01T00:00:00"), DataType::Timestamp(TimeUnit::Nanosecond, None));
    let bucket = date_bin(step, instant, origin);
    // A step of a date is still a date only where steps are whole days; a timestamp always holds it.
    Ok(bucket.alias(name))
}
