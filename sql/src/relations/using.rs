//! `(a LEFT JOIN b USING (k))`: the key appears once, with the value of the side that has one.
//! [`crate::rewrite`] makes joined tables of the joins that need this.

use datafusion::common::{JoinType, Result};
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use sqlparser::ast::{JoinConstraint, JoinOperator, TableFactor};

#[derive(Debug)]
pub(super) struct UsingPlanner;

impl RelationPlanner for UsingPlanner {
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
        let Some((kind, names)) = using(&join.join_operator) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let names = names
            .iter()
            .map(|name| {
                let reference = context.object_name_to_table_reference(name.clone())?;
                Ok(reference.table().to_string())
            })
            .collect::<Result<Vec<_>>>()?;
        let left = context.plan(table_with_joins.relation.clone())?;
        let right = context.plan(join.relation.clone())?;
        let plan = strata_engine::join_using(left, right, kind, &names)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

fn using(operator: &JoinOperator) -> Option<(JoinType, &[sqlparser::ast::ObjectName])> {
    let (kind, constraint) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
            (JoinType::Inner, constraint)
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            (JoinType::Left, constraint)
        }
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            (JoinType::Right, constraint)
        }
        JoinOperator::FullOuter(constraint) => (JoinType::Full, constraint),
        _ => return None,
    };
    match constraint {
        JoinConstraint::Using(names) => Some((kind, names)),
        _ => None,
    }
}
