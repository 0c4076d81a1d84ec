//! Arrays after `FROM`, which were opened before.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::builder::subquery_alias;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use sqlparser::ast::TableFactor;

use crate::arrays::{ArrayTables, own_name, written};

#[derive(Debug)]
pub(super) struct ArrayPlanner(pub(super) Arc<ArrayTables>);

impl RelationPlanner for ArrayPlanner {
    fn plan_relation(
        &self,
        mut relation: TableFactor,
        _: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let Some(plan) = written(&relation).and_then(|text| self.0.plan(&text)) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let own = own_name(&relation);
        let alias = match &mut relation {
            TableFactor::Table { alias, .. } => alias.take(),
            _ => None,
        };
        let plan = match (&alias, own) {
            (None, Some(own)) => subquery_alias(plan, own)?,
            _ => plan,
        };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}
