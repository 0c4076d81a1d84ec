//! `t PIVOT (sum(amount) FOR year IN (2023, 2024 AS next))`. The values must be known when the
//! query is planned: `IN (ANY)` and `IN (SELECT …)` are asked for beforehand, by
//! [`crate::statements::pivot_values`].

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use sqlparser::ast::{ExprWithAlias, PivotValueSource, TableFactor};
use strata_engine::PivotColumn;

use super::mistake;

#[derive(Debug)]
pub(super) struct PivotPlanner;

impl RelationPlanner for PivotPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source,
            default_on_null,
            alias,
        } = relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        if default_on_null.is_some() {
            return Err(mistake("PIVOT's DEFAULT ON NULL is not supported; use coalesce"));
        }
        let [column] = value_column.as_slice() else {
            return Err(mistake("PIVOT takes one column after FOR"));
        };
        let PivotValueSource::List(values) = value_source else {
            return Err(mistake("PIVOT's values cannot be asked for here; list them: IN (1, 2)"));
        };
        let input = context.plan(*table)?;
        let schema = input.schema().as_ref().clone();
        let column = context.sql_to_expr(column.clone(), &schema)?;
        let aggregates = aggregate_functions
            .into_iter()
            .map(|aggregate| named(aggregate, &schema, context))
            .collect::<Result<Vec<_>>>()?;
        let values = values
            .into_iter()
            .map(|value| pivot_column(value, context))
            .collect::<Result<Vec<_>>>()?;
        let plan = strata_engine::pivot(input, None, &column, &values, &aggregates)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

fn named(
    aggregate: ExprWithAlias,
    schema: &DFSchema,
    context: &mut dyn RelationPlannerContext,
) -> Result<Expr> {
    let expr = context.sql_to_expr(aggregate.expr, schema)?;
    Ok(match aggregate.alias {
        Some(alias) => expr.alias(context.normalize_ident(alias)),
        None => expr,
    })
}

fn pivot_column(
    value: ExprWithAlias,
    context: &mut dyn RelationPlannerContext,
) -> Result<PivotColumn> {
    let literal = context.sql_to_expr(value.expr.clone(), &DFSchema::empty())?;
    let literal = match literal {
        Expr::Literal(value, _) => value,
        Expr::Negative(inner) => match *inner {
            Expr::Literal(value, _) => value.arithmetic_negate()?,
            other => return Err(mistake(format!("PIVOT's value '{other}' is not a constant"))),
        },
        Expr::Cast(cast) => match *cast.expr {
            Expr::Literal(value, _) => value.cast_to(cast.field.data_type())?,
            other => return Err(mistake(format!("PIVOT's value '{other}' is not a constant"))),
        },
        other => return Err(mistake(format!("PIVOT's value '{other}' is not a constant"))),
    };
    let column = PivotColumn::of(literal);
    Ok(match value.alias {
        Some(alias) => PivotColumn { name: context.normalize_ident(alias), ..column },
        None => column,
    })
}
