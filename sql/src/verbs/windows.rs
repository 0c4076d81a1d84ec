//! Verbs that compute over neighbouring rows.

use datafusion::logical_expr::{Expr, cast};
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{Expr as SqlExpr, OrderByExpr, SelectItem, WindowSpec, WindowType};
use strata_engine::{Frame, Reach, Rolling};

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::Result;

pub(super) static WINDOW: Verb = Verb {
    name: "window",
    signature: "window(function [OVER (…)] AS name, … [, partition_by => (…)] [, order_by => (…)])",
    doc: "Adds columns computed over windows; functions without OVER share partition_by and order_by.",
    takes: Takes::Items,
    named: &[("partition_by", Takes::SortList), ("order_by", Takes::SortList)],
    bind: Bind::Now(window),
};

fn window(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let frame = stage.frame()?;
    let shared = WindowSpec {
        window_name: None,
        partition_by: arguments.raw_sorts("partition_by").iter().map(|s| s.expr.clone()).collect(),
        order_by: arguments.raw_sorts("order_by").to_vec(),
        window_frame: None,
    };
    let mut columns = Vec::new();
    for (argument, item) in arguments.raw_items() {
        let mut item = item.clone();
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = &mut item {
            give_window(expr, &shared);
        }
        columns.push(arguments.plan_item(argument, &item, frame.schema())?);
    }
    if columns.is_empty() {
        return Err(arguments.missing("no function is given"));
    }
    Ok(frame.with(columns)?.into())
}

/// Gives the outermost function the shared window where it has none of its own.
fn give_window(expr: &mut SqlExpr, shared: &WindowSpec) {
    if let SqlExpr::Function(function) = expr
        && function.over.is_none()
    {
        function.over = Some(WindowType::WindowSpec(shared.clone()));
    }
}

impl<'a> Arguments<'a> {
    /// Named sort keys as they were written.
    fn raw_sorts(&self, name: &str) -> &'a [OrderByExpr] {
        self.named_raw(name).unwrap_or_default()
    }
}

pub(super) static ROLLING: Verb = Verb {
    name: "rolling",
    signature: "rolling(aggregate AS name, …, rows => n | range => interval, order_by => … [, partition_by => …])",
    doc: "Adds aggregates over the last rows, or the last stretch of the order, up to each row.",
    takes: Takes::Items,
    named: &[
        ("rows", Takes::Items),
        ("range", Takes::Items),
        ("order_by", Takes::SortList),
        ("partition_by", Takes::SortList),
    ],
    bind: Bind::Now(rolling),
};

fn rolling(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let frame = stage.frame()?;
    let reach = match (arguments.named_integer("rows")?, arguments.named_literal("range")?) {
        (Some(rows), None) => Reach::Rows(rows as u64),
        (None, Some(distance)) => Reach::Range(as_interval(distance)),
        _ => return Err(arguments.missing("give either rows => n or range => interval")),
    };
    let spec = Rolling {
        aggregates: arguments.expressions(frame.schema())?,
        order_by: arguments.named_sorts("order_by", frame.schema())?,
        partition_by: arguments.named_expressions("partition_by", frame.schema())?,
        reach,
    };
    Ok(Frame::rolling(frame, spec)?.into())
}

pub(super) static RESAMPLE: Verb = Verb {
    name: "resample",
    signature: "resample(time, step [, by => (…)])",
    doc: "Groups by a time column cut into steps such as '1 hour'; agg says what to compute.",
    takes: Takes::Items,
    named: &[("by", Takes::SortList)],
    bind: Bind::Now(resample),
};

fn resample(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let frame = stage.frame()?;
    let mut expressions = arguments.expressions(frame.schema())?;
    if expressions.len() != 2 {
        return Err(arguments.missing("a time column and a step are wanted"));
    }
    let step = match expressions.pop() {
        // '1 hour' is as good as INTERVAL '1 hour'.
        Some(Expr::Literal(ScalarValue::Utf8(Some(text)), _)) => cast(
            datafusion::logical_expr::lit(text),
            arrow::datatypes::DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano),
        ),
        Some(step) => step,
        None => return Err(arguments.missing("a step is wanted")),
    };
    let Some(time) = expressions.pop() else {
        return Err(arguments.missing("a time column is wanted"));
    };
    let keys = arguments.named_expressions("by", frame.schema())?;
    Ok(Stage::Groups(frame.resample(time, step, keys)?))
}

fn as_interval(distance: ScalarValue) -> ScalarValue {
    match distance.try_as_str() {
        Some(Some(_)) => distance
            .cast_to(&arrow::datatypes::DataType::Interval(
                arrow::datatypes::IntervalUnit::MonthDayNano,
            ))
            .unwrap_or(distance),
        _ => distance,
    }
}
