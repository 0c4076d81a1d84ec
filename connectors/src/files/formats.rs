//! Making DataFusion's reader and writer of a format, by kind and options; and the names by which
//! `COPY` finds a format: `x.tsv`, `x.ndjson`, `x.csv.gz`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::config::{CsvOptions, JsonOptions};
use datafusion::common::{GetExt, Statistics};
use datafusion::datasource::file_format::arrow::ArrowFormatFactory;
use datafusion::datasource::file_format::avro::AvroFormatFactory;
use datafusion::datasource::file_format::csv::{CsvFormat, CsvFormatFactory};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::json::{JsonFormat, JsonFormatFactory};
use datafusion::datasource::file_format::parquet::ParquetFormatFactory;
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSinkConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result as DataFusionResult;
use datafusion::physical_expr::LexRequirement;
use datafusion::physical_plan::ExecutionPlan;
use object_store::{ObjectMeta, ObjectStore};

use super::kind::{FileKind, Kind};
use crate::error::{ConnectorError, Result};

/// The CSV options that a session and a statement give.
pub(crate) fn csv_options(
    session: &dyn Session,
    kind: FileKind,
    given: &HashMap<String, String>,
) -> Result<CsvOptions> {
    let format = CsvFormatFactory::new().create(session, given)?;
    let mut options =
        format.downcast_ref::<CsvFormat>().map(|csv| csv.options().clone()).unwrap_or_default();
    if !has(given, "compression") {
        options.compression = kind.compression;
    }
    if kind.tabs && !has(given, "delimiter") {
        options.delimiter = b'\t';
    }
    Ok(options)
}

/// The JSON options that a session and a statement give.
pub(crate) fn json_options(
    session: &dyn Session,
    kind: FileKind,
    given: &HashMap<String, String>,
) -> Result<JsonOptions> {
    let format = JsonFormatFactory::new().create(session, given)?;
    let mut options =
        format.downcast_ref::<JsonFormat>().map(|json| json.options().clone()).unwrap_or_default();
    if !has(given, "compression") {
        options.compression = kind.compression;
    }
    Ok(options)
}

pub(crate) fn has(given: &HashMap<String, String>, name: &str) -> bool {
    given.contains_key(name) || given.contains_key(&format!("format.{name}"))
}

/// The format itself, as options and names say, nothing detected.
pub(crate) fn create(
    session: &dyn Session,
    kind: FileKind,
    given: &HashMap<String, String>,
) -> Result<Arc<dyn FileFormat>> {
    Ok(match kind.kind {
        Kind::Parquet => ParquetFormatFactory::new().create(session, given)?,
        Kind::Arrow => ArrowFormatFactory::new().create(session, given)?,
        Kind::Avro => AvroFormatFactory::new().create(session, given)?,
        Kind::Csv => {
            Arc::new(CsvFormat::default().with_options(csv_options(session, kind, given)?))
        }
        Kind::Json => {
            Arc::new(JsonFormat::default().with_options(json_options(session, kind, given)?))
        }
    })
}

/// The formats that `COPY` finds by the extension of its target, beyond DataFusion's own.
pub(crate) fn named_formats() -> Vec<Arc<dyn FileFormatFactory>> {
    let kinds = ["tsv", "tab", "txt", "jsonl", "ndjson", "pq", "ipc", "feather", "arrows"];
    let packed = ["gz", "gzip", "zst", "zstd", "bz2", "xz"];
    let kinds = kinds.into_iter().map(|name| (name, name.parse::<FileKind>().ok()));
    let packed = packed.into_iter().map(|name| (name, None));
    kinds
        .chain(packed)
        .map(|(name, kind)| {
            Arc::new(NamedFormat { extension: name.to_string(), kind })
                as Arc<dyn FileFormatFactory>
        })
        .collect()
}

/// A format under one more extension. Without a kind it is a packed file, of which only the whole
/// name tells the format: the write is given another factory before it is planned.
#[derive(Debug, Clone)]
pub(crate) struct NamedFormat {
    pub(crate) extension: String,
    pub(crate) kind: Option<FileKind>,
}

impl GetExt for NamedFormat {
    fn get_ext(&self) -> String {
        self.extension.clone()
    }
}

impl FileFormatFactory for NamedFormat {
    fn create(
        &self,
        state: &dyn Session,
        options: &HashMap<String, String>,
    ) -> DataFusionResult<Arc<dyn FileFormat>> {
        let Some(kind) = self.kind else {
            return Err(ConnectorError::Option {
                option: "format".to_string(),
                reason: format!(
                    "a name that ends in '.{0}' only says how the file is packed; \
                     end it in '.csv.{0}' or '.json.{0}'",
                    self.extension
                ),
            }
            .into());
        };
        let inner = create(state, kind, options)?;
        let extension = FileKind { compression: FileKind::plain(kind.kind).compression, ..kind };
        Ok(Arc::new(Renamed { inner, extension: extension.extension() }))
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        Arc::new(CsvFormat::default())
    }
}

/// A format whose new files have another extension than DataFusion gives them.
#[derive(Debug)]
pub(crate) struct Renamed {
    pub(crate) inner: Arc<dyn FileFormat>,
    pub(crate) extension: String,
}

#[async_trait]
impl FileFormat for Renamed {
    fn get_ext(&self) -> String {
        self.extension.clone()
    }

    fn get_ext_with_compression(&self, packing: &FileCompressionType) -> DataFusionResult<String> {
        Ok(format!("{}{}", self.extension, packing.get_ext()))
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.inner.compression_type()
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> DataFusionResult<SchemaRef> {
        self.inner.infer_schema(state, store, objects).await
    }

    async fn infer_stats(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> DataFusionResult<Statistics> {
        self.inner.infer_stats(state, store, table_schema, object).await
    }

    async fn create_physical_plan(
        &self,
        state: &dyn Session,
        conf: FileScanConfig,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.inner.create_physical_plan(state, conf).await
    }

    async fn create_writer_physical_plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        state: &dyn Session,
        conf: FileSinkConfig,
        order: Option<LexRequirement>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.inner.create_writer_physical_plan(input, state, conf, order).await
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        self.inner.file_source(table_schema)
    }
}
