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
use crate::flight::asides;
use crate::shell::complete::quote_text;
use crate::shell::complete::tables::{INFORMATION, TableName};

/// More tables than this nobody reads through.
const MOST: usize = 10_000;

impl Link {
    /// Every table and view, those of the default schema first.
    pub(crate) async fn tables(&self) -> Result<Vec<TableName>, Error> {
        self.opened(|| self.listed()).await.map_err(|status| self.trouble(&status, ""))
    }

    async fn listed(&self) -> Result<Vec<TableName>, Status> {
        let places = self.places().await?;
        let catalog = places.as_ref().map(|(catalog, _)| catalog.clone());
        let asked = CommandGetTables { catalog, ..CommandGetTables::default() };
        let ticket = Ticket::new(asked.as_any().encode_to_vec());
        let (mut batches, mut all) = (Vec::new(), Vec::new());
        collect(self.get(ticket).await?, &mut batches).await?;
        for batch in batches {
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
    async fn places(&self) -> Result<Option<(String, String)>, Status> {
        match self.act("GetSessionOptions", Vec::new()).await {
            Ok(options) => Ok(crate::flight::options::places(&options)),
            Err(why) if self.may_ask_again(&why) => Err(why),
            Err(_) => Ok(None),
        }
    }

    /// The columns of a table; none where there is no such table.
    pub(crate) async fn columns(&self, table: &TableReference) -> Result<Option<SchemaRef>, Error> {
        let text = format!("SELECT * FROM {}", table.to_quoted_string());
        match self.opened(|| self.schema(&text)).await {
            Ok(schema) => Ok(Some(schema)),
            Err(why) if asides::is_no_table(&why) => Ok(None),
            Err(why) => Err(self.trouble(&why, "")),
        }
    }

    async fn schema(&self, text: &str) -> Result<SchemaRef, Status> {
        let request = self.ask(query(text))?;
        let SchemaResult { schema } = self.heard(self.client().get_schema(request).await)?;
        let schema = Schema::try_from(IpcMessage(schema));
        schema.map(Arc::new).map_err(|error| Status::internal(error.to_string()))
    }

    /// The statement that defines a table or view, where there is one.
    pub(crate) async fn definition(&self, table: &TableReference) -> Result<Option<String>, Error> {
        let defined = self.opened(|| self.defined(table)).await;
        defined.map_err(|status| self.trouble(&status, ""))
    }

    async fn defined(&self, table: &TableReference) -> Result<Option<String>, Status> {
        let mut sql = format!(
            "SELECT definition FROM information_schema.views WHERE table_name = {}",
            quote_text(table.table())
        );
        let schema = match table.schema() {
            Some(schema) => Some(schema.to_string()),
            None => self.places().await?.map(|(_, schema)| schema),
        };
        if let Some(schema) = schema {
            sql.push_str(&format!(" AND table_schema = {}", quote_text(&schema)));
        }
        let rows = self.rows(&sql).await?;
        let texts = rows.iter().filter_map(|batch| {
            let column =
                arrow::compute::cast(batch.columns().first()?, &arrow::datatypes::DataType::Utf8);
            let column = column.ok()?;
            column.as_string_opt::<i32>()?.iter().flatten().next().map(str::to_string)
        });
        Ok(texts.into_iter().next())
    }
}
