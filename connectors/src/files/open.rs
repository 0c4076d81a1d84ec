//! Opening a path or URL as a table.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::{Session, TableProvider};

use super::location::Location;
use super::resolve::{self, Request};
use crate::error::Result;

/// How to read what a path names, where its name and its first bytes do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// `parquet`, `csv`, `tsv`, `json`, `arrow` or `avro`.
    pub format: Option<String>,
    /// The format's options as `OPTIONS (…)` has them: `delimiter`, `has_header`, …
    pub options: HashMap<String, String>,
}

/// Opens a file, folder or glob, local or remote, as one table.
///
/// The format is told by the files' names, else by their first bytes; CSV files are looked into
/// for their delimiter, header and types; `key=value` folders become columns.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use strata_connectors::{Files, OpenOptions, open_table};
/// use strata_engine::{SessionBuilder, Settings};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("cities.csv").display().to_string();
/// std::fs::write(&path, "name;people\nOslo;709000\nRome;2873000\n")?;
/// let session = SessionBuilder::new(Settings::default())
///     .with_extension(Arc::new(Files::default()))
///     .build()?;
/// let table = open_table(&session.state(), &path, &OpenOptions::default()).await?;
/// assert_eq!(table.schema().field(1).name(), "people");
/// # Ok(()) }
/// ```
pub async fn open_table(
    session: &dyn Session,
    path: &str,
    options: &OpenOptions,
) -> Result<Arc<dyn TableProvider>> {
    let kind = options.format.as_deref().map(str::parse).transpose()?;
    let options = options
        .options
        .iter()
        .map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let name = if name.contains('.') { name } else { format!("format.{name}") };
            (name, value.clone())
        })
        .collect();
    let locations = vec![Location::parse(path)?];
    resolve::table(session, Request { locations, kind, options, ..Request::default() }).await
}
