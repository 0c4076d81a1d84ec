//! What a person is told when text cannot be run.

use std::fmt;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::TokenizerError;
use strata_connectors::ConnectorError;
use strata_engine::{EngineError, FrameError, nearest};

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
    /// A table that is not there.
    #[error("there is no table '{table}'")]
    NoTable {
        /// What was looked for.
        table: String,
        /// Where it stands in the text.
        at: Option<Location>,
        /// What was probably meant.
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
    /// A file or object store that cannot be read or written.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The engine's error.
    #[error(transparent)]
    Engine(EngineError),
}

impl Error {
    /// The same, of a text that is read once and run many times.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Text { message, at, hint } => {
                Self::Text { message: message.clone(), at: *at, hint: hint.clone() }
            }
            Self::NoTable { table, at, hint } => {
                Self::NoTable { table: table.clone(), at: *at, hint: hint.clone() }
            }
            other => Self::text(other.to_string()),
        }
    }

    /// An error about a text, without a place.
    pub(crate) fn text(message: impl Into<String>) -> Self {
        Self::Text { message: message.into(), at: None, hint: None }
    }

    /// Says where, unless the error knows already.
    pub(crate) fn at(self, place: Location) -> Self {
        match self {
            Self::Text { message, at, hint } => {
                Self::Text { message, at: at.or(Some(place)), hint }
            }
            Self::NoTable { table, at, hint } => {
                Self::NoTable { table, at: at.or(Some(place)), hint }
            }
            Self::Engine(EngineError::Frame(frame)) => {
                Self::Text { message: frame.to_string(), at: Some(place), hint: None }
            }
            other => other,
        }
    }

    /// The same about another place: what is said is of a text that nobody wrote.
    pub(crate) fn elsewhere(self, place: Location) -> Self {
        match self {
            Self::Text { message, hint, .. } => Self::Text { message, at: Some(place), hint },
            Self::NoTable { table, hint, .. } => Self::NoTable { table, at: Some(place), hint },
            other => other.at(place),
        }
    }

    /// Says what would be right, unless the error does already.
    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Text { message, at, hint } => {
                Self::Text { message, at, hint: hint.or(Some(text.into())) }
            }
            Self::NoTable { table, at, hint } => {
                Self::NoTable { table, at, hint: hint.or(Some(text.into())) }
            }
            other => other,
        }
    }

    /// Puts words in front of the message: the verb it is about.
    pub(crate) fn about(self, subject: &str) -> Self {
        match self {
            Self::Text { message, at, hint } => {
                Self::Text { message: format!("{subject}: {message}"), at, hint }
            }
            Self::NoTable { table, at, hint } => {
                Self::Text { message: format!("{subject}: there is no table '{table}'"), at, hint }
            }
            Self::Engine(EngineError::Frame(frame)) => Self::text(format!("{subject}: {frame}")),
            other => other,
        }
    }

    /// The place in the text, where there is one.
    pub fn location(&self) -> Option<Location> {
        match self {
            Self::Text { at, .. } | Self::NoTable { at, .. } => *at,
            _ => None,
        }
    }

    /// What would be right, where that is known.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::Text { hint, .. } | Self::NoTable { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::DataFusion(inner) => {
                inner.about_text().unwrap_or_else(|| Self::Engine(EngineError::DataFusion(inner)))
            }
            other => Self::Engine(other),
        }
    }
}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match ConnectorError::from(error) {
            ConnectorError::DataFusion(inner) => EngineError::from(*inner).into(),
            ours => Self::Connector(ours),
        }
    }
}

impl From<TokenizerError> for Error {
    fn from(error: TokenizerError) -> Self {
        let TokenizerError { message, location } = error;
        Self::text(message).at(Location { line: location.line, column: location.column })
    }
}

impl From<ParserError> for Error {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                located(message)
            }
            ParserError::RecursionLimitExceeded => Self::text("the text is nested too deeply")
                .hint("name its parts: WITH … AS, or name = …"),
        }
    }
}

/// The parser gives places only within its messages: ` at Line: 1, Column: 8`.
fn located(message: String) -> Error {
    let Some((text, place)) = message.rsplit_once(" at Line: ") else {
        return Error::text(message);
    };
    let numbers = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.parse().ok()?, column.trim().parse().ok()?)));
    match numbers {
        Some((line, column)) => Error::text(text).at(Location { line, column }),
        None => Error::text(message),
    }
}

/// What of a DataFusion error is about the text, with its place.
trait AboutText {
    fn about_text(&self) -> Option<Error>;
}

impl AboutText for DataFusionError {
    fn about_text(&self) -> Option<Error> {
        let place = diagnosed(self);
        let root = innermost(self);
        let error = match root {
            Self::SchemaError(schema, _) => schema_error(schema),
            Self::SQL(parser, _) => Error::from(parser.as_ref().clone()),
            Self::Plan(message) => plan_error(message),
            Self::NotImplemented(message) => Error::text(format!("not supported: {message}")),
            Self::Internal(message) => no_such_call(message)?,
            Self::Execution(message) => no_such_format(message)?,
            _ => return None,
        };
        Some(match place {
            Some(place) => error.at(place),
            None => error,
        })
    }
}

/// The error beneath what was only wrapped around it.
fn innermost(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => {
            innermost(inner)
        }
        DataFusionError::Collection(errors) => errors.first().map_or(error, innermost),
        DataFusionError::Shared(inner) => innermost(inner),
        other => other,
    }
}

fn diagnosed(error: &DataFusionError) -> Option<Location> {
    let span = error.diagnostic()?.span?;
    Some(Location { line: span.start.line, column: span.start.column })
}

fn schema_error(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            // A qualifier that is no table here is the likelier mistake.
            let shown = match &field.relation {
                Some(table) => format!("{table}.{}", field.name),
                None => field.name.clone(),
            };
            let message = format!("there is no column '{shown}'");
            if valid_fields.is_empty() {
                return Error::text(message);
            }
            let close = nearest(&field.name, valid_fields.iter().map(|f| f.name.as_str()));
            let hint = match close {
                Some(close) => format!("did you mean '{close}'?"),
                None => {
                    const SHOWN: usize = 12;
                    let names: Vec<_> =
                        valid_fields.iter().take(SHOWN).map(|f| f.name.as_str()).collect();
                    let more = valid_fields.len().saturating_sub(SHOWN);
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    format!("the columns are {}{more}", names.join(", "))
                }
            };
            Error::text(message).hint(hint)
        }
        SchemaError::AmbiguousReference { field } => {
            Error::text(format!("column '{}' is ambiguous", field.name))
                .hint("write which table it belongs to, as in orders.id")
        }
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            Error::text(format!("both sides have a column '{qualifier}.{name}'"))
                .hint("give one side another name: .alias(name) in a chain, AS name in SQL")
        }
        other => Error::text(other.to_string()),
    }
}

/// `Function 'sum' failed to match any signature, errors: …`, an error for each of them, into what
/// the function takes.
fn no_such_call(message: &str) -> Option<Error> {
    let (_, errors) = message.split_once("failed to match any signature, errors:")?;
    let (name, _) = message.split_once("Function '")?.1.split_once('\'')?;
    let mut takes: Vec<&str> = Vec::new();
    let mut given = None;
    for error in errors.split("Error during planning: ").skip(1) {
        let (wanted, received) = error.split_once(" but received ")?;
        let wanted = wanted.trim_end_matches(',');
        let wanted = wanted.split_once(" requires ").or_else(|| wanted.split_once(" expects "))?.1;
        if !takes.contains(&wanted) {
            takes.push(wanted);
        }
        given = given.or_else(|| received.split(['.', ',']).next());
    }
    let given = given?.split(" (DataType").next()?;
    Some(Error::text(format!("{name} takes {}, not {given}", takes.join(" or "))))
}

/// The error for a `STORED AS` that nobody reads.
fn no_such_format(message: &str) -> Option<Error> {
    let format = message.strip_prefix("Unable to find factory for ")?;
    Some(
        Error::text(format!("there is no format '{format}'"))
            .hint("STORED AS takes PARQUET, CSV, TSV, JSON, NDJSON, ARROW or AVRO"),
    )
}

fn plan_error(message: &str) -> Error {
    if let Some((name, _)) = message.split_once(" is not a variable which can be viewed") {
        return Error::text(format!("there is no setting {name}"))
            .hint("SHOW SETTINGS lists them all; SHOW TABLES and SHOW FUNCTIONS what there is");
    }
    if let Some(call) = no_such_call(message) {
        return call;
    }
    if let Some((clause, _)) =
        message.strip_prefix("Delete-").and_then(|of| of.split_once(" clause"))
    {
        let clause = clause.replace('-', " ").to_uppercase();
        return Error::text(format!("DELETE takes no {clause}"))
            .hint("say with WHERE which rows go");
    }
    // DataFusion ends some messages with a suggestion of its own.
    for mark in [".\nDid you mean ", ". Did you mean "] {
        if let Some((text, suggestion)) = message.split_once(mark) {
            return Error::text(text).hint(format!("did you mean {suggestion}"));
        }
    }
    Error::text(message)
}
