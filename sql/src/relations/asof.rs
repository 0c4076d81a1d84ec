//! `a ASOF JOIN b MATCH_CONDITION (a.t >= b.t) ON a.k = b.k`: each row of `a` with the latest row of
//! `b` that is not after it. As where this syntax comes from, rows of `a` without a match stay, with
//! NULLs. [`crate::rewrite`] has made it a joined table of its own.

use datafusion::common::{Column, Result};
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use sqlparser::ast::{JoinConstraint, JoinOperator, TableFactor};

use super::mistake;
use crate::verbs::asof_spec;

#[derive(Debug)]
pub(super) struct AsofPlanner;

impl RelationPlanner for AsofPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::NestedJoin { table_with_joins, alias } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let [join] = table_with_joins.joins.as_slice() else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let JoinOperator::AsOf { match_condition, constraint } = &join.join_operator else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let left = context.plan(table_with_joins.relation.clone())?;
        let right = context.plan(join.relation.clone())?;
        let both = left.schema().join(right.schema())?;
        let mut conditions =
            split_conjunction_owned(context.sql_to_expr(match_condition.clone(), &both)?);
        match constraint {
            JoinConstraint::None => {}
            JoinConstraint::On(on) => {
                conditions.extend(split_conjunction_owned(context.sql_to_expr(on.clone(), &both)?));
            }
            JoinConstraint::Using(names) => {
                for name in names {
                    let name = context.object_name_to_table_reference(name.clone())?;
                    let side = |schema: &datafusion::common::DFSchema| -> Result<Expr> {
                        let (table, field) =
                            schema.qualified_field_with_unqualified_name(name.table())?;
                        Ok(Expr::Column(Column::from((table, field))))
                    };
                    conditions.push(Expr::BinaryExpr(BinaryExpr::new(
                        Box::new(side(left.schema())?),
                        Operator::Eq,
                        Box::new(side(right.schema())?),
                    )));
                }
            }
            JoinConstraint::Natural => return Err(mistake("a NATURAL ASOF JOIN is not supported")),
        }
        let spec = asof_spec(conditions, left.schema(), right.schema(), false)
            .map_err(|error| mistake(error.to_string()))?;
        let plan = strata_engine::asof_join(left, right, spec)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}
