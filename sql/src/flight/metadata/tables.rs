//! Tables and views, with their columns where they are asked for.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow_flight::sql::metadata::GetTablesBuilder;
use arrow_flight::sql::{CommandGetTableTypes, CommandGetTables};
use datafusion::datasource::TableType;
use tonic::Status;

use super::{catalogs, columns, internal};
use crate::flight::plain;
use crate::flight::sessions::Here;

/// What tables there are.
const TYPES: [&str; 3] = ["TABLE", "VIEW", "LOCAL TEMPORARY"];

pub(super) fn types(asked: CommandGetTableTypes) -> Result<RecordBatch, Status> {
    let mut rows = asked.into_builder();
    TYPES.into_iter().for_each(|name| rows.append(name));
    rows.build().map_err(internal)
}

pub(super) async fn tables(here: &Here, asked: CommandGetTables) -> Result<RecordBatch, Status> {
    let only = asked.catalog.clone();
    let with_columns = asked.include_schema;
    let mut rows: GetTablesBuilder = asked.into_builder();
    let views = here.session.options().views;
    let catalogs = here.session.context.state_ref().read().catalog_list().clone();
    for (catalog, schema) in catalogs::all(here) {
        if only.as_ref().is_some_and(|only| *only != catalog) {
            continue;
        }
        let known = catalogs.catalog(&catalog).and_then(|known| known.schema(&schema));
        let Some(known) = known else { continue };
        for name in known.table_names() {
            // A table whose files are gone is still one; nobody knows its columns.
            let table = known.table(&name).await.ok().flatten();
            let kind = table.as_ref().map_or(TableType::Base, |table| table.table_type());
            let told = match &table {
                Some(table) if with_columns => {
                    let plain = plain::schema(&table.schema(), views);
                    columns::told(&catalog, &schema, &name, &plain)
                }
                _ => Schema::empty(),
            };
            rows.append(&catalog, &schema, &name, type_name(kind), &told).map_err(internal)?;
        }
    }
    rows.build().map_err(internal)
}

fn type_name(kind: TableType) -> &'static str {
    match kind {
        TableType::Base => "TABLE",
        TableType::View => "VIEW",
        TableType::Temporary => "LOCAL TEMPORARY",
    }
}
