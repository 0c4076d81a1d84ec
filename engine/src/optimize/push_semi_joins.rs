//! Rows that have to be among others are looked for before they are joined to more: a semi join whose keys come
//! from one side of an inner join is pushed into that side. So what an `IN` leaves out is neither exchanged nor
//! joined, on a pool, too, where filters that joins find do not reach scans.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Runs with DataFusion's logical rules.
#[derive(Debug)]
pub(crate) struct PushSemiJoins;

impl OptimizerRule for PushSemiJoins {
    fn name(&self) -> &str {
        "push_semi_joins"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(semi) = &plan else { return Ok(Transformed::no(plan)) };
        if semi.join_type != JoinType::LeftSemi || semi.filter.is_some() || semi.on.is_empty() {
            return Ok(Transformed::no(plan));
        }
        match pushed(semi, &semi.left, &keys(semi))? {
            Some(pushed) => Ok(Transformed::yes(pushed)),
            None => Ok(Transformed::no(plan)),
        }
    }
}

/// The keys of the side whose rows are kept.
fn keys(semi: &Join) -> Vec<Expr> {
    semi.on.iter().map(|(left, _)| left.clone()).collect()
}

/// What becomes of a plan whose rows a semi join by these keys is to keep, if it can be pushed into it.
fn pushed(semi: &Join, into: &LogicalPlan, keys: &[Expr]) -> Result<Option<LogicalPlan>> {
    match into {
        LogicalPlan::Projection(projection) => {
            let Some(keys) = below(projection, keys) else { return Ok(None) };
            let Some(input) = pushed(semi, &projection.input, &keys)? else { return Ok(None) };
            let projection = Projection::try_new(projection.expr.clone(), Arc::new(input))?;
            Ok(Some(LogicalPlan::Projection(projection)))
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let columns: HashSet<&Column> = keys.iter().flat_map(Expr::column_refs).collect();
            let has_all =
                |side: &LogicalPlan| columns.iter().all(|column| side.schema().has_column(column));
            let mut join = join.clone();
            let side = match (has_all(&join.left), has_all(&join.right)) {
                (true, false) => &mut join.left,
                (false, true) => &mut join.right,
                _ => return Ok(None),
            };
            let kept = match pushed(semi, side, keys)? {
                Some(deeper) => deeper,
                None => kept(semi, side, keys),
            };
            *side = Arc::new(kept);
            Ok(Some(LogicalPlan::Join(join)))
        }
        _ => Ok(None),
    }
}

/// The rows of a plan that the semi join keeps.
fn kept(semi: &Join, of: &Arc<LogicalPlan>, keys: &[Expr]) -> LogicalPlan {
    let rights = semi.on.iter().map(|(_, right)| right.clone());
    LogicalPlan::Join(Join {
        left: Arc::clone(of),
        on: keys.iter().cloned().zip(rights).collect(),
        schema: Arc::clone(of.schema()),
        ..semi.clone()
    })
}

/// The same keys below a projection; none where they are computed there.
fn below(projection: &Projection, keys: &[Expr]) -> Option<Vec<Expr>> {
    let key = |key: &Expr| {
        let Expr::Column(column) = key else { return None };
        let at = projection.schema.maybe_index_of_column(column)?;
        match projection.expr.get(at)? {
            inner @ Expr::Column(_) => Some(inner.clone()),
            Expr::Alias(alias) => match alias.expr.as_ref() {
                inner @ Expr::Column(_) => Some(inner.clone()),
                _ => None,
            },
            _ => None,
        }
    };
    keys.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// The optimized plan of a query over three tables, without what lies below its joins.
    async fn joins(sql: &str) -> Vec<String> {
        let state = SessionStateBuilder::new().with_default_features();
        let state = state.with_optimizer_rule(Arc::new(PushSemiJoins)).build();
        let session = SessionContext::new_with_state(state);
        for table in ["a", "b", "s"] {
            let sql = format!("CREATE TABLE {table} (k INT, v INT)");
            session.sql(&sql).await.unwrap().collect().await.unwrap();
        }
        let plan = session.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        let lines = plan.display_indent().to_string();
        let joins = lines.lines().map(str::trim_start).filter(|line| line.contains("Join: "));
        joins.map(|line| line.split(" Filter").next().unwrap_or(line).to_string()).collect()
    }

    #[tokio::test]
    async fn rows_are_looked_for_before_they_are_joined() {
        let from = "SELECT sum(a.v + b.v) FROM a, b WHERE a.k = b.k";
        assert_eq!(
            joins(&format!("{from} AND a.v IN (SELECT v FROM s WHERE k > 1)")).await,
            ["Inner Join: a.k = b.k", "LeftSemi Join: a.v = __correlated_sq_1.v"]
        );
        // Keys of both sides, and what is kept by more than equal keys.
        for kept in [
            "EXISTS (SELECT 1 FROM s WHERE s.k = a.v AND s.v = b.v)",
            "EXISTS (SELECT 1 FROM s WHERE s.k = a.k AND s.v <> a.v)",
        ] {
            let joins = joins(&format!("{from} AND {kept}")).await;
            assert!(joins.first().is_some_and(|join| join.starts_with("LeftSemi")), "{joins:?}");
        }
        // Rows that have no partner are shown by outer joins.
        let outer = "SELECT a.v FROM a LEFT JOIN b ON a.k = b.k WHERE b.v IN (SELECT v FROM s)";
        assert_eq!(joins(outer).await.len(), 2);
    }
}
