//! Keys: those that tables were declared with. There are no foreign ones.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::CommandGetPrimaryKeys;
use datafusion::common::{Constraint, TableReference};
use tonic::Status;

use super::catalogs::is_seen;
use crate::flight::sessions::Here;

fn text(name: &str, may_be_null: bool) -> Field {
    Field::new(name, DataType::Utf8, may_be_null)
}

/// The columns of primary keys.
pub(super) fn primary_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("catalog_name", true),
        text("db_schema_name", true),
        text("table_name", false),
        text("column_name", false),
        text("key_name", true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// The columns of foreign keys, from either side.
pub(super) fn foreign_schema() -> SchemaRef {
    let mut fields = Vec::new();
    for side in ["pk", "fk"] {
        fields.extend([
            text(&format!("{side}_catalog_name"), true),
            text(&format!("{side}_db_schema_name"), true),
            text(&format!("{side}_table_name"), false),
            text(&format!("{side}_column_name"), false),
        ]);
    }
    fields.push(Field::new("key_sequence", DataType::Int32, false));
    fields.extend([text("fk_key_name", true), text("pk_key_name", true)]);
    fields.extend(
        ["update_rule", "delete_rule"].map(|name| Field::new(name, DataType::UInt8, false)),
    );
    Arc::new(Schema::new(fields))
}

/// The primary key of a table.
pub(super) async fn primary(
    here: &Here,
    asked: &CommandGetPrimaryKeys,
) -> Result<RecordBatch, Status> {
    let (catalog, schema) = {
        let state = here.session.context.state_ref();
        let state = state.read();
        let own = &state.config_options().catalog;
        let given =
            |given: &Option<String>, own: &String| given.clone().unwrap_or_else(|| own.clone());
        (given(&asked.catalog, &own.default_catalog), given(&asked.db_schema, &own.default_schema))
    };
    let name = TableReference::full(catalog.as_str(), schema.as_str(), asked.table.as_str());
    let mut columns = Vec::new();
    if is_seen(here, &catalog, &schema)
        && let Ok(table) = here.session.context.table_provider(name).await
    {
        let fields = table.schema();
        for constraint in table.constraints().into_iter().flat_map(|all| all.iter()) {
            let Constraint::PrimaryKey(places) = constraint else { continue };
            let names = places.iter().filter_map(|place| fields.fields().get(*place));
            columns.extend(names.map(|field| field.name().clone()));
        }
    }
    let all = |value: &str| Arc::new(StringArray::from(vec![value; columns.len()])) as ArrayRef;
    let none = vec![None::<&str>; columns.len()];
    let places = (1..).take(columns.len()).collect::<Vec<i32>>();
    let arrays: Vec<ArrayRef> = vec![
        all(&catalog),
        all(&schema),
        all(&asked.table),
        Arc::new(StringArray::from(columns)),
        Arc::new(StringArray::from(none)),
        Arc::new(Int32Array::from(places)),
    ];
    RecordBatch::try_new(primary_schema(), arrays)
        .map_err(|error| Status::internal(error.to_string()))
}
