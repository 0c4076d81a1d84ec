//! Tables in memory, whose rows are counted against the memory limit for as long as the table lives, however they
//! came to it. Rows that do not fit are refused before the table has any of them, and a change that fails changes none.
//! What a query reads stays as it was when it was planned: rows that are gone from the table since are its own, and
//! are not counted here.

mod change;
mod held;
mod insert;
mod stored;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Constraints, Result, SchemaExt, not_impl_err};
use datafusion::datasource::MemTable;
use datafusion::datasource::sink::DataSinkExec;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use change::{Change, ChangeSink};
pub use held::HeldRows;
use insert::InsertSink;
use stored::Stored;

/// A table in memory.
#[derive(Debug)]
pub struct MemoryTable {
    schema: SchemaRef,
    constraints: Constraints,
    defaults: HashMap<String, Expr>,
    kind: TableType,
    stored: Arc<Stored>,
}

/// Whether the rows of a table are in memory: here, or in a table of DataFusion's own.
pub fn is_in_memory(table: &dyn TableProvider) -> bool {
    table.downcast_ref::<MemoryTable>().is_some() || table.downcast_ref::<MemTable>().is_some()
}

impl MemoryTable {
    fn new(schema: SchemaRef, stored: Arc<Stored>) -> Self {
        let (constraints, defaults) = (Constraints::default(), HashMap::new());
        Self { schema, constraints, defaults, kind: TableType::Base, stored }
    }

    /// As a table that goes with the session that made it.
    pub fn temporary(self) -> Self {
        Self { kind: TableType::Temporary, ..self }
    }

    /// With what is said of its columns.
    pub fn with_constraints(self, constraints: Constraints) -> Self {
        Self { constraints, ..self }
    }

    /// With values for columns that an `INSERT` leaves out.
    pub fn with_defaults(self, defaults: HashMap<String, Expr>) -> Self {
        Self { defaults, ..self }
    }

    /// A plan that changes rows when it is run.
    fn changed(&self, change: Change) -> Arc<dyn ExecutionPlan> {
        let none = Arc::new(EmptyExec::new(self.schema()));
        let sink = ChangeSink { stored: Arc::clone(&self.stored), change };
        Arc::new(DataSinkExec::new(none, Arc::new(sink), None))
    }
}

#[async_trait]
impl TableProvider for MemoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        Some(&self.constraints)
    }

    fn table_type(&self) -> TableType {
        self.kind
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.defaults.get(column)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = self.stored.parts();
        let rows = MemorySourceConfig::try_new(&parts, self.schema(), projection.cloned())?;
        let rows = rows.with_show_sizes(state.config_options().explain.show_sizes);
        Ok(DataSourceExec::from_data_source(rows))
    }

    async fn insert_into(
        &self,
        _: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        how: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.schema().logically_equivalent_names_and_types(&input.schema())?;
        if how != InsertOp::Append {
            return not_impl_err!("{how} into a table in memory: DELETE what is there first");
        }
        let sink = InsertSink { stored: Arc::clone(&self.stored), schema: self.schema() };
        Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
    }

    async fn delete_from(
        &self,
        state: &dyn Session,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.changed(Change::delete(state, self.schema(), filters)?))
    }

    async fn truncate(&self, state: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        self.delete_from(state, Vec::new()).await
    }

    async fn update(
        &self,
        state: &dyn Session,
        assignments: Vec<(String, Expr)>,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.changed(Change::update(state, self.schema(), assignments, filters)?))
    }
}

#[cfg(test)]
mod tests;
