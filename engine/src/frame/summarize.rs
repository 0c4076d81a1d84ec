//! One row for each column of a frame: what an analyst looks at first. Everything is computed by
//! one aggregation, in one pass over the data; its single row is then turned on its side.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::common::UnnestOptions;
use datafusion::functions_aggregate::expr_fn::{
    approx_distinct, approx_percentile_cont, avg, count, max, min, stddev,
};
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::scalar::ScalarValue;

use super::ascending;
use crate::error::Result;

/// The columns of a summary, and how each is computed from a column of the input; none where it
/// makes no sense for the column's type.
type Measure = (&'static str, DataType, fn(&Expr, &DataType) -> Option<Expr>);

fn measures() -> Vec<Measure> {
    let (text, real, whole) = (DataType::Utf8, DataType::Float64, DataType::Int64);
    vec![
        ("min", text.clone(), |c, t| is_ordered(t).then(|| min(c.clone()))),
        ("max", text, |c, t| is_ordered(t).then(|| max(c.clone()))),
        ("approx_unique", whole.clone(), |c, t| {
            let hashable = if hashes(t) { c.clone() } else { cast(c.clone(), DataType::Utf8) };
            is_ordered(t).then(|| approx_distinct(hashable))
        }),
        ("avg", real.clone(), |c, t| t.is_numeric().then(|| avg(real_of(c)))),
        ("std", real.clone(), |c, t| t.is_numeric().then(|| stddev(real_of(c)))),
        ("q25", real.clone(), |c, t| t.is_numeric().then(|| quantile(c, 0.25))),
        ("q50", real.clone(), |c, t| t.is_numeric().then(|| quantile(c, 0.5))),
        ("q75", real.clone(), |c, t| t.is_numeric().then(|| quantile(c, 0.75))),
        ("count", whole, |_, _| Some(count(lit(1i64)))),
        ("null_percentage", real.clone(), |c, _| {
            // 0 rows have no share of anything: the division gives NULL, as it should.
            let nulls = count(lit(1i64)) - count(c.clone());
            let rows = datafusion::functions::core::expr_fn::nullif(count(lit(1i64)), lit(0i64));
            Some(lit(100.0) * cast(nulls, DataType::Float64) / cast(rows, DataType::Float64))
        }),
    ]
}

fn real_of(column: &Expr) -> Expr {
    cast(column.clone(), DataType::Float64)
}

fn quantile(column: &Expr, share: f64) -> Expr {
    approx_percentile_cont(ascending(real_of(column)), lit(share), None)
}

fn is_ordered(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Null | DataType::Interval(_))
}

/// The types whose distinct values DataFusion can count as they are.
fn hashes(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32
        )
}

/// Summarizes every column of a plan.
pub fn summarize(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let mut aggregates = Vec::new();
    let mut lists = vec![
        make_array(columns.iter().map(|c| lit(c.name.as_str())).collect()).alias("column_name"),
        make_array(plan.schema().fields().iter().map(|f| lit(f.data_type().to_string())).collect())
            .alias("column_type"),
    ];
    for (measure, data_type, compute) in measures() {
        let mut cells = Vec::with_capacity(columns.len());
        for (place, (column, field)) in columns.iter().zip(plan.schema().fields()).enumerate() {
            match compute(&Expr::Column(column.clone()), field.data_type()) {
                Some(aggregate) => {
                    let name = format!("__{measure}_{place}");
                    aggregates.push(aggregate.alias(&name));
                    let cell = Expr::Column(Column::new_unqualified(name));
                    cells.push(cast(cell, data_type.clone()));
                }
                None => cells.push(lit(ScalarValue::try_new_null(&data_type)?)),
            }
        }
        lists.push(make_array(cells).alias(measure));
    }
    let names: Vec<Column> = lists
        .iter()
        .filter_map(|list| match list {
            Expr::Alias(alias) => Some(Column::new_unqualified(&alias.name)),
            _ => None,
        })
        .collect();
    let row = super::group::aggregate(plan, Vec::new(), aggregates)?;
    Ok(LogicalPlanBuilder::from(row)
        .project(lists)?
        .unnest_columns_with_options(names, UnnestOptions::default())?
        .build()?)
}
