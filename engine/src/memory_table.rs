//! Tables in memory: DataFusion's, whose rows are counted against the memory limit for as long as the table lives,
//! however they came to it. Rows that do not fit are refused before the table has any of them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{SchemaRef, UInt64Type};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{Constraints, Result, SchemaExt, internal_err, not_impl_err};
use datafusion::datasource::MemTable;
use datafusion::datasource::memory::PartitionData;
use datafusion::datasource::sink::{DataSink, DataSinkExec};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, collect};
use futures::StreamExt;

/// A table in memory.
#[derive(Debug)]
pub struct MemoryTable {
    rows: Arc<MemTable>,
    held: Arc<MemoryReservation>,
}

impl MemoryTable {
    /// A plan that changes rows when it is run.
    fn changed(&self, state: &dyn Session, change: Change) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(state) = state.as_any().downcast_ref::<SessionState>() else {
            return internal_err!("rows of a table in memory are changed in a session");
        };
        let (rows, held) = (Arc::clone(&self.rows), Arc::clone(&self.held));
        let schema = self.schema();
        let none = Arc::new(EmptyExec::new(Arc::clone(&schema)));
        let sink = ChangeSink { rows, held, change, schema, state: Box::new(state.clone()) };
        Ok(Arc::new(DataSinkExec::new(none, Arc::new(sink), None)))
    }
}

#[async_trait]
impl TableProvider for MemoryTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn constraints(&self) -> Option<&Constraints> {
        self.rows.constraints()
    }

    fn table_type(&self) -> TableType {
        self.rows.table_type()
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.rows.get_column_default(column)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.rows.scan(state, projection, filters, limit).await
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
        let (parts, schema) = (self.rows.batches.clone(), self.schema());
        let sink = MemorySink { parts, schema, held: Arc::clone(&self.held) };
        Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
    }

    async fn delete_from(
        &self,
        state: &dyn Session,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.changed(state, Change::Delete(filters))
    }

    async fn truncate(&self, state: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        self.changed(state, Change::Delete(Vec::new()))
    }

    async fn update(
        &self,
        state: &dyn Session,
        assignments: Vec<(String, Expr)>,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.changed(state, Change::Update(assignments, filters))
    }
}

/// Rows on their way into a table. What several batches share is counted once.
#[derive(Debug)]
pub struct HeldRows {
    batches: Vec<RecordBatch>,
    rows: u64,
    counter: RecordBatchMemoryCounter,
    held: MemoryReservation,
}

impl HeldRows {
    /// None yet; they are counted as this says.
    pub fn new(held: MemoryReservation) -> Self {
        Self { batches: Vec::new(), rows: 0, counter: RecordBatchMemoryCounter::new(), held }
    }

    /// Takes more rows, if they fit.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.held.try_grow(self.counter.count_batch(&batch))?;
        self.rows += batch.num_rows() as u64;
        if batch.num_rows() > 0 {
            self.batches.push(batch);
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn count(&self) -> u64 {
        self.rows
    }

    /// Counts them no longer: whoever takes them does.
    pub fn let_go(&self) {
        self.held.free();
    }

    /// The rows as a table, in several parts so that reading it uses every core; `change` says more of it.
    pub fn into_table(
        self,
        schema: SchemaRef,
        parts: usize,
        change: impl FnOnce(MemTable) -> MemTable,
    ) -> Result<MemoryTable> {
        let rows = MemTable::try_new(schema, in_parts(self.batches, parts.max(1)))?;
        Ok(MemoryTable { rows: Arc::new(change(rows)), held: Arc::new(self.held) })
    }
}

/// Batches dealt out to so many parts.
fn in_parts(batches: Vec<RecordBatch>, count: usize) -> Vec<Vec<RecordBatch>> {
    let mut parts: Vec<Vec<RecordBatch>> = vec![Vec::new(); count];
    for (at, batch) in batches.into_iter().enumerate() {
        if let Some(part) = parts.get_mut(at % count) {
            part.push(batch);
        }
    }
    parts
}

/// Where rows go that are inserted.
struct MemorySink {
    parts: Vec<PartitionData>,
    schema: SchemaRef,
    held: Arc<MemoryReservation>,
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySink")
    }
}

impl DisplayAs for MemorySink {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match kind {
            DisplayFormatType::TreeRender => Ok(()),
            _ => write!(f, "MemoryTable (partitions={})", self.parts.len()),
        }
    }
}

#[async_trait]
impl DataSink for MemorySink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        _: &Arc<TaskContext>,
    ) -> Result<u64> {
        let mut rows = HeldRows::new(self.held.new_empty());
        while let Some(batch) = data.next().await.transpose()? {
            rows.push(batch)?;
        }
        let count = rows.count();
        let new = in_parts(rows.batches, self.parts.len().max(1));
        for (part, mut batches) in self.parts.iter().zip(new) {
            part.write().await.append(&mut batches);
        }
        self.held.grow(rows.held.size());
        Ok(count)
    }
}

/// What happens to rows that are there.
#[derive(Debug)]
enum Change {
    /// Those go that the filters let through.
    Delete(Vec<Expr>),
    /// Columns of those that the filters let through get other values.
    Update(Vec<(String, Expr)>, Vec<Expr>),
}

/// Changes rows when it is run, where DataFusion's own table does so as soon as it is planned: `EXPLAIN DELETE` would
/// delete.
struct ChangeSink {
    rows: Arc<MemTable>,
    held: Arc<MemoryReservation>,
    change: Change,
    schema: SchemaRef,
    state: Box<SessionState>,
}

impl fmt::Debug for ChangeSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangeSink({:?})", self.change)
    }
}

impl DisplayAs for ChangeSink {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (kind, &self.change) {
            (DisplayFormatType::TreeRender, _) => Ok(()),
            (_, Change::Delete(_)) => f.write_str("MemoryTable (delete)"),
            (_, Change::Update(..)) => f.write_str("MemoryTable (update)"),
        }
    }
}

impl ChangeSink {
    async fn change(&self, context: &Arc<TaskContext>) -> Result<u64> {
        let state = self.state.as_ref();
        let done = match &self.change {
            Change::Delete(filters) => self.rows.delete_from(state, filters.clone()).await?,
            Change::Update(assignments, filters) => {
                // Rows are written anew beside those that are there.
                let beside = self.held.new_empty();
                beside.try_grow(self.held.size())?;
                self.rows.update(state, assignments.clone(), filters.clone()).await?
            }
        };
        let told = collect(done, Arc::clone(context)).await?;
        let counts = told.iter().filter_map(|batch| batch.columns().first());
        let counts = counts.filter_map(|column| column.as_primitive_opt::<UInt64Type>());
        Ok(counts.flat_map(|column| column.iter().flatten()).sum())
    }

    /// Counts all rows again.
    async fn count(&self) {
        let mut counter = RecordBatchMemoryCounter::new();
        for part in &self.rows.batches {
            part.read().await.iter().for_each(|batch| {
                counter.count_batch(batch);
            });
        }
        self.held.resize(counter.memory_usage());
    }
}

#[async_trait]
impl DataSink for ChangeSink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        _: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let changed = self.change(context).await;
        self.count().await;
        changed
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use datafusion::execution::context::SessionContext;
    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;
    use crate::{Origin, SessionBuilder, Settings};

    const BATCH: usize = 128 << 10;

    fn session() -> SessionContext {
        let mut settings = Settings::default();
        settings.set("memory.limit", "64MiB", Origin::Session).unwrap();
        let session = SessionBuilder::new(settings).build().unwrap();
        let consumer = MemoryConsumer::new("table 't'");
        let mut rows = HeldRows::new(consumer.register(&session.runtime_env().memory_pool));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..(BATCH / 8) as i64));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        // Two halves of the same values.
        rows.push(batch.slice(0, BATCH / 16)).unwrap();
        rows.push(batch.slice(BATCH / 16, BATCH / 16)).unwrap();
        let table = rows.into_table(batch.schema(), 2, |table| table).unwrap();
        session.register_table("t", Arc::new(table)).unwrap();
        session
    }

    async fn run(session: &SessionContext, text: &str) -> Result<Vec<RecordBatch>> {
        session.sql(text).await?.collect().await
    }

    fn held(session: &SessionContext) -> usize {
        session.runtime_env().memory_pool.reserved()
    }

    #[tokio::test]
    async fn a_table_is_counted_however_it_grows_and_shrinks() {
        let session = session();
        assert!((BATCH..BATCH + 1024).contains(&held(&session)), "{}", held(&session));
        run(&session, "INSERT INTO t SELECT id + 1 FROM t").await.unwrap();
        assert!((2 * BATCH..3 * BATCH).contains(&held(&session)), "{}", held(&session));
        run(&session, "UPDATE t SET id = 0 WHERE id % 2 = 0").await.unwrap();
        assert!(held(&session) >= 2 * BATCH, "{}", held(&session));
        let before = held(&session);
        run(&session, "EXPLAIN DELETE FROM t").await.unwrap();
        run(&session, "EXPLAIN UPDATE t SET id = 1").await.unwrap();
        assert_eq!(held(&session), before, "what is explained is not done");
        run(&session, "DELETE FROM t WHERE id <> 0").await.unwrap();
        assert!((BATCH..2 * BATCH).contains(&held(&session)), "{}", held(&session));
        run(&session, "DROP TABLE t").await.unwrap();
        assert_eq!(held(&session), 0);
    }

    #[tokio::test]
    async fn rows_that_do_not_fit_are_refused_and_none_of_them_stay() {
        let session = session();
        let before = held(&session);
        let text = "INSERT INTO t SELECT value FROM range(0, 20000000)";
        let error = run(&session, text).await.unwrap_err().to_string();
        assert!(error.contains("table 't'"), "{error}");
        assert_eq!(held(&session), before);
        let rows = run(&session, "SELECT * FROM t").await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), BATCH / 8);
    }
}
