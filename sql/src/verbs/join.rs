//! The join verb: every kind of join, as-of among them.

use datafusion::common::{DFSchema, JoinType};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlanBuilder, Operator};
use strata_engine::{AsofJoin, Frame, join_using, nearest};

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::{Error, Result};

pub(super) static JOIN: Verb = Verb {
    name: "join",
    signature: "join(other, condition | column, … [, how => inner|left|right|full|semi|anti|cross|asof])",
    doc: "Joins with another chain: on a condition, or on columns of the same name in both.",
    takes: Takes::FrameThenItems,
    named: &[("how", Takes::Items)],
    bind: Bind::Now(join),
};

const KINDS: [&str; 9] =
    ["inner", "left", "right", "full", "outer", "semi", "anti", "cross", "asof"];

fn join(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let left = stage.frame()?;
    let [right] = arguments.frames() else {
        return Err(arguments.missing("join with what?"));
    };
    let right = right.clone();
    let how = arguments.named_word("how")?.unwrap_or_else(|| "inner".to_string()).to_lowercase();
    let kind = match how.as_str() {
        "inner" => JoinType::Inner,
        "left" => JoinType::Left,
        "right" => JoinType::Right,
        "full" | "outer" => JoinType::Full,
        "semi" => JoinType::LeftSemi,
        "anti" => JoinType::LeftAnti,
        "cross" => {
            if arguments.count() > 0 {
                return Err(arguments.missing("a cross join has no condition"));
            }
            let (state, plan) = left.into_parts();
            let plan = LogicalPlanBuilder::from(plan).cross_join(right.into_unoptimized_plan())?;
            return Ok(DataFrame::new(state, plan.build()?).into());
        }
        "asof" => return asof(left, right, arguments),
        other => {
            let error = Error::text(format!("there is no kind of join '{other}'"));
            return Err(match nearest(other, KINDS) {
                Some(close) => error.hint(format!("did you mean '{close}'?")),
                None => error.hint(format!("it is one of {}", KINDS.join(", "))),
            });
        }
    };
    if arguments.count() == 0 {
        return Err(arguments.missing("on what? A condition or a column of both is wanted"));
    }
    if let Some(columns) = shared_columns(&left, &right, arguments) {
        let (state, plan) = left.into_parts();
        let plan = join_using(plan, right.into_unoptimized_plan(), kind, &columns)?;
        return Ok(DataFrame::new(state, plan).into());
    }
    let both = left.schema().join(right.schema())?;
    let conditions = arguments.expressions(&both)?;
    Ok(left.join_on(right, kind, conditions)?.into())
}

/// The arguments, if all of them are names that both sides have.
fn shared_columns(
    left: &DataFrame,
    right: &DataFrame,
    arguments: &Arguments<'_>,
) -> Option<Vec<String>> {
    let has =
        |schema: &DFSchema, name: &str| !schema.columns_with_unqualified_name(name).is_empty();
    let names = arguments.names().ok()?;
    let shared = names.iter().all(|name| has(left.schema(), name) && has(right.schema(), name));
    shared.then_some(names)
}

/// Equalities are keys; the one inequality is between the times.
fn asof(left: DataFrame, right: DataFrame, arguments: &Arguments<'_>) -> Result<Stage> {
    let both = left.schema().join(right.schema())?;
    let conditions: Vec<Expr> =
        arguments.expressions(&both)?.into_iter().flat_map(split_conjunction_owned).collect();
    let spec =
        asof_spec(conditions, left.schema(), right.schema(), false).map_err(|error| match error
            .location()
        {
            Some(_) => error,
            None => arguments.missing(&error.to_string()),
        })?;
    Ok(left.asof_join(right, spec)?.into())
}

/// Sorts conditions into keys and times, whichever way round each is written.
pub(crate) fn asof_spec(
    conditions: Vec<Expr>,
    left: &DFSchema,
    right: &DFSchema,
    inner: bool,
) -> Result<AsofJoin> {
    let mut on = Vec::new();
    let mut time = None;
    for condition in conditions {
        let Expr::BinaryExpr(BinaryExpr { left: a, op, right: b }) = condition else {
            return Err(Error::text(format!("'{condition}' does not compare the two sides")));
        };
        let (a, op, b) = if belongs(&a, left) && belongs(&b, right) {
            (*a, op, *b)
        } else if belongs(&b, left) && belongs(&a, right) {
            let swapped = op.swap().unwrap_or(op);
            (*b, swapped, *a)
        } else {
            return Err(Error::text(format!("'{a} {op} {b}' does not compare the two sides")));
        };
        match op {
            Operator::Eq => on.push((a, b)),
            Operator::GtEq | Operator::Gt | Operator::LtEq | Operator::Lt if time.is_none() => {
                time = Some((a, op, b));
            }
            _ => {
                return Err(Error::text(
                    "an as-of join takes equalities and one comparison of times with >=, >, <= or <",
                ));
            }
        }
    }
    match time {
        Some((left_time, operator, right_time)) => {
            Ok(AsofJoin { on, left_time, operator, right_time, inner })
        }
        None => Err(Error::text("an as-of join needs a comparison of times, as in t >= quotes.t")),
    }
}

/// Whether every column of an expression is one of this side's.
fn belongs(expr: &Expr, schema: &DFSchema) -> bool {
    let columns = expr.column_refs();
    !columns.is_empty() && columns.into_iter().all(|column| schema.has_column(column))
}
