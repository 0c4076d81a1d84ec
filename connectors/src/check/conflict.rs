//! Files of one table that disagree about the type of a column.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::Field;
use datafusion::catalog::Session;
use object_store::{ObjectMeta, ObjectStore};
use url::Url;

use super::{Format, past};
use crate::error::ConnectorError;
use crate::files::location::show;

/// The first column with different types in two of the files.
pub(super) async fn between(
    session: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    root: &Url,
    format: &Format,
    files: &[ObjectMeta],
    until: Option<Instant>,
) -> Option<ConnectorError> {
    let mut first: HashMap<String, (Field, &ObjectMeta)> = HashMap::new();
    for meta in files {
        if past(until) {
            return None;
        }
        let schema = format.infer_schema(session, store, std::slice::from_ref(meta)).await.ok()?;
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
