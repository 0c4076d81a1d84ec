//! From locations to a table: lists the files, tells their format, detects or checks their columns,
//! finds their partitions, and builds DataFusion's `ListingTable` where that reads exactly these
//! files, ours where it would not.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::parsers::CompressionTypeVariant as Compression;
use datafusion::common::{Constraints, TableReference};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::logical_expr::{Expr, SortExpr};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::head::head;
use super::kind::{FileKind, Kind, split_compression};
use super::listing::{self, Listing};
use super::location::Location;
use super::picked::PickedTable;
use super::{csv, formats, partitions};
use crate::check;
use crate::error::{ConnectorError, MixedFormats, Result};

/// How many files without a telling name are looked into.
const LOOK_INTO: usize = 16;
/// How many files are looked at at a time.
const AT_ONCE: usize = 8;
/// How many records of a JSON file its columns are told by.
const JSON_RECORDS: usize = 10_000;

/// What is to become a table.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) locations: Vec<Location>,
    /// The format, where it was asked for.
    pub(crate) kind: Option<FileKind>,
    /// Options of the format.
    pub(crate) options: HashMap<String, String>,
    /// The columns, partitions included, where they were given.
    pub(crate) schema: Option<SchemaRef>,
    /// The partition columns, where they were given.
    pub(crate) partition_by: Vec<String>,
    pub(crate) sort: Vec<Vec<SortExpr>>,
    pub(crate) constraints: Constraints,
    pub(crate) defaults: HashMap<String, Expr>,
    pub(crate) definition: Option<String>,
    pub(crate) name: Option<TableReference>,
}

/// The store of a location.
pub(crate) fn store(session: &dyn Session, location: &Location) -> Result<Arc<dyn ObjectStore>> {
    let registry: &Arc<dyn ObjectStoreRegistry> = &session.runtime_env().object_store_registry;
    registry.get_store(&location.root).map_err(|error| match ConnectorError::from(error) {
        // The store was asked for by its root; what was written says more.
        ConnectorError::UnknownScheme { scheme, hint, .. } => {
            ConnectorError::UnknownScheme { url: location.text.clone(), scheme, hint }
        }
        other => other,
    })
}

/// The files of a location, and what they are.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kind: FileKind,
    pub(crate) files: Vec<ObjectMeta>,
}

/// Lists a location and tells the one format of its files.
pub(crate) async fn find(session: &dyn Session, location: &Location) -> Result<Found> {
    let store = store(session, location)?;
    let listing = listing::list(&store, location).await?;
    let (kind, files) = told(&store, location, &listing, None, false).await?;
    Ok(Found { kind, files })
}

/// Builds the table.
pub(crate) async fn table(
    session: &dyn Session,
    request: Request,
) -> Result<Arc<dyn TableProvider>> {
    let Some(first) = request.locations.first() else {
        return Err(ConnectorError::Option {
            option: "LOCATION".to_string(),
            reason: "it is missing; name a file, a folder or a glob".to_string(),
        });
    };
    if let Some(other) = request.locations.iter().find(|other| other.root != first.root) {
        return Err(ConnectorError::Url {
            url: other.text.clone(),
            reason: format!(
                "the files of one table must be in one store, and '{}' is in another; \
                 UNION ALL the two",
                first.text
            ),
        });
    }
    let store = store(session, first)?;
    let mut listings: Vec<Listing> = Vec::new();
    let mut files: Vec<ObjectMeta> = Vec::new();
    let packing = given_packing(&request.options)?;
    let asked = request
        .kind
        .map(|kind| FileKind { compression: packing.unwrap_or(kind.compression), ..kind });
    let mut kind = asked;
    for location in &request.locations {
        let listing = match listing::list(&store, location).await {
            Ok(listing) => listing,
            Err(error) if may_come_later(&request, location, &error) => {
                Listing { single: false, files: Vec::new(), all: Vec::new() }
            }
            Err(error) => return Err(error),
        };
        let expect_none = request.schema.is_some();
        if !(listing.files.is_empty() && expect_none && kind.is_some()) {
            let (mut told, picked) =
                told(&store, location, &listing, asked, packing.is_some()).await?;
            told.compression = packing.unwrap_or(told.compression);
            if let Some(kind) = kind.filter(|_| request.kind.is_none() && !files.is_empty())
                && let (Some(one), Some(other)) = (files.first(), picked.first())
                && (kind.kind, kind.compression) != (told.kind, told.compression)
            {
                return Err(mixed(location, (&one.location, kind), (&other.location, told)));
            }
            kind = Some(told);
            files.extend(picked);
        }
        listings.push(listing);
    }
    let kind = kind.unwrap_or(FileKind::plain(Kind::Csv));
    if files.is_empty() && request.schema.is_none() {
        return Err(ConnectorError::EmptyFolder {
            path: first.text.clone(),
            kind: format!("{} file", kind.kind),
        });
    }
    let mut unique = HashSet::new();
    files.retain(|meta| unique.insert(meta.location.clone()));
    let plan = columns(session, &store, &request, kind, &files).await?;
    build(session, request, kind, plan, &files, &listings)
}

/// How the files are packed, where an option says so.
fn given_packing(given: &HashMap<String, String>) -> Result<Option<Compression>> {
    let value = given.get("format.compression").or_else(|| given.get("compression"));
    value
        .map(|value| {
            value.parse().map_err(|_| ConnectorError::Option {
                option: "compression".to_string(),
                reason: format!(
                    "'{value}' is none of 'gzip', 'bzip2', 'xz', 'zstd' and 'uncompressed'"
                ),
            })
        })
        .transpose()
}

/// Whether a location that is not there is a folder that `INSERT` will make.
fn may_come_later(request: &Request, location: &Location, error: &ConnectorError) -> bool {
    let missing =
        matches!(error, ConnectorError::NoSuchFile { .. } | ConnectorError::NoSuchObject { .. });
    let named_like_a_file = location.base.filename().is_some_and(|name| name.contains('.'));
    missing
        && request.schema.is_some()
        && !location.is_glob()
        && !location.is_web()
        && (location.folder || !named_like_a_file)
}

/// Those of the files whose name says this kind; if none does, those whose name says nothing.
pub(crate) fn of_kind(files: Vec<ObjectMeta>, kind: Kind) -> Vec<ObjectMeta> {
    let told = |meta: &ObjectMeta| FileKind::of_name(meta.location.filename().unwrap_or_default());
    let (named, rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|meta| told(meta).is_some_and(|found| found.kind == kind));
    if named.is_empty() {
        rest.into_iter().filter(|meta| told(meta).is_none()).collect()
    } else {
        named
    }
}

/// The one format of the files listed, and the files of it.
async fn told(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    listing: &Listing,
    asked: Option<FileKind>,
    packing_given: bool,
) -> Result<(FileKind, Vec<ObjectMeta>)> {
    if let (true, Some(only)) = (listing.single, listing.files.first())
        && only.size == 0
    {
        let kind = FileKind::of_name(only.location.filename().unwrap_or_default());
        return Err(ConnectorError::EmptyFile {
            path: location.show(&only.location),
            kind: asked.or(kind).map_or_else(|| "The".to_string(), |kind| kind.kind.to_string()),
        });
    }
    if let Some(asked) = asked {
        let files = if listing.single {
            listing.files.clone()
        } else {
            of_kind(listing.files.clone(), asked.kind)
        };
        let mut kind = asked;
        let mut first: Option<(&ObjectMeta, Compression)> = None;
        for meta in files.iter().filter(|_| !packing_given) {
            let (_, packing) = split_compression(meta.location.filename().unwrap_or_default());
            match first {
                None => {
                    kind.compression = packing;
                    first = Some((meta, packing));
                }
                Some((one, packed)) if packed != packing => {
                    let other = FileKind { compression: packing, ..kind };
                    return Err(mixed(location, (&one.location, kind), (&meta.location, other)));
                }
                Some(_) => {}
            }
        }
        return Ok((kind, files));
    }
    let mut first: Option<(&Path, FileKind)> = None;
    let mut looked = 0;
    for meta in &listing.files {
        let name = meta.location.filename().unwrap_or_default();
        let kind = match FileKind::of_name(name) {
            Some(kind) => kind,
            None if looked < LOOK_INTO => {
                looked += 1;
                let (_, packing) = split_compression(name);
                let shown = location.show(&meta.location);
                let head = head(store, &meta.location, &shown, 512, packing).await?;
                FileKind::of_bytes(&head.bytes, packing)
            }
            None => continue,
        };
        match first {
            None => first = Some((&meta.location, kind)),
            Some((path, one))
                if (one.kind, one.compression, one.tabs)
                    != (kind.kind, kind.compression, kind.tabs) =>
            {
                return Err(mixed(location, (path, one), (&meta.location, kind)));
            }
            Some(_) => {}
        }
    }
    match first {
        Some((_, kind)) => Ok((kind, listing.files.clone())),
        None => {
            // A glob or a folder of empty files only: name one, so that it can be found.
            let empty = listing
                .all
                .iter()
                .find(|meta| meta.size == 0 && listing::is_named(location, &meta.location));
            Err(
                match empty
                    .and_then(|meta| Some((meta, FileKind::of_name(meta.location.filename()?)?)))
                {
                    Some((meta, kind)) => ConnectorError::EmptyFile {
                        path: location.show(&meta.location),
                        kind: kind.kind.to_string(),
                    },
                    None => ConnectorError::EmptyFolder {
                        path: location.text.clone(),
                        kind: "file".to_string(),
                    },
                },
            )
        }
    }
}

fn mixed(location: &Location, one: (&Path, FileKind), other: (&Path, FileKind)) -> ConnectorError {
    let folder = location.text.split(['*', '?', '[', '{']).next().unwrap_or_default();
    let folder = match folder.rfind('/') {
        _ if !location.is_glob() => folder.trim_end_matches('/'),
        Some(end) => folder.get(..end).unwrap_or_default(),
        None => ".",
    };
    ConnectorError::MixedFormats(Box::new(MixedFormats {
        path: location.text.clone(),
        first: location.show(one.0),
        first_kind: one.1.to_string(),
        second: location.show(other.0),
        second_kind: other.1.to_string(),
        glob: format!("{folder}/**/*.{}", one.1.extension()),
    }))
}

/// What the rows of the files look like.
struct Columns {
    format: Arc<dyn FileFormat>,
    file_schema: SchemaRef,
    partitions: Vec<(String, DataType)>,
}

async fn columns(
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
        (None, None) => match format.infer_schema(session, store, files).await {
            Ok(schema) if files.len() > 1 => Arc::new(nullable(&schema)),
            Ok(schema) => schema,
            Err(error) => {
                let found = crate::check::explain(session, store, location, kind, &*format, files);
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

fn build(
    session: &dyn Session,
    request: Request,
    kind: FileKind,
    columns: Columns,
    files: &[ObjectMeta],
    listings: &[Listing],
) -> Result<Arc<dyn TableProvider>> {
    let Columns { format, file_schema, partitions } = columns;
    let ignore = session.config_options().execution.listing_table_ignore_subdirectory;
    let native = match (request.locations.as_slice(), listings) {
        ([location], [listing]) => native(location, listing, kind, &partitions, files, ignore)?,
        _ => None,
    };
    let Some((urls, suffix)) = native else {
        return Ok(Arc::new(PickedTable {
            locations: request.locations,
            kind,
            asked: request.kind.is_some(),
            format,
            file_schema,
            partitions,
            sort: request.sort,
            constraints: request.constraints,
            definition: request.definition,
        }));
    };
    let urls = match request.name {
        Some(name) => urls.into_iter().map(|url| url.with_table_ref(name.clone())).collect(),
        None => urls,
    };
    let options = ListingOptions::new(format)
        .with_file_extension(suffix)
        .with_table_partition_cols(partitions)
        .with_file_sort_order(request.sort);
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(file_schema);
    let table = ListingTable::try_new(config)?
        .with_cache(session.runtime_env().cache_manager.get_file_statistic_cache())
        .with_definition(request.definition)
        .with_constraints(request.constraints)
        .with_column_defaults(request.defaults);
    Ok(Arc::new(table))
}

/// How DataFusion's listing can name exactly these files, if it can.
fn native(
    location: &Location,
    listing: &Listing,
    kind: FileKind,
    partitions: &[(String, DataType)],
    files: &[ObjectMeta],
    ignore_subfolders: bool,
) -> Result<Option<(Vec<ListingTableUrl>, String)>> {
    if listing.single {
        let url = location.listing_url(&location.base, false)?;
        return Ok(partitions.is_empty().then(|| (vec![url], String::new())));
    }
    let leads = |meta: &ObjectMeta| {
        let parts = listing::below(&location.base, &meta.location).unwrap_or_default();
        partitions.iter().enumerate().all(|(index, (name, _))| {
            parts
                .get(index)
                .and_then(|part| part.split_once('='))
                .is_some_and(|(key, _)| key == name)
        })
    };
    if !files.iter().all(|meta| leads(meta) && !partitions::has_null(&meta.location)) {
        return Ok(None);
    }
    let folder = location.listing_url(&location.base, true)?;
    let mut urls = Vec::new();
    for pattern in &location.patterns {
        let segments = pattern.segments().iter().filter(|segment| !segment.contains('='));
        let glob = segments.map(String::as_str).collect::<Vec<_>>().join("/");
        match folder.clone().with_glob(&glob) {
            Ok(url) => urls.push(url),
            Err(_) => return Ok(None),
        }
    }
    if urls.is_empty() {
        urls.push(folder);
    }
    let wanted: HashSet<&Path> = files.iter().map(|meta| &meta.location).collect();
    let own = files
        .first()
        .and_then(|meta| extensions(meta.location.filename()?))
        .unwrap_or_else(|| format!(".{}", kind.extension()));
    let any = if files.is_empty() { None } else { Some(String::new()) };
    for suffix in [Some(own), any].into_iter().flatten() {
        let seen: HashSet<&Path> = listing
            .all
            .iter()
            .filter(|meta| meta.size > 0 && meta.location.as_ref().ends_with(&suffix))
            .map(|meta| &meta.location)
            .filter(|path| urls.iter().any(|url| url.contains(path, ignore_subfolders)))
            .collect();
        if seen == wanted {
            return Ok(Some((urls, suffix)));
        }
    }
    Ok(None)
}

/// The extensions of a file's name as they are written: `.csv.gz`.
fn extensions(name: &str) -> Option<String> {
    FileKind::of_name(name)?;
    let (stem, _) = split_compression(name);
    let dot = stem.rfind('.')?;
    name.get(dot..).map(str::to_string)
}
