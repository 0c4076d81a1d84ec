//! From locations to a table: lists the files, has their [kind](super::one_kind) and their
//! [columns](super::columns) told, and builds DataFusion's `ListingTable` where that reads exactly
//! these files, ours where it would not.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Constraints, TableReference};
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig};
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::logical_expr::{Expr, SortExpr};
use object_store::{ObjectMeta, ObjectStore};

use super::columns::{Columns, columns};
use super::kind::{FileKind, Kind};
use super::listing::{self, Listing};
use super::location::Location;
use super::native::native;
use super::one_kind::{given_packing, mixed, told};
use super::picked::PickedTable;
use crate::error::{ConnectorError, Result};
use crate::stores::Stores;

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

/// The store of a location, if that may be used.
pub(crate) fn store(session: &dyn Session, location: &Location) -> Result<Arc<dyn ObjectStore>> {
    if let Some(stores) = session.config().get_extension::<Stores>() {
        stores.admit(location)?;
    }
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
