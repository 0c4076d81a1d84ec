//! What a person is told when text cannot be run.

use std::fmt;

use datafusion::error::DataFusionError;
use strata_engine::EngineError;

/// The result of running text.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The line.
    pub line: u64,
    /// The character within the line.
    pub column: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Everything that running text can report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not a statement of either language, or a statement is used wrongly. The place
    /// is where the reader should look.
    #[error("{message}")]
    Text {
        /// What is wrong.
        message: String,
        /// Where.
        at: Option<Location>,
        /// What would be right.
        hint: Option<String>,
    },
    /// A file or folder that Strata itself reads or writes.
    #[error("'{path}': {reason}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine's error.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error.into())
    }
}
