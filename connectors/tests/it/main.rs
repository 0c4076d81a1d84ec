//! What a person sees of files and object stores, through SQL on a session with the extension.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod check;
mod create;
mod read;
mod s3;
mod web;
mod write;
mod zarr;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use strata_connectors::Files;
use strata_engine::{SessionBuilder, Settings};
use tempfile::TempDir;

/// A session and a folder of its own.
struct Bench {
    session: SessionContext,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let session = SessionBuilder::new(Settings::default())
            .with_extension(Arc::new(Files))
            .build()
            .unwrap();
        Self { session, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }

    /// Runs SQL in which `$` stands for the folder.
    async fn try_sql(&self, sql: &str) -> Result<String, DataFusionError> {
        let sql = sql.replace('$', &self.folder.path().display().to_string());
        let batches = self.session.sql(&sql).await?.collect().await?;
        Ok(pretty_format_batches(&batches)?.to_string())
    }

    async fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn error(&self, sql: &str) -> String {
        match self.try_sql(sql).await {
            Ok(rows) => panic!("{sql} should have failed:\n{rows}"),
            Err(error) => error.to_string(),
        }
    }

    /// The rows, a line each, without the frame around them.
    async fn rows(&self, sql: &str) -> Vec<String> {
        let table = self.sql(sql).await;
        let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
        lines
            .map(|line| {
                let cells = line.trim_matches('|').split('|').map(str::trim);
                cells.collect::<Vec<_>>().join(",")
            })
            .collect()
    }

    /// The columns of a query, `name:type`.
    async fn columns(&self, sql: &str) -> Vec<String> {
        let sql = sql.replace('$', &self.folder.path().display().to_string());
        let frame = self.session.sql(&sql).await.unwrap();
        let fields = frame.schema().fields().iter();
        fields.map(|field| format!("{}:{}", field.name(), field.data_type())).collect()
    }

    /// Every file and folder below the bench's folder, also hidden ones.
    fn tree(&self) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                into.push(path.strip_prefix(root).unwrap().display().to_string());
                if path.is_dir() {
                    walk(root, &path, into);
                }
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}
