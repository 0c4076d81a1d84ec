//! Why tables could not be made.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Everything that `strata generate` can report.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The scale is no number, or one the generator has no data for.
    #[error("--scale {given} is out of range: give a number from {least} to {most}")]
    Scale {
        /// The scale asked for.
        given: f64,
        /// The smallest there is.
        least: f64,
        /// The largest there is.
        most: f64,
    },
    /// `--tables` names a table that the benchmark does not have.
    #[error("there is no table '{name}' here: the tables are {known}")]
    UnknownTable {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A table's folder holds files already.
    #[error("'{}' is not empty: give --force to replace it, or another --out", .folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A table's folder holds something that no generator wrote, so that `--force` must not touch it.
    #[error(
        "'{}' holds '{entry}', which was not generated: move it away, or give another --out",
        .folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// What it holds.
        entry: String,
    },
    /// A file or folder could not be read, written, moved or made.
    #[error("cannot {action} '{}': {source}{}", .path.display(), way_out(.source))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Rows could not be written as Parquet.
    #[error("cannot write '{}': {source}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: ParquetError,
    },
    /// Rows could not be made or converted.
    #[error("table '{table}': {source}")]
    Rows {
        /// The table.
        table: String,
        /// What went wrong.
        source: ArrowError,
    },
    /// A worker thread could not be started.
    #[error("cannot start a worker thread: {source}; give a smaller --threads")]
    Thread {
        /// What went wrong.
        source: io::Error,
    },
    /// A worker thread ended before its work did: a bug, reported with what it printed.
    #[error("a worker thread failed unexpectedly (its message is above); nothing was kept")]
    Worker,
    /// Ctrl-C or SIGTERM.
    #[error("interrupted; nothing was kept")]
    Interrupted,
}

impl GenerateError {
    /// An operation on `path` that failed, for use with `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// A Parquet failure; one of the disk's, which the writer wraps, is told as such.
    pub(super) fn parquet(path: &Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_path_buf();
        move |source| match source {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => Self::Io { action: "write", path, source: *source },
                Err(inner) => Self::Parquet { path, source: ParquetError::External(inner) },
            },
            source => Self::Parquet { path, source },
        }
    }
}

/// What the reader can do about an error of the disk.
fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; give a smaller --scale, fewer --tables, or an --out on another disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give an --out that you may write to"
        }
        io::ErrorKind::NotADirectory => "; give an --out that is a folder",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_one_through_parquet() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = GenerateError::parquet(Path::new("/x/a"))(ParquetError::External(full.into()));
        assert!(matches!(error, GenerateError::Io { .. }));
        let text = error.to_string();
        assert!(
            text.starts_with("cannot write '/x/a': ") && text.contains("another disk"),
            "{text}"
        );
    }
}
