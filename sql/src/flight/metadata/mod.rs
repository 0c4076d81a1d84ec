//! What there is: catalogs, schemas, tables and keys, and what this server can do. Each command is its own ticket.

mod catalogs;
mod columns;
mod keys;
mod sql_info;
mod tables;
mod xdbc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::error::FlightError;
use arrow_flight::sql::Command;
use arrow_flight::sql::metadata::SqlInfoDataBuilder;
use std::sync::Arc;
use tonic::Status;

use super::Server;
use super::sessions::Here;

/// The columns that answer a command; none if it does not ask what there is.
pub(super) fn schema(command: &Command) -> Option<SchemaRef> {
    Some(match command {
        Command::CommandGetCatalogs(asked) => asked.into_builder().schema(),
        Command::CommandGetDbSchemas(asked) => asked.clone().into_builder().schema(),
        Command::CommandGetTables(asked) => asked.clone().into_builder().schema(),
        Command::CommandGetTableTypes(asked) => asked.into_builder().schema(),
        Command::CommandGetPrimaryKeys(_) => keys::primary_schema(),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => keys::foreign_schema(),
        Command::CommandGetSqlInfo(_) => Arc::new(SqlInfoDataBuilder::schema().clone()),
        Command::CommandGetXdbcTypeInfo(_) => xdbc::schema().ok()?,
        _ => return None,
    })
}

/// The answer to a command; none if it does not ask what there is.
pub(super) async fn answer(
    server: &Server,
    here: &Here,
    command: &Command,
) -> Result<Option<RecordBatch>, Status> {
    Ok(Some(match command {
        Command::CommandGetCatalogs(asked) => catalogs::catalogs(here, *asked)?,
        Command::CommandGetDbSchemas(asked) => catalogs::schemas(here, asked.clone())?,
        Command::CommandGetTables(asked) => tables::tables(here, asked.clone()).await?,
        Command::CommandGetTableTypes(asked) => tables::types(*asked)?,
        Command::CommandGetPrimaryKeys(asked) => keys::primary(here, asked).await?,
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => RecordBatch::new_empty(keys::foreign_schema()),
        Command::CommandGetSqlInfo(asked) => sql_info::answer(server, asked.clone())?,
        Command::CommandGetXdbcTypeInfo(asked) => xdbc::answer(*asked)?,
        _ => return Ok(None),
    }))
}

fn internal(error: FlightError) -> Status {
    Status::internal(error.to_string())
}
