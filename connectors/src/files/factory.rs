//! `CREATE EXTERNAL TABLE … STORED AS …` for the formats of files.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::stream::StreamTableFactory;
use datafusion::catalog::{Session, TableProvider, TableProviderFactory};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::CreateExternalTable;

use super::kind::FileKind;
use super::location::Location;
use super::resolve::{self, Request};
use crate::error::ConnectorError;
use crate::stores::{NotAllowed, Stores};

/// What `STORED AS` may say.
pub(crate) const FORMATS: [&str; 8] =
    ["PARQUET", "CSV", "TSV", "JSON", "NDJSON", "JSONL", "ARROW", "AVRO"];

/// Makes the tables.
#[derive(Debug)]
pub(crate) struct FileTables;

#[async_trait]
impl TableProviderFactory for FileTables {
    async fn create(
        &self,
        state: &dyn Session,
        cmd: &CreateExternalTable,
    ) -> DataFusionResult<Arc<dyn TableProvider>> {
        if cmd.unbounded {
            // Streams are opened past all stores, whenever they are read.
            if let Some(stores) = state.config().get_extension::<Stores>()
                && !stores.are_open()
            {
                let path = cmd.locations.join(", ");
                let reason =
                    "is a stream: not everything may be read here, and streams are not guarded";
                return Err(
                    ConnectorError::from(NotAllowed { path, reason: reason.to_string() }).into()
                );
            }
            return StreamTableFactory::default().create(state, cmd).await;
        }
        let kind: FileKind = cmd.file_type.parse()?;
        let locations =
            cmd.locations.iter().map(|text| Location::parse(text)).collect::<Result<_, _>>()?;
        let schema = cmd.schema.inner();
        let request = Request {
            locations,
            kind: Some(kind),
            options: cmd.options.clone(),
            schema: (!schema.fields().is_empty()).then(|| Arc::clone(schema)),
            partition_by: cmd.table_partition_cols.clone(),
            sort: cmd.order_exprs.clone(),
            constraints: cmd.constraints.clone(),
            defaults: cmd.column_defaults.clone(),
            definition: cmd.definition.clone(),
            name: Some(cmd.name.clone()),
        };
        Ok(resolve::table(state, request).await?)
    }
}
