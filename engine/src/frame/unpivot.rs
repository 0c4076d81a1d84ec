//! Columns into rows: the columns' names and values become two lists, unnested side by side.

use datafusion::common::UnnestOptions;
use datafusion::common::{Column, ExprSchema};
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::{FrameError, all_columns, find_column};
use crate::error::Result;

/// Which columns become rows, and what the two new columns are called.
#[derive(Debug, Clone, PartialEq)]
pub struct Unpivot {
    /// The columns that become rows, each with the text its rows carry.
    pub columns: Vec<(String, String)>,
    /// The column that holds which column a row came from.
    pub name: String,
    /// The column that holds the value.
    pub value: String,
    /// Whether rows with a NULL value are kept.
    pub keep_nulls: bool,
}

/// Turns columns into rows.
pub fn unpivot(plan: LogicalPlan, spec: &Unpivot) -> Result<LogicalPlan> {
    let mut columns = Vec::with_capacity(spec.columns.len());
    for (name, label) in &spec.columns {
        columns.push((find_column(&plan, name)?, label));
    }
    let common = columns.iter().try_fold(None, |common, (column, _)| {
        let data_type = plan.schema().field_from_column(column)?.data_type().clone();
        let merged = match common {
            None => Some(data_type.clone()),
            Some(common) => type_union_coercion(&common, &data_type),
        };
        merged.map(Some).ok_or_else(|| {
            crate::EngineError::from(FrameError::invalid(format!(
                "column '{}' of type {data_type} has no type in common with the columns before it",
                column.name
            )))
        })
    })?;
    let Some(common) = common else {
        return Err(FrameError::invalid("unpivot needs at least one column").into());
    };
    let kept: Vec<Expr> = all_columns(&plan)
        .into_iter()
        .filter(|expr| !matches!(expr, Expr::Column(c) if columns.iter().any(|(u, _)| u == c)))
        .collect();
    let labels = columns.iter().map(|(_, label)| lit(label.as_str())).collect();
    let values =
        columns.iter().map(|(c, _)| cast(Expr::Column(c.clone()), common.clone())).collect();
    let lists = [make_array(labels).alias(&spec.name), make_array(values).alias(&spec.value)];
    let unnested = LogicalPlanBuilder::from(plan)
        .project(kept.into_iter().chain(lists))?
        .unnest_columns_with_options(
            vec![Column::new_unqualified(&spec.name), Column::new_unqualified(&spec.value)],
            UnnestOptions::default(),
        )?;
    if spec.keep_nulls {
        return Ok(unnested.build()?);
    }
    let value = Expr::Column(Column::new_unqualified(&spec.value));
    Ok(unnested.filter(value.is_not_null())?.build()?)
}
