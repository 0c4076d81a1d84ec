//! Verbs that choose and order rows, and deal with NULLs.

use strata_engine::{Frame, SampleSize};

use super::{Arguments, Bind, Stage, Takes, Verb};
use crate::error::{Error, Result};

/// How many rows `head`, `tail` and `show` take where nobody says.
const FEW: usize = 10;

pub(super) static FILTER: Verb = Verb {
    name: "filter",
    signature: "filter(condition, …)",
    doc: "Keeps the rows for which every condition holds. After agg it filters the groups.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let conditions = arguments.expressions(frame.schema())?;
        match conditions.into_iter().reduce(|all, next| all.and(next)) {
            Some(condition) => Ok(frame.filter(condition)?.into()),
            None => Err(arguments.missing("no condition is given")),
        }
    }),
};

pub(super) static SORT: Verb = Verb {
    name: "sort",
    signature: "sort(expression [ASC|DESC] [NULLS FIRST|NULLS LAST], …)",
    doc: "Orders the rows.",
    takes: Takes::Sorts,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let keys = arguments.sorts(frame.schema())?;
        if keys.is_empty() {
            return Err(arguments.missing("nothing to sort by"));
        }
        Ok(frame.sort(keys)?.into())
    }),
};

pub(super) static HEAD: Verb = Verb {
    name: "head",
    signature: "head([rows])",
    doc: "The first rows: 10, or as many as asked for.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let rows = arguments.integer(0)?.unwrap_or(FEW);
        Ok(stage.frame()?.limit(0, Some(rows))?.into())
    }),
};

pub(super) static TAIL: Verb = Verb {
    name: "tail",
    signature: "tail([rows])",
    doc: "The last rows of a sorted chain, in its order.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let rows = arguments.integer(0)?.unwrap_or(FEW);
        Ok(Frame::tail(stage.frame()?, rows)?.into())
    }),
};

pub(super) static LIMIT: Verb = Verb {
    name: "limit",
    signature: "limit(rows [, offset])",
    doc: "So many rows, after leaving out the first ones.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let Some(rows) = arguments.integer(0)? else {
            return Err(arguments.missing("how many rows?"));
        };
        let offset = arguments.integer(1)?.unwrap_or(0);
        Ok(stage.frame()?.limit(offset, Some(rows))?.into())
    }),
};

pub(super) static SAMPLE: Verb = Verb {
    name: "sample",
    signature: "sample(share | rows => n [, seed => n])",
    doc: "Some of the rows, by chance: a share between 0 and 1, or so many. The same seed takes the same rows.",
    takes: Takes::Items,
    named: &[("rows", Takes::Items), ("seed", Takes::Items)],
    bind: Bind::Now(sample),
};

fn sample(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let share = match arguments.literal(0)? {
        Some(value) => match value.cast_to(&arrow::datatypes::DataType::Float64) {
            Ok(datafusion::scalar::ScalarValue::Float64(Some(share))) => Some(share),
            _ => return Err(arguments.missing(&format!("'{value}' is not a share"))),
        },
        None => None,
    };
    let size = match (share, arguments.named_integer("rows")?) {
        (Some(share), None) => SampleSize::Fraction(share),
        (None, Some(rows)) => SampleSize::Rows(rows),
        _ => return Err(arguments.missing("give either a share or rows => n")),
    };
    let seed = arguments.named_integer("seed")?.map(|seed| seed as u64);
    Ok(Frame::sample(stage.frame()?, size, seed)?.into())
}

pub(super) static DISTINCT: Verb = Verb {
    name: "distinct",
    signature: "distinct([expression, …] [, order_by => (…)])",
    doc: "Each row once; with expressions, one row for each of their values: the first in the order.",
    takes: Takes::Items,
    named: &[("order_by", Takes::SortList)],
    bind: Bind::Now(|stage, arguments| {
        let frame = stage.frame()?;
        let keys = arguments.expressions(frame.schema())?;
        if keys.is_empty() {
            return Ok(frame.distinct()?.into());
        }
        let all = frame.schema().columns().into_iter().map(datafusion::prelude::Expr::Column);
        let order = arguments.named_sorts("order_by", frame.schema())?;
        // What comes first within a key must be sorted by the key before anything else.
        let order = (!order.is_empty())
            .then(|| keys.iter().map(|key| key.clone().sort(true, false)).chain(order).collect());
        Ok(frame.clone().distinct_on(keys, all.collect(), order)?.into())
    }),
};

pub(super) static FILL_NULL: Verb = Verb {
    name: "fill_null",
    signature: "fill_null(value [, column, …]) or fill_null(column => value, …)",
    doc: "Replaces NULLs: in the columns named, or in every column that can hold the value.",
    takes: Takes::Items,
    named: &[("*", Takes::Items)],
    bind: Bind::Now(fill_null),
};

fn fill_null(stage: Stage, arguments: &Arguments<'_>) -> Result<Stage> {
    let mut frame = stage.frame()?;
    let by_column = arguments.named_literals()?;
    match (arguments.literal(0)?, by_column.is_empty()) {
        (Some(value), true) => {
            let columns: Vec<String> = arguments.names_after(1)?;
            Ok(frame.fill_nulls(value, &columns)?.into())
        }
        (None, false) => {
            for (column, value) in by_column {
                frame = frame.fill_nulls(value, &[column])?;
            }
            Ok(frame.into())
        }
        _ => Err(arguments.missing("give a value, or column => value")),
    }
}

pub(super) static DROP_NULL: Verb = Verb {
    name: "drop_null",
    signature: "drop_null([column, …])",
    doc: "Leaves out rows with a NULL in one of the columns, or in any.",
    takes: Takes::Items,
    named: &[],
    bind: Bind::Now(|stage, arguments| {
        let columns = arguments.names()?;
        let frame = stage.frame()?;
        frame.drop_nulls(&columns).map(Stage::from).map_err(Error::from)
    }),
};
