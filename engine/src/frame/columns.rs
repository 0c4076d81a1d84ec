//! Adding, replacing, renaming and leaving out columns, each as one projection.

use datafusion::logical_expr::utils::find_window_exprs;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};

use super::{all_columns, find_column};
use crate::error::Result;

pub(super) fn with(plan: LogicalPlan, columns: Vec<Expr>) -> Result<LogicalPlan> {
    // Windows are computed beneath, so that several verbs in a row stay one projection each.
    let windows = find_window_exprs(columns.iter());
    let mut outputs = all_columns(&plan);
    for column in columns {
        let (_, field) = column.to_field(plan.schema())?;
        let name = match &column {
            Expr::Alias(alias) => alias.name.clone(),
            other => other.schema_name().to_string(),
        };
        let named = column.unalias().alias(field.name());
        match outputs.iter().position(|output| output_name(output) == name) {
            Some(place) => {
                if let Some(output) = outputs.get_mut(place) {
                    *output = named;
                }
            }
            None => outputs.push(named),
        }
    }
    let input =
        if windows.is_empty() { plan } else { LogicalPlanBuilder::window_plan(plan, windows)? };
    Ok(LogicalPlanBuilder::from(input).project(outputs)?.build()?)
}

fn output_name(output: &Expr) -> String {
    match output {
        Expr::Column(column) => column.name.clone(),
        Expr::Alias(alias) => alias.name.clone(),
        other => other.schema_name().to_string(),
    }
}

pub(super) fn rename(plan: LogicalPlan, names: &[(String, String)]) -> Result<LogicalPlan> {
    let mut outputs = all_columns(&plan);
    for (old, new) in names {
        let column = find_column(&plan, old)?;
        for output in &mut outputs {
            if matches!(output, Expr::Column(found) if *found == column) {
                *output = Expr::Column(column.clone()).alias(new);
            }
        }
    }
    Ok(LogicalPlanBuilder::from(plan).project(outputs)?.build()?)
}

pub(super) fn without(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    let mut dropped = Vec::with_capacity(names.len());
    for name in names {
        dropped.push(find_column(&plan, name)?);
    }
    let kept: Vec<Expr> = all_columns(&plan)
        .into_iter()
        .filter(|output| !matches!(output, Expr::Column(column) if dropped.contains(column)))
        .collect();
    Ok(LogicalPlanBuilder::from(plan).project(kept)?.build()?)
}
