//! Bulk ingest: rows that become a table, or join one. All of them do, or none: they are kept until the last has
//! come, counted against the memory limit, and a client that leaves midway leaves nothing behind.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::sql::{CommandStatementIngest, TableExistsOption, TableNotExistOption};
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use futures::stream::BoxStream;
use strata_engine::{HeldRows, LocalRunner, MemoryTable, Runner};
use tonic::Status;

use super::caller::Caller;
use super::errors;
use super::sessions::FlightSession;
use crate::temporary;

/// What is done about a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Create,
    Append,
    Replace,
}

/// Takes rows into a table; how many.
pub(super) async fn ingest(
    session: &FlightSession,
    caller: &Caller,
    asked: CommandStatementIngest,
    mut batches: BoxStream<'static, Result<RecordBatch, Status>>,
) -> Result<i64, Status> {
    let context = &session.context;
    let table = table(context, &asked)?;
    caller.may_ingest()?;
    way(context, &table, &asked)?;
    let pool = Arc::clone(&context.runtime_env().memory_pool);
    let reservation = MemoryConsumer::new(format!("table '{table}'")).register(&pool);
    let mut rows = HeldRows::new(reservation);
    let mut schema: Option<SchemaRef> = None;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        schema.get_or_insert_with(|| batch.schema());
        rows.push(batch).map_err(errors::status)?;
    }
    let Some(schema) = schema else {
        return Err(Status::invalid_argument("no rows came, and no columns either"));
    };
    let count = i64::try_from(rows.count()).unwrap_or(i64::MAX);
    // Others may have made or dropped it while the rows came.
    match way(context, &table, &asked)? {
        Way::Append => append(session, caller, table, &schema, rows).await?,
        way => create(context, caller, table, schema, rows, way)?,
    }
    Ok(count)
}

/// The table that is meant.
fn table(
    context: &SessionContext,
    asked: &CommandStatementIngest,
) -> Result<TableReference, Status> {
    if asked.transaction_id.is_some() {
        return Err(Status::unimplemented("there are no transactions over several statements"));
    }
    if asked.table.is_empty() {
        return Err(Status::invalid_argument("the table has no name"));
    }
    if asked.temporary {
        return own_table(context, asked);
    }
    let state = context.state_ref();
    let state = state.read();
    let own = &state.config_options().catalog;
    let given = |given: &Option<String>, own: &String| match given {
        Some(name) if !name.is_empty() => name.clone(),
        _ => own.clone(),
    };
    let catalog = given(&asked.catalog, &own.default_catalog);
    let schema = given(&asked.schema, &own.default_schema);
    let there = state.catalog_list().catalog(&catalog).and_then(|known| known.schema(&schema));
    if there.is_none() {
        return Err(Status::not_found(format!("there is no schema '{catalog}.{schema}'")));
    }
    Ok(match asked.catalog.is_some() || asked.schema.is_some() {
        true => TableReference::full(catalog, schema, asked.table.as_str()),
        false => TableReference::bare(asked.table.as_str()),
    })
}

/// The table of the session's own that is meant.
fn own_table(
    context: &SessionContext,
    asked: &CommandStatementIngest,
) -> Result<TableReference, Status> {
    let table = asked.table.as_str();
    let asked = match asked.schema.as_deref().filter(|schema| !schema.is_empty()) {
        Some(schema) => TableReference::partial(schema, table),
        None => TableReference::bare(table),
    };
    temporary::name(context, &asked).map_err(errors::status)
}

/// What is to be done, as far as the client allows it.
fn way(
    context: &SessionContext,
    table: &TableReference,
    asked: &CommandStatementIngest,
) -> Result<Way, Status> {
    let options = asked.table_definition_options.unwrap_or_default();
    let exists = context.table_exist(table.clone()).map_err(errors::status)?;
    match (exists, options.if_exists(), options.if_not_exist()) {
        (false, _, TableNotExistOption::Fail) => Err(Status::not_found(format!(
            "there is no table '{table}' to append to; create it, or let it be created"
        ))),
        (false, ..) => Ok(Way::Create),
        (true, TableExistsOption::Append, _) => Ok(Way::Append),
        (true, TableExistsOption::Replace, _) => Ok(Way::Replace),
        (true, ..) => Err(Status::already_exists(format!(
            "there is a table '{table}' already; append to it, or replace it"
        ))),
    }
}

fn create(
    context: &SessionContext,
    caller: &Caller,
    table: TableReference,
    schema: SchemaRef,
    rows: HeldRows,
    way: Way,
) -> Result<(), Status> {
    let made = table_of(context, rows, schema)?;
    let made = if temporary::is_name(context, &table) { made.temporary() } else { made };
    let provider: Arc<dyn TableProvider> = Arc::new(made);
    let scan = scan(&table, Arc::clone(&provider))?;
    caller.may_run(&scan)?;
    if way == Way::Replace {
        context.deregister_table(table.clone()).map_err(errors::status)?;
    }
    context.register_table(table.clone(), provider).map_err(errors::status)?;
    Ok(())
}

fn table_of(
    context: &SessionContext,
    rows: HeldRows,
    schema: SchemaRef,
) -> Result<MemoryTable, Status> {
    let parts = context.state_ref().read().config().target_partitions();
    rows.into_table(schema, parts).map_err(errors::status)
}

async fn append(
    session: &FlightSession,
    caller: &Caller,
    table: TableReference,
    schema: &SchemaRef,
    rows: HeldRows,
) -> Result<(), Status> {
    let context = &session.context;
    let target = context.table_provider(table.clone()).await.map_err(errors::status)?;
    fits(&table, &target.schema(), schema)?;
    // The table counts what it takes; the rows are the same.
    if target.downcast_ref::<MemoryTable>().is_some() {
        rows.let_go();
    }
    let provider = table_of(context, rows, Arc::clone(schema))?;
    let plan = insert(&table, &target, scan(&table, Arc::new(provider))?, schema)?;
    caller.may_run(&plan)?;
    let run = LocalRunner.run(context, plan).await.map_err(errors::status)?;
    let mut stream = run.stream;
    while let Some(batch) = stream.next().await {
        batch.map_err(errors::of_datafusion)?;
    }
    Ok(())
}

/// Whether rows have columns that the table has, too.
fn fits(table: &TableReference, target: &Schema, rows: &Schema) -> Result<(), Status> {
    let names = |schema: &Schema| {
        schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>().join(", ")
    };
    for field in rows.fields() {
        let Ok(wanted) = target.field_with_name(field.name()) else {
            return Err(Status::invalid_argument(errors::short(format!(
                "table '{table}' has no column '{}'; it has {}",
                field.name(),
                names(target)
            ))));
        };
        if !arrow::compute::can_cast_types(field.data_type(), wanted.data_type()) {
            return Err(Status::invalid_argument(errors::short(format!(
                "column '{}' of table '{table}' is {}, and what came is {}",
                field.name(),
                wanted.data_type(),
                field.data_type()
            ))));
        }
    }
    let missing = target
        .fields()
        .iter()
        .find(|field| !field.is_nullable() && rows.field_with_name(field.name()).is_err());
    match missing {
        Some(field) => Err(Status::invalid_argument(errors::short(format!(
            "column '{}' of table '{table}' must have values, and none came; what came are {}",
            field.name(),
            names(rows)
        )))),
        None => Ok(()),
    }
}

/// Rows in the columns of the table that they are put into.
fn insert(
    table: &TableReference,
    target: &Arc<dyn TableProvider>,
    rows: LogicalPlan,
    schema: &Schema,
) -> Result<LogicalPlan, Status> {
    let columns = target
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let value = match schema.field_with_name(field.name()) {
                Ok(_) => cast(ident(field.name()), field.data_type().clone()),
                Err(_) => cast(lit(ScalarValue::Null), field.data_type().clone()),
            };
            value.alias(field.name())
        })
        .collect::<Vec<_>>();
    let plan = LogicalPlanBuilder::from(rows).project(columns).and_then(LogicalPlanBuilder::build);
    let plan = plan.map_err(errors::status)?;
    let target = provider_as_source(Arc::clone(target));
    let insert = LogicalPlanBuilder::insert_into(plan, table.clone(), target, InsertOp::Append);
    insert.and_then(LogicalPlanBuilder::build).map_err(errors::status)
}

fn scan(table: &TableReference, rows: Arc<dyn TableProvider>) -> Result<LogicalPlan, Status> {
    let scan = LogicalPlanBuilder::scan(table.table(), provider_as_source(rows), None);
    scan.and_then(LogicalPlanBuilder::build).map_err(errors::status)
}
