//! Files of one table that disagree about the type of a column.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{Field, Schema};
use datafusion::catalog::Session;
use object_store::{ObjectMeta, ObjectStore};
use url::Url;

use super::{Format, past};
use crate::error::ConnectorError;
use crate::files::location::show;

/// The first column with different types in two of the files; of Arrow files, whose columns are read
/// by their places, also the first file with other columns.
pub(super) async fn between(
    session: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    root: &Url,
    format: &Format,
    files: &[ObjectMeta],
    until: Option<Instant>,
) -> Option<ConnectorError> {
    let mut first: HashMap<String, (Field, &ObjectMeta)> = HashMap::new();
    let by_place = format.get_ext() == "arrow";
    let mut columns: Option<(Vec<String>, &ObjectMeta)> = None;
    for meta in files {
        if past(until) {
            return None;
        }
        let schema = format.infer_schema(session, store, std::slice::from_ref(meta)).await.ok()?;
        let names = |schema: &Schema| -> Vec<String> {
            schema.fields().iter().map(|field| field.name().clone()).collect()
        };
        match &columns {
            None => columns = Some((names(&schema), meta)),
            Some((known, earlier)) if by_place && *known != names(&schema) => {
                return Some(ConnectorError::HeaderConflict {
                    first: show(root, &earlier.location),
                    first_columns: known.join(", "),
                    second: show(root, &meta.location),
                    second_columns: names(&schema).join(", "),
                });
            }
            Some(_) => {}
        }
        for field in schema.fields() {
            match first.get_mut(field.name()) {
                None => {
                    first.insert(field.name().clone(), (field.as_ref().clone(), meta));
                }
                Some((known, earlier)) => {
                    if known.try_merge(field).is_err() {
                        return Some(ConnectorError::SchemaConflict {
                            column: field.name().clone(),
                            first: show(root, &earlier.location),
                            first_type: known.data_type().to_string(),
                            second: show(root, &meta.location),
                            second_type: field.data_type().to_string(),
                        });
                    }
                }
            }
        }
    }
    None
}
