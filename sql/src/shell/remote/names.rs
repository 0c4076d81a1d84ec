//! What there is on a server: its tables, and their columns.

use arrow::array::cast::AsArray;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::Ticket;
use arrow_flight::sql::{CommandGetTables, ProstMessageExt};
use arrow_flight::{IpcMessage, SchemaResult};
use datafusion::common::TableReference;
use prost::Message;
use std::sync::Arc;
use tonic::Status;

use super::link::Link;
use super::session::{collect, query};
use crate::error::Error;
use crate::shell::complete::tables::{INFORMATION, TableName};

/// More tables than this nobody reads through.
const MOST: usize = 10_000;

impl Link {
    /// Every table and view, those of the default schema first.
    pub(crate) async fn tables(&self) -> Result<Vec<TableName>, Error> {
        self.listed().await.map_err(|status| self.trouble(&status, ""))
    }

    async fn listed(&self) -> Result<Vec<TableName>, Status> {
        self.open().await?;
        let places = self.places().await;
        let catalog = places.as_ref().map(|(catalog, _)| catalog.clone());
        let asked = CommandGetTables { catalog, ..CommandGetTables::default() };
        let ticket = Ticket::new(asked.as_any().encode_to_vec());
        let mut all = Vec::new();
        for batch in collect(self.get(ticket).await?).await? {
            let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>().cloned();
            let (Some(schemas), Some(names)) = (text("db_schema_name"), text("table_name")) else {
                continue;
            };
            for (schema, name) in schemas.iter().zip(&names) {
                let (Some(schema), Some(name)) = (schema, name) else { continue };
                let is_default = places.as_ref().is_some_and(|(_, own)| own == schema);
                if schema != INFORMATION && all.len() < MOST {
                    all.push(TableName::new(name, schema, is_default));
                }
            }
        }
        all.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        Ok(all)
    }

    /// The catalog and the schema in which names are looked for, where the server tells.
    async fn places(&self) -> Option<(String, String)> {
        let options = self.act("GetSessionOptions", Vec::new()).await.ok()?;
        crate::flight::options::places(&options)
    }

    /// The columns of a table.
    pub(crate) async fn columns(&self, table: &TableReference) -> Result<SchemaRef, Error> {
        let asked = async {
            self.open().await?;
            let text = format!("SELECT * FROM {}", table.to_quoted_string());
            let request = self.ask(query(&text))?;
            let SchemaResult { schema } = self.heard(self.client().get_schema(request).await)?;
            let schema = Schema::try_from(IpcMessage(schema));
            schema.map(Arc::new).map_err(|error| Status::internal(error.to_string()))
        };
        asked.await.map_err(|status: Status| self.trouble(&status, ""))
    }

    /// The statement that defines a table or view, where there is one.
    pub(crate) async fn definition(&self, table: &TableReference) -> Result<Option<String>, Error> {
        let text = |value: &str| format!("'{}'", value.replace('\'', "''"));
        let mut sql = format!(
            "SELECT definition FROM information_schema.views WHERE table_name = {}",
            text(table.table())
        );
        let schema = match table.schema() {
            Some(schema) => Some(schema.to_string()),
            None => self.places().await.map(|(_, schema)| schema),
        };
        if let Some(schema) = schema {
            sql.push_str(&format!(" AND table_schema = {}", text(&schema)));
        }
        let rows = self.rows(&sql).await;
        let rows = rows.map_err(|status| self.trouble(&status, ""))?;
        let texts = rows.iter().filter_map(|batch| {
            let column =
                arrow::compute::cast(batch.columns().first()?, &arrow::datatypes::DataType::Utf8);
            let column = column.ok()?;
            column.as_string_opt::<i32>()?.iter().flatten().next().map(str::to_string)
        });
        Ok(texts.into_iter().next())
    }
}
