//! `t UNPIVOT [INCLUDE NULLS] (value FOR name IN (a, b AS 'label'))`.

use datafusion::common::Result;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use sqlparser::ast::{NullInclusion, TableFactor};
use strata_engine::Unpivot;

use super::{ident_of, mistake};

#[derive(Debug)]
pub(super) struct UnpivotPlanner;

impl RelationPlanner for UnpivotPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } = relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let Some(value) = ident_of(&value) else {
            return Err(mistake(format!("UNPIVOT's '{value}' is not a name for the values")));
        };
        let columns = columns
            .into_iter()
            .map(|column| match ident_of(&column.expr) {
                Some(ident) => {
                    let name = context.normalize_ident(ident);
                    let label = match column.alias {
                        Some(alias) => context.normalize_ident(alias),
                        None => name.clone(),
                    };
                    Ok((name, label))
                }
                None => Err(mistake(format!("UNPIVOT's '{}' is not a column", column.expr))),
            })
            .collect::<Result<Vec<_>>>()?;
        let spec = Unpivot {
            columns,
            name: context.normalize_ident(name),
            value: context.normalize_ident(value),
            keep_nulls: matches!(null_inclusion, Some(NullInclusion::IncludeNulls)),
        };
        let plan = strata_engine::unpivot(context.plan(*table)?, &spec)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}
