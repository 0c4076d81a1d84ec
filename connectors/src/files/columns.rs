//! What the rows of files look like: columns given, detected or told by the files, and partitions.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::error::Result as DataFusionResult;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore};

use super::head::head;
use super::kind::{FileKind, Kind};
use super::location::Location;
use super::resolve::Request;
use super::{csv, formats, partitions};
use crate::check;
use crate::error::{ConnectorError, Result};

/// How many files are looked at at a time.
const AT_ONCE: usize = 8;
/// How many records of a JSON file its columns are told by.
const JSON_RECORDS: usize = 10_000;

/// What the rows of the files look like.
pub(super) struct Columns {
    pub(super) format: Arc<dyn FileFormat>,
    pub(super) file_schema: SchemaRef,
    pub(super) partitions: Vec<(String, DataType)>,
}

pub(super) async fn columns(
    session: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    request: &Request,
    kind: FileKind,
    files: &[ObjectMeta],
) -> Result<Columns> {
    let Some(location) = request.locations.first() else {
        return Err(ConnectorError::Option {
            option: "LOCATION".to_string(),
            reason: "it is missing".to_string(),
        });
    };
    let given = &request.options;
    let limit = strata_engine::options_of(session.config_options()).files.sniff.0 as usize;
    let mut inferred: Option<SchemaRef> = None;
    let format: Arc<dyn FileFormat> = match kind.kind {
        Kind::Csv => {
            let mut options = formats::csv_options(session, kind, given)?;
            let heads = csv::heads(store, location, files, &options, limit.max(512)).await?;
            csv::detect(&mut options, given, kind.tabs, &heads);
            if request.schema.is_none() {
                inferred = Some(Arc::new(csv::schema(&options, &heads)?));
            }
            Arc::new(CsvFormat::default().with_options(options))
        }
        Kind::Json => {
            let mut options = formats::json_options(session, kind, given)?;
            if let Some(first) = files.first().filter(|_| !formats::has(given, "newline_delimited"))
            {
                let shown = location.show(&first.location);
                let head = head(store, &first.location, &shown, 512, options.compression).await?;
                options.newline_delimited = !head.bytes.trim_ascii_start().starts_with(b"[");
            }
            options.schema_infer_max_rec = options.schema_infer_max_rec.or(Some(JSON_RECORDS));
            Arc::new(JsonFormat::default().with_options(options))
        }
        _ => formats::create(session, kind, given)?,
    };
    if kind.kind == Kind::Avro {
        refuse_broken_off(store, location, files).await?;
    }
    let declared = match (&request.schema, inferred) {
        (Some(schema), _) => Arc::clone(schema),
        (None, Some(schema)) => schema,
        (None, None) => match told(session, store, &format, kind.kind, files).await {
            Ok(schema) if files.len() > 1 => Arc::new(nullable(&schema)),
            Ok(schema) => schema,
            Err(error) => {
                let found = check::explain(session, store, location, kind, &*format, files);
                return Err(found.await.unwrap_or_else(|| error.into()));
            }
        },
    };
    let on_the_way = partitions::infer(location, files.iter().map(|meta| &meta.location));
    let mut columns = if request.partition_by.is_empty() {
        // With columns given and no PARTITIONED BY, the columns are all there are.
        if request.schema.is_some() { Vec::new() } else { on_the_way? }
    } else {
        given_partitions(request, &on_the_way.unwrap_or_default())?
    };
    let is_partition = |name: &str| columns.iter().any(|(column, _)| column == name);
    let file_schema = if request.partition_by.is_empty() {
        declared
    } else {
        let fields: Vec<Arc<Field>> =
            declared.fields().iter().filter(|field| !is_partition(field.name())).cloned().collect();
        Arc::new(Schema::new_with_metadata(fields, declared.metadata().clone()))
    };
    // A column that is in the files, too, is read from there.
    columns.retain(|(name, _)| file_schema.field_with_name(name).is_err());
    Ok(Columns { format, file_schema, partitions: columns })
}

/// What the files say of their columns. Files of Parquet are of one mind where they differ in how texts and bytes are
/// held: `COPY` writes those of its query, `INSERT` those of the table.
async fn told(
    session: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    format: &Arc<dyn FileFormat>,
    kind: Kind,
    files: &[ObjectMeta],
) -> DataFusionResult<SchemaRef> {
    let error = match format.infer_schema(session, store, files).await {
        Err(error) if kind == Kind::Parquet && files.len() > 1 => error,
        told => return told,
    };
    // Each by itself is told in views, where the session has them.
    let each = stream::iter(files).map(|file| async move {
        format.infer_schema(session, store, std::slice::from_ref(file)).await
    });
    let each: Vec<SchemaRef> = each.boxed().buffered(AT_ONCE).try_collect().await?;
    match Schema::try_merge(each.iter().map(|schema| schema.as_ref().clone())) {
        Ok(merged) => Ok(Arc::new(merged)),
        Err(_) => Err(error),
    }
}

/// A column that one file lacks is NULL in its rows, whatever the others say of it.
fn nullable(schema: &Schema) -> Schema {
    let fields =
        schema.fields().iter().map(|field| Arc::new(Field::clone(field).with_nullable(true)));
    Schema::new_with_metadata(fields.collect::<Fields>(), schema.metadata().clone())
}

/// Refuses Avro files that break off: their reader would leave out rows and say nothing.
async fn refuse_broken_off(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    files: &[ObjectMeta],
) -> Result<()> {
    let checked = stream::iter(files.to_vec()).map(|meta| async move {
        let path = location.show(&meta.location);
        match check::avro::broken_off(store, &meta, &path).await? {
            Some(fault) => Err(ConnectorError::Fault { path, fault }),
            None => Ok(()),
        }
    });
    checked.buffer_unordered(AT_ONCE).try_collect().await
}

/// The columns of PARTITIONED BY: their types as given, else as the folders have them.
fn given_partitions(
    request: &Request,
    found: &[(String, DataType)],
) -> Result<Vec<(String, DataType)>> {
    request
        .partition_by
        .iter()
        .map(|name| {
            if let Some(schema) = &request.schema {
                let field = schema.field_with_name(name).map_err(|_| ConnectorError::Option {
                    option: "PARTITIONED BY".to_string(),
                    reason: format!("there is no column '{name}'; give it with the others"),
                })?;
                return Ok((name.clone(), field.data_type().clone()));
            }
            match found.iter().find(|(column, _)| column == name) {
                Some(column) => Ok(column.clone()),
                None => Err(ConnectorError::Option {
                    option: "PARTITIONED BY".to_string(),
                    reason: format!(
                        "no folder is named '{name}=…'; there {}",
                        match found {
                            [] => "are no partitions".to_string(),
                            found => format!(
                                "is {}",
                                found
                                    .iter()
                                    .map(|(name, _)| name.as_str())
                                    .collect::<Vec<_>>()
                                    .join(", ")
                            ),
                        }
                    ),
                }),
            }
        })
        .collect()
}
