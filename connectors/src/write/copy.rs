//! `COPY … TO`: where the rows go, in which format, and what becomes of the files that are there.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::parsers::CompressionTypeVariant as Compression;
use datafusion::datasource::file_format::{file_type_to_format, format_as_file_type};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::dml::CopyTo;
use futures::TryStreamExt;
use object_store::path::Path;
use strata_engine::WriteTarget;

use super::partition_values;
use super::transaction::StagedWrite;
use crate::error::{ConnectorError, Result};
use crate::files::formats::{NamedFormat, has};
use crate::files::kind::{FileKind, Kind, split_compression};
use crate::files::listing::is_named;
use crate::files::location::Location;
use crate::secrets::flag;
use crate::stores::Stores;

const PACKS_ITSELF: &str = "this format packs its own pages, the file as a whole is not packed; \
                            leave the last extension out";

/// Puts a `COPY` into a transaction.
pub(super) async fn begin(
    copy: &CopyTo,
    session: &dyn Session,
    stores: &Arc<Stores>,
) -> Result<Option<WriteTarget>> {
    let factory = file_type_to_format(&copy.file_type)?;
    let named = factory.downcast_ref::<NamedFormat>();
    let asked = match named {
        Some(named) => named.kind,
        // A format of another extension is that extension's to write.
        None => match factory.get_ext().parse::<FileKind>() {
            Ok(kind) => Some(kind),
            Err(_) => return Ok(None),
        },
    };
    let mut options = copy.options.clone();
    let overwrite = take_flag(&mut options, "overwrite")?;
    let append = take_flag(&mut options, "append")?;
    let refuse = |reason: &str| ConnectorError::Target {
        path: copy.output_url.clone(),
        reason: reason.to_string(),
    };
    if overwrite && append {
        return Err(refuse("'overwrite' and 'append' exclude each other; keep one"));
    }
    let location = Location::parse(&copy.output_url)?;
    if location.is_web() {
        return Err(refuse("web servers can only be read; write to a file or a bucket"));
    }
    if location.is_glob() {
        return Err(refuse("the target has glob characters; name one file or folder"));
    }
    let name = location.base.filename().unwrap_or_default().to_string();
    let (stem, packing) = split_compression(&name);
    let kind = match asked.or_else(|| FileKind::of_name(&name)) {
        Some(kind) => kind,
        None if FileKind::of_name(stem).is_some() => return Err(refuse(PACKS_ITSELF)),
        None => {
            return Err(refuse(
                "its name only says how the file is packed; end it in '.csv.gz' or '.json.gz', \
                 or add STORED AS",
            ));
        }
    };
    if kind.kind == Kind::Avro {
        return Err(refuse("Avro files can only be read; choose PARQUET, ARROW, CSV or JSON"));
    }
    if packing != Compression::UNCOMPRESSED && !has(&options, "compression") {
        if !matches!(kind.kind, Kind::Csv | Kind::Json) {
            return Err(refuse(PACKS_ITSELF));
        }
        options.insert("format.compression".to_string(), packing_name(packing).to_string());
    }
    if kind.kind == Kind::Parquet {
        with_level(&mut options);
    }
    let folder = is_folder(copy, &location, &name, &options);
    check_target(&location, folder, append)?;
    let mut obsolete = Vec::new();
    if folder && !append {
        let existing = existing(stores, &location, kind.kind).await?;
        if let Some(example) = existing.first().filter(|_| !overwrite) {
            return Err(ConnectorError::TargetNotEmpty {
                path: copy.output_url.clone(),
                kind: kind.kind.to_string(),
                example: location.show(example),
            });
        }
        obsolete = existing;
    }
    let url = location.url(&location.base, folder)?;
    let transaction = StagedWrite::begin(stores, &url, obsolete)?;
    let file_type = match named {
        // Only the whole name told the format: `x.csv.gz`.
        Some(named) if named.kind.is_none() => format_as_file_type(Arc::new(NamedFormat {
            extension: kind.extension(),
            kind: Some(FileKind { tabs: kind.tabs, ..FileKind::plain(kind.kind) }),
        })),
        _ => Arc::clone(&copy.file_type),
    };
    let input = if keeps_partition_columns(session, &options) {
        Arc::clone(&copy.input)
    } else {
        partition_values::as_text(&copy.input, &copy.partition_by)?
    };
    let plan = LogicalPlan::Copy(CopyTo::new(
        input,
        transaction.stand_in(&url),
        copy.partition_by.clone(),
        file_type,
        options,
    ));
    Ok(Some(WriteTarget { plan, transaction: Arc::new(transaction) }))
}

/// Whether partition columns are written into the files, too, where they must keep their types.
fn keeps_partition_columns(session: &dyn Session, options: &HashMap<String, String>) -> bool {
    let name = "execution.keep_partition_by_columns";
    let asked = options.get(name).or_else(|| options.get(&format!("format.{name}")));
    match asked {
        Some(value) => value.eq_ignore_ascii_case("true"),
        None => session.config_options().execution.keep_partition_by_columns,
    }
}

/// Takes an option of ours out, before DataFusion sees and refuses it.
fn take_flag(options: &mut HashMap<String, String>, name: &str) -> Result<bool> {
    let value = options.remove(&format!("format.{name}")).or_else(|| options.remove(name));
    value.map_or(Ok(false), |value| flag(name, &value))
}

fn packing_name(packing: Compression) -> &'static str {
    match packing {
        Compression::GZIP => "gzip",
        Compression::BZIP2 => "bzip2",
        Compression::XZ => "xz",
        Compression::ZSTD => "zstd",
        Compression::UNCOMPRESSED => "uncompressed",
    }
}

/// Parquet's codecs of several levels want one: where none is given, the one that their own tools use.
fn with_level(options: &mut HashMap<String, String>) {
    for name in ["compression", "format.compression"] {
        if let Some(codec) = options.get_mut(name) {
            let level = match codec.to_lowercase().as_str() {
                "zstd" => 3,
                "gzip" => 6,
                "brotli" => 4,
                _ => continue,
            };
            *codec = format!("{codec}({level})");
        }
    }
}

/// A folder of files: by its `/`, by partitions, because it is one, or because it has no extension.
fn is_folder(
    copy: &CopyTo,
    location: &Location,
    name: &str,
    options: &HashMap<String, String>,
) -> bool {
    match options.get("single_file_output").map(String::as_str) {
        Some("true") => return false,
        Some("false") => return true,
        _ => {}
    }
    let has_extension = name.contains('.') && !name.ends_with('.');
    location.folder || !copy.partition_by.is_empty() || !has_extension
}

fn check_target(location: &Location, folder: bool, append: bool) -> Result<()> {
    let refuse = |reason: &str| ConnectorError::Target {
        path: location.text.clone(),
        reason: reason.to_string(),
    };
    if !folder && append {
        return Err(refuse(
            "'append' adds files to a folder, and this names one file; end the target in '/'",
        ));
    }
    let Some(metadata) = location.local_path().and_then(|path| std::fs::metadata(path).ok()) else {
        return Ok(());
    };
    if folder && metadata.is_file() {
        return Err(refuse("it is a file, and several files are to be written; name a folder"));
    }
    if !folder && metadata.is_dir() {
        return Err(refuse("it is a folder, and one file is to be written; name a file"));
    }
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(refuse("it is neither a file nor a folder; name a file"));
    }
    Ok(())
}

/// The files of this kind that a folder holds.
async fn existing(stores: &Arc<Stores>, location: &Location, kind: Kind) -> Result<Vec<Path>> {
    let store = stores.get(&location.root)?;
    let all: Vec<_> = store
        .list(Some(&location.base))
        .try_collect()
        .await
        .map_err(|error| ConnectorError::from_store(&location.show(&location.base), &error))?;
    let same = |path: &Path| {
        FileKind::of_name(path.filename().unwrap_or_default())
            .is_some_and(|found| found.kind == kind)
    };
    Ok(all
        .into_iter()
        .map(|meta| meta.location)
        .filter(|path| is_named(location, path) && same(path))
        .collect())
}
