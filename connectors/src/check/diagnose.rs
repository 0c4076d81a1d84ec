//! From an error to the file behind it: a query failed at reading, and the files it read are
//! examined, for a moment only, until one shows the fault.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::error::ArrowError;
use datafusion::catalog::Session;
use datafusion::common::config::CsvOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::{ListingTable, ListingTableUrl};
use datafusion::datasource::physical_plan::{CsvSource, FileScanConfig};
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use object_store::{ObjectMeta, ObjectStore};
use strata_engine::EngineError;
use url::Url;

use super::scans::{files, scans};
use super::unchanged::{all_as_planned, unchanged};
use super::{Fault, File, Format, Outcome, conflict, past};
use crate::error::{ConnectorError, innermost};
use crate::files::formats;
use crate::files::kind::{FileKind, Kind};
use crate::files::location::{Location, show};
use crate::files::{csv, resolve};

/// As long as a person waits for an explanation.
const PATIENCE: Duration = Duration::from_millis(800);

/// The file behind a failed query, the place of its fault, and what to do about it; none where the
/// error is of another kind, or nothing was found in time.
pub async fn diagnose(
    session: &dyn Session,
    error: &DataFusionError,
    plan: &Arc<dyn ExecutionPlan>,
) -> Option<ConnectorError> {
    let suspicion = suspicion(error)?;
    let until = Instant::now() + PATIENCE;
    let scans = scans(plan);
    if let (Some(lost), Some(scan)) = (lost(error), scans.first()) {
        return Some(ConnectorError::from_store(&shown_lost(scan, &lost), error_of_store(error)?));
    }
    for scan in &scans {
        let found = match suspicion {
            Suspicion::Files => fault_of(session, scan, until).await,
            Suspicion::Types => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => conflict_of(session, scan, until).await,
        };
        if found.is_some() {
            return found;
        }
        if past(Some(until)) {
            return matches!(suspicion, Suspicion::Files).then(|| unfinished(&scans, error))?;
        }
    }
    // Every file is sound now: one may have been replaced between two steps of its reading.
    unchanged(session, plan).await.err()
}

/// What can be said when time is up: which files it may be, and how to find out.
fn unfinished(scans: &[&FileScanConfig], error: &DataFusionError) -> Option<ConnectorError> {
    let named: Vec<String> = scans
        .iter()
        .flat_map(|scan| files(scan).into_iter().map(move |meta| (scan, meta)))
        .map(|(scan, meta)| show(scan.object_store_url.as_ref(), &meta.location))
        .collect();
    let (path, rest) = named.split_first()?;
    let place = match rest.len() {
        0 => None,
        more => Some(format!("or one of the {more} files read with it")),
    };
    let reason = innermost(error.find_root());
    // Readers count lines from where their part of the file begins: that is no line to look for.
    let reason = reason.trim_start_matches("Parser error: ");
    let reason = reason.split_once(" at line ").map_or(reason, |(what, _)| what);
    let remedy = format!("`strata check '{path}'` finds the place");
    Some(ConnectorError::Fault { path: path.clone(), fault: Fault::new(place, reason, remedy) })
}

/// The file behind a query that could not be planned: footers are read for their statistics then.
pub(crate) async fn diagnose_planning(
    session: &dyn Session,
    error: &DataFusionError,
    plan: &LogicalPlan,
) -> Option<ConnectorError> {
    suspicion(error)?;
    // Planning fails for many reasons that no file is behind.
    if !matches!(
        error.find_root(),
        DataFusionError::ParquetError(_)
            | DataFusionError::ArrowError(..)
            | DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_)
    ) {
        return None;
    }
    let paths = listed(plan);
    for path in &paths {
        if let Some(found) = broken_at(session, path).await {
            return Some(found);
        }
    }
    // Every file is sound now: one may have been replaced between two steps of its reading.
    let path = paths.first()?.clone();
    let fault =
        Fault::new(None, innermost(error.find_root()), "if it was being replaced, try again");
    Some(ConnectorError::Fault { path, fault })
}

/// Where the listed tables of a plan are.
fn listed(plan: &LogicalPlan) -> Vec<String> {
    let mut paths = Vec::new();
    let visited = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && let Some(table) = provider.downcast_ref::<ListingTable>()
        {
            let shown = |url: &ListingTableUrl| show(url.object_store().as_ref(), url.prefix());
            paths.extend(table.table_paths().iter().map(shown));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.map_or(Vec::new(), |_| paths)
}

async fn broken_at(session: &dyn Session, path: &str) -> Option<ConnectorError> {
    let location = Location::parse(path).ok()?;
    let store = resolve::store(session, &location).ok()?;
    let found = match resolve::find(session, &location).await {
        Ok(found) => found,
        Err(error) => return Some(error),
    };
    let format = formats::create(session, found.kind, &Default::default()).ok()?;
    explain(session, &store, &location, found.kind, format.as_ref(), &found.files).await
}

/// Why the columns of these files could not be told.
pub(crate) async fn explain(
    session: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    kind: FileKind,
    format: &Format,
    files: &[ObjectMeta],
) -> Option<ConnectorError> {
    let until = Instant::now() + PATIENCE;
    let mut options = formats::csv_options(session, kind, &Default::default()).ok()?;
    if kind.kind == Kind::Csv {
        let limit = strata_engine::options_of(session.config_options()).files.sniff.0 as usize;
        let heads = csv::heads(store, location, files, &options, limit).await;
        match heads {
            Ok(heads) => csv::detect(&mut options, &Default::default(), kind.tabs, &heads),
            Err(error) => return Some(error),
        }
    }
    for meta in files {
        if past(Some(until)) {
            return None;
        }
        let shown = location.show(&meta.location);
        // Disagreement shows without reading on; a file that cannot be opened shows at once.
        if format.infer_schema(session, store, std::slice::from_ref(meta)).await.is_ok() {
            continue;
        }
        let file = File { store, meta, shown: &shown, kind };
        match file.examine(&options, None, Some(until)).await {
            Ok(Outcome::Broken(fault)) => {
                return Some(ConnectorError::Fault { path: shown, fault });
            }
            Ok(Outcome::Sound { .. }) => {}
            Err(error) => return Some(error),
        }
    }
    match conflict::between(session, store, &location.root, format, files, Some(until)).await {
        Some(found) => Some(found),
        // Every file is sound now: one may have been replaced between two steps of its reading.
        None => all_as_planned(store, &location.root, files.to_vec()).await.err(),
    }
}

enum Suspicion {
    /// A file may be damaged.
    Files,
    /// Files may disagree.
    Types,
}

/// Whether files may be behind an error, judged by its cause.
fn suspicion(error: &DataFusionError) -> Option<Suspicion> {
    if ConnectorError::find(error).is_some() || EngineError::find(error).is_some() {
        return None;
    }
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::MemoryError(_)
            | ArrowError::ComputeError(_) => None,
            ArrowError::CastError(_) => Some(Suspicion::Types),
            _ => Some(Suspicion::Files),
        },
        DataFusionError::ResourcesExhausted(_)
        | DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_) => None,
        _ => Some(Suspicion::Files),
    }
}

fn error_of_store(error: &DataFusionError) -> Option<&object_store::Error> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = source {
        if let Some(found) = current.downcast_ref::<object_store::Error>() {
            return Some(found);
        }
        if let Some(DataFusionError::ObjectStore(found)) = current.downcast_ref::<DataFusionError>()
        {
            return Some(found);
        }
        source = current.source();
    }
    None
}

/// The path of a file that was there when the query was planned and is not any more.
fn lost(error: &DataFusionError) -> Option<String> {
    match error_of_store(error)? {
        object_store::Error::NotFound { path, .. } => Some(path.clone()),
        _ => None,
    }
}

fn shown_lost(scan: &FileScanConfig, path: &str) -> String {
    let root: &Url = scan.object_store_url.as_ref();
    match object_store::path::Path::parse(path.trim_start_matches('/')) {
        Ok(path) => show(root, &path),
        Err(_) => path.to_string(),
    }
}

fn kind_of(scan: &FileScanConfig) -> Option<FileKind> {
    let kind: FileKind = scan.file_source.file_type().trim_end_matches("_stream").parse().ok()?;
    Some(FileKind { compression: *scan.file_compression_type.get_variant(), ..kind })
}

fn csv_options(scan: &FileScanConfig) -> CsvOptions {
    let mut options = CsvOptions::default();
    if let Some(source) = scan.file_source.downcast_ref::<CsvSource>() {
        options.has_header = Some(source.has_header());
        options.delimiter = source.delimiter();
        options.quote = source.quote();
        options.escape = source.escape();
        options.comment = source.comment();
        options.terminator = source.terminator();
        options.truncated_rows = Some(source.truncate_rows());
    }
    options
}

async fn fault_of(
    session: &dyn Session,
    scan: &FileScanConfig,
    until: Instant,
) -> Option<ConnectorError> {
    let kind = kind_of(scan)?;
    let root: &Url = scan.object_store_url.as_ref();
    let store = session.runtime_env().object_store(&scan.object_store_url).ok()?;
    let options = csv_options(scan);
    let schema = Arc::clone(scan.file_source.table_schema().file_schema());
    for meta in files(scan) {
        let shown = show(root, &meta.location);
        let file = File { store: &store, meta: &meta, shown: &shown, kind };
        match file.examine(&options, Some(&schema), Some(until)).await {
            Ok(Outcome::Broken(fault)) => {
                return Some(ConnectorError::Fault { path: shown, fault });
            }
            Ok(Outcome::Sound { .. }) => {}
            Err(error) => return Some(error),
        }
        if past(Some(until)) {
            return None;
        }
    }
    None
}

async fn conflict_of(
    session: &dyn Session,
    scan: &FileScanConfig,
    until: Instant,
) -> Option<ConnectorError> {
    let kind = kind_of(scan)?;
    if kind.kind == Kind::Csv {
        return None;
    }
    let store = session.runtime_env().object_store(&scan.object_store_url).ok()?;
    let format = formats::create(session, kind, &Default::default()).ok()?;
    let root: &Url = scan.object_store_url.as_ref();
    conflict::between(session, &store, root, format.as_ref(), &files(scan), Some(until)).await
}
