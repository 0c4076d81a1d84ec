//! Examining files: whether each can be read to its end, and if not, where and why. The same
//! examination finds the file behind a query that failed.

pub(crate) mod avro;
mod blocks;
mod conflict;
pub(crate) mod csv;
mod diagnose;
mod fault;
mod json;
mod parquet;
mod scans;
mod unchanged;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use datafusion::catalog::Session;
use datafusion::common::config::CsvOptions;
use datafusion::datasource::file_format::FileFormat;
use object_store::{ObjectMeta, ObjectStore};

use crate::error::{ConnectorError, Result};
use crate::files::kind::{FileKind, Kind, split_compression};
use crate::files::location::Location;
use crate::files::{formats, head, listing, resolve};
pub use diagnose::diagnose;
pub(crate) use diagnose::diagnose_planning;
pub(crate) use diagnose::explain;
pub use fault::Fault;
pub(crate) use unchanged::unchanged;

/// What `check` found, file by file.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Every file that the path names.
    pub files: Vec<FileReport>,
    /// Where files of one format disagree about a column's type, as sentences.
    pub conflicts: Vec<String>,
}

/// What `check` found in one file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file.
    pub path: String,
    /// Its format, by its name or its first bytes.
    pub format: String,
    /// Its size.
    pub bytes: u64,
    /// How many rows it has, where all of them could be read.
    pub rows: Option<u64>,
    /// What is wrong with it, if anything is.
    pub fault: Option<Fault>,
}

impl Report {
    /// Whether every file can be read, and all of them as one table.
    pub fn is_ok(&self) -> bool {
        self.conflicts.is_empty() && self.files.iter().all(|file| file.fault.is_none())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            match (&file.fault, file.rows) {
                (Some(fault), _) => writeln!(f, "{}", fault.about(&file.path))?,
                (None, Some(rows)) => {
                    writeln!(f, "'{}': ok, {rows} rows ({})", file.path, file.format)?;
                }
                (None, None) => writeln!(f, "'{}': ok ({})", file.path, file.format)?,
            }
        }
        self.conflicts.iter().try_for_each(|conflict| writeln!(f, "{conflict}"))
    }
}

/// Reads every file that a path names to its end.
pub async fn check(session: &dyn Session, path: &str) -> Result<Report> {
    let location = Location::parse(path)?;
    let store = resolve::store(session, &location)?;
    let found = listing::list(&store, &location).await?;
    let named = found
        .all
        .iter()
        .filter(|meta| found.single || listing::is_named(&location, &meta.location));
    let mut report = Report::default();
    let mut sound: Vec<(FileKind, ObjectMeta)> = Vec::new();
    for meta in named {
        let shown = location.show(&meta.location);
        let checked = async {
            let kind = kind_of(&store, meta, &shown).await?;
            let options = csv_options(session, &store, &location, kind, meta).await?;
            let file = File { store: &store, meta, shown: &shown, kind };
            Ok::<_, ConnectorError>((kind, file.examine(&options, None, None).await?))
        };
        let (format, outcome) = match checked.await {
            Ok((kind, outcome)) => {
                if matches!(outcome, Outcome::Sound { .. }) {
                    sound.push((kind, meta.clone()));
                }
                (kind.to_string(), outcome)
            }
            Err(ConnectorError::Fault { fault, .. }) => {
                ("unknown".to_string(), Outcome::Broken(fault))
            }
            Err(error) => (
                "unknown".to_string(),
                Outcome::Broken(Fault::new(None, error.to_string(), "see why it cannot be read")),
            ),
        };
        let (rows, fault) = match outcome {
            Outcome::Sound { rows } => (rows, None),
            Outcome::Broken(fault) => (None, Some(fault)),
        };
        report.files.push(FileReport { path: shown, format, bytes: meta.size, rows, fault });
    }
    if report.files.is_empty() {
        return Err(ConnectorError::EmptyFolder {
            path: path.to_string(),
            kind: "file".to_string(),
        });
    }
    for kind in [Kind::Parquet, Kind::Arrow, Kind::Avro] {
        let same: Vec<ObjectMeta> = sound
            .iter()
            .filter(|(found, _)| found.kind == kind)
            .map(|(_, meta)| meta.clone())
            .collect();
        let format = formats::create(session, FileKind::plain(kind), &Default::default())?;
        let conflict =
            conflict::between(session, &store, &location.root, format.as_ref(), &same, None).await;
        report.conflicts.extend(conflict.map(|error| error.to_string()));
    }
    Ok(report)
}

async fn kind_of(store: &Arc<dyn ObjectStore>, meta: &ObjectMeta, shown: &str) -> Result<FileKind> {
    let name = meta.location.filename().unwrap_or_default();
    if let Some(kind) = FileKind::of_name(name) {
        return Ok(kind);
    }
    let (_, packing) = split_compression(name);
    let head = head::head(store, &meta.location, shown, 512, packing).await?;
    Ok(FileKind::of_bytes(&head.bytes, packing))
}

/// What a CSV file looks like; for other formats the options say nothing.
async fn csv_options(
    session: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    kind: FileKind,
    meta: &ObjectMeta,
) -> Result<CsvOptions> {
    let given = Default::default();
    let mut options = formats::csv_options(session, kind, &given)?;
    if kind.kind == Kind::Csv && meta.size > 0 {
        let limit = strata_engine::options_of(session.config_options()).files.sniff.0 as usize;
        let files = std::slice::from_ref(meta);
        let heads = crate::files::csv::heads(store, location, files, &options, limit).await?;
        crate::files::csv::detect(&mut options, &given, kind.tabs, &heads);
    }
    Ok(options)
}

/// What an examination ends with.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// No fault was found; the number of rows is known if the whole file was read.
    Sound { rows: Option<u64> },
    /// The first fault.
    Broken(Fault),
}

/// A file to examine.
pub(crate) struct File<'a> {
    pub(crate) store: &'a Arc<dyn ObjectStore>,
    pub(crate) meta: &'a ObjectMeta,
    pub(crate) shown: &'a str,
    pub(crate) kind: FileKind,
}

impl File<'_> {
    /// Reads until the first fault, the end, or `until`. With a schema, values must fit it.
    pub(crate) async fn examine(
        &self,
        options: &CsvOptions,
        schema: Option<&arrow::datatypes::Schema>,
        until: Option<Instant>,
    ) -> Result<Outcome> {
        if self.meta.size == 0 {
            return Ok(Outcome::Broken(Fault::new(
                None,
                format!("the {} file is empty (0 bytes)", self.kind.kind),
                "write it again, or remove it",
            )));
        }
        match self.kind.kind {
            Kind::Csv => csv::examine(self, options, schema, until).await,
            Kind::Json => json::examine(self, schema, until).await,
            Kind::Parquet => parquet::examine(self, until).await,
            Kind::Arrow => blocks::arrow(self, until).await,
            Kind::Avro => match avro::broken_off(self.store, self.meta, self.shown).await? {
                Some(fault) => Ok(Outcome::Broken(fault)),
                None => blocks::avro(self, until).await,
            },
        }
    }
}

fn past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() > until)
}

/// What a format's reader tells of columns.
pub(crate) type Format = dyn FileFormat;
