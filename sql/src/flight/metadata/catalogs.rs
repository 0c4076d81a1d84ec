//! Catalogs and schemas that the caller may see.

use arrow::array::RecordBatch;
use arrow_flight::sql::{CommandGetCatalogs, CommandGetDbSchemas};
use tonic::Status;

use super::internal;
use crate::flight::sessions::Here;
use crate::temporary;

/// Every schema that the caller may see, with its catalog.
pub(super) fn all(here: &Here) -> Vec<(String, String)> {
    let catalogs = here.session.context.state_ref().read().catalog_list().clone();
    let mut all = Vec::new();
    for name in catalogs.catalog_names() {
        let Some(catalog) = catalogs.catalog(&name) else { continue };
        for schema in catalog.schema_names() {
            if is_seen(here, &name, &schema) {
                all.push((name.clone(), schema));
            }
        }
    }
    all
}

/// Whether the caller may know what is in a schema.
pub(super) fn is_seen(here: &Here, catalog: &str, schema: &str) -> bool {
    let own = temporary::is_schema(&here.session.context, catalog, schema);
    own || here.caller.may_see(catalog, schema)
}

pub(super) fn catalogs(here: &Here, asked: CommandGetCatalogs) -> Result<RecordBatch, Status> {
    let mut names: Vec<String> = all(here).into_iter().map(|(catalog, _)| catalog).collect();
    names.sort();
    names.dedup();
    let mut rows = asked.into_builder();
    names.into_iter().for_each(|name| rows.append(name));
    rows.build().map_err(internal)
}

pub(super) fn schemas(here: &Here, asked: CommandGetDbSchemas) -> Result<RecordBatch, Status> {
    let mut rows = asked.into_builder();
    all(here).into_iter().for_each(|(catalog, schema)| rows.append(catalog, schema));
    rows.build().map_err(internal)
}
