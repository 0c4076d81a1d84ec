//! The rows of a query that a pool runs, as a table: what a write on the client's side reads.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::provider_as_source;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType, WriteOp};
use datafusion::physical_plan::ExecutionPlan;

use super::Pool;

/// A write whose rows the pool makes; other plans as they are, among them those that change rows where they are.
pub(crate) fn with_rows_from_pool(plan: &LogicalPlan, pool: &Arc<Pool>) -> Result<LogicalPlan> {
    let from_pool = |input: &Arc<LogicalPlan>| -> Result<Arc<LogicalPlan>> {
        let table = PoolTable { pool: Arc::clone(pool), query: Arc::clone(input) };
        let scan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::new(table)), None)?;
        Ok(Arc::new(scan.build()?))
    };
    Ok(match plan {
        LogicalPlan::Copy(copy) => {
            let mut copy = copy.clone();
            copy.input = from_pool(&copy.input)?;
            LogicalPlan::Copy(copy)
        }
        // What DELETE and UPDATE are about is told by the filters of their input, which must stay there: without any,
        // they are about all rows.
        LogicalPlan::Dml(dml) if matches!(dml.op, WriteOp::Insert(_)) => {
            let mut dml = dml.clone();
            dml.input = from_pool(&dml.input)?;
            LogicalPlan::Dml(dml)
        }
        other => other.clone(),
    })
}

#[derive(Debug)]
struct PoolTable {
    pool: Arc<Pool>,
    query: Arc<LogicalPlan>,
}

#[async_trait]
impl TableProvider for PoolTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.query.schema().inner())
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(state) = session.as_any().downcast_ref::<SessionState>() else {
            return internal_err!("a pool is asked by a session of another kind");
        };
        let all = projection.is_none_or(|columns| {
            columns.iter().copied().eq(0..self.query.schema().fields().len())
        });
        if !all {
            return internal_err!("a write reads some columns only of what it writes");
        }
        Ok(Arc::new(self.pool.plan(&self.query, state).await?))
    }
}
