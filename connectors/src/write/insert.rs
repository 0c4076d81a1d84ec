//! `INSERT INTO` a table of files: the new rows become new files of its folder.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{DmlStatement, LogicalPlan, WriteOp};
use futures::TryStreamExt;
use object_store::path::Path;
use strata_engine::WriteTarget;
use url::Url;

use super::partition_values;
use super::transaction::StagedWrite;
use crate::error::{ConnectorError, Result};
use crate::files::PickedTable;
use crate::files::formats::Renamed;
use crate::stores::Stores;

/// Where the rows go, and how they are written.
struct Target {
    folder: Url,
    options: ListingOptions,
    file_schema: SchemaRef,
}

/// Puts an `INSERT` into a transaction.
pub(super) async fn begin(
    dml: &DmlStatement,
    op: InsertOp,
    stores: &Arc<Stores>,
) -> Result<Option<WriteTarget>> {
    let Ok(provider) = source_as_provider(&dml.target) else { return Ok(None) };
    let table = provider.as_ref();
    let refuse = |reason: &str| ConnectorError::Target {
        path: dml.table_name.to_string(),
        reason: reason.to_string(),
    };
    let target = if let Some(listing) = table.downcast_ref::<ListingTable>() {
        listing_target(listing)
    } else if let Some(picked) = table.downcast_ref::<PickedTable>() {
        picked_target(picked)?
    } else {
        return Ok(None);
    };
    let Some(mut target) = target else {
        return Err(refuse(
            "its location is not one folder, so new files have no place; create the table on a \
             folder (with a '/' at the end)",
        ));
    };
    match target.folder.scheme() {
        "http" | "https" => {
            return Err(refuse("web servers can only be read; use a folder or a bucket"));
        }
        _ if target.options.format.get_ext() == "avro" => {
            return Err(refuse("Avro files can only be read; store the table as PARQUET"));
        }
        _ => {}
    }
    let obsolete = match op {
        InsertOp::Overwrite => existing(stores, &target).await?,
        InsertOp::Append | InsertOp::Replace => Vec::new(),
    };
    // New files must be found by the table again, so they get the extension it looks for.
    let extension = target.options.file_extension.trim_start_matches('.').to_string();
    if !extension.is_empty() {
        let inner = Arc::clone(&target.options.format);
        target.options.format = Arc::new(Renamed { inner, extension }) as Arc<dyn FileFormat>;
    }
    let mut partitions = Vec::new();
    for (name, data_type) in &mut target.options.table_partition_cols {
        partitions.push(name.clone());
        *data_type = DataType::Utf8;
    }
    let input = partition_values::as_text(&dml.input, &partitions)?;
    let transaction = StagedWrite::begin(stores, &target.folder, obsolete)?;
    let url = ListingTableUrl::parse(transaction.stand_in(&target.folder))?;
    let config = ListingTableConfig::new(url)
        .with_listing_options(target.options)
        .with_schema(target.file_schema);
    let stand_in: Arc<dyn TableProvider> = Arc::new(ListingTable::try_new(config)?);
    let op = if op == InsertOp::Overwrite { InsertOp::Append } else { op };
    let plan = LogicalPlan::Dml(DmlStatement::new(
        dml.table_name.clone(),
        provider_as_source(stand_in),
        WriteOp::Insert(op),
        input,
    ));
    Ok(Some(WriteTarget { plan, transaction: Arc::new(transaction) }))
}

fn listing_target(table: &ListingTable) -> Option<Target> {
    let [url] = table.table_paths().as_slice() else { return None };
    if !url.is_collection() || url.get_glob().is_some() {
        return None;
    }
    let partitions = &table.options().table_partition_cols;
    let schema = table.schema();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .filter(|field| !partitions.iter().any(|(name, _)| name == field.name()))
        .cloned()
        .collect();
    Some(Target {
        folder: url.get_url().clone(),
        options: table.options().clone(),
        file_schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
    })
}

fn picked_target(table: &PickedTable) -> Result<Option<Target>> {
    let [location] = table.locations.as_slice() else { return Ok(None) };
    if location.is_glob() || !location.folder {
        return Ok(None);
    }
    let options = ListingOptions::new(Arc::clone(&table.format))
        .with_file_extension(format!(".{}", table.kind.extension()))
        .with_table_partition_cols(table.partitions.clone())
        .with_file_sort_order(table.sort.clone());
    Ok(Some(Target {
        folder: location.url(&location.base, true)?,
        options,
        file_schema: Arc::clone(&table.file_schema),
    }))
}

/// The files that an overwrite replaces.
async fn existing(stores: &Arc<Stores>, target: &Target) -> Result<Vec<Path>> {
    let store = stores.get(&target.folder)?;
    let base = Path::from_url_path(target.folder.path()).map_err(|error| ConnectorError::Url {
        url: target.folder.to_string(),
        reason: error.to_string(),
    })?;
    let all: Vec<_> = store
        .list(Some(&base))
        .try_collect()
        .await
        .map_err(|error| ConnectorError::from_store(target.folder.as_str(), &error))?;
    let suffix = &target.options.file_extension;
    Ok(all
        .into_iter()
        .map(|meta| meta.location)
        .filter(|path| path.as_ref().ends_with(suffix.as_str()))
        .collect())
}
