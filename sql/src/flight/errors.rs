//! Errors on their way to a client: a code that its driver knows, and the words that the shell has for it.

use datafusion::error::DataFusionError;
use strata_connectors::ConnectorError;
use strata_engine::EngineError;
use tonic::{Code, Status};

use super::asides;
use super::caller::status_of_denied;
use crate::Error;
use crate::shell::Report;

/// Messages travel in headers, of which clients read a few thousand bytes.
const LONGEST: usize = 2000;

/// The status of an error.
pub(super) fn status(error: impl Into<Error>) -> Status {
    let error = error.into();
    if let Some(denied) = status_of_denied(&error) {
        return denied;
    }
    let report = Report::of(&error);
    let mut told = asides::of_error(&report.seams());
    if matches!(error, Error::NoTable { .. }) {
        asides::tell_no_table(&mut told);
    }
    Status::with_metadata(code(&error), short(report.line()), told)
}

/// The status of an error within a stream of rows.
pub(super) fn of_datafusion(error: DataFusionError) -> Status {
    match error {
        DataFusionError::External(source) => match source.downcast::<Status>() {
            Ok(status) => *status,
            Err(source) => status(DataFusionError::External(source)),
        },
        other => status(other),
    }
}

/// The status of what a client sent and nobody can read.
pub(super) fn malformed(what: &str, reason: impl std::fmt::Display) -> Status {
    Status::invalid_argument(short(format!("{what} makes no sense: {reason}")))
}

/// A message that fits into a header.
pub(super) fn short(mut message: String) -> String {
    if message.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

fn code(error: &Error) -> Code {
    match error {
        Error::Text { .. } => Code::InvalidArgument,
        Error::NoTable { .. } => Code::NotFound,
        Error::File { .. } => Code::FailedPrecondition,
        Error::Connector(error) => of_connector(error),
        Error::Engine(error) => of_engine(error),
    }
}

fn of_connector(error: &ConnectorError) -> Code {
    match error {
        ConnectorError::NoSuchFile { .. }
        | ConnectorError::NoSuchObject { .. }
        | ConnectorError::NothingMatches { .. } => Code::NotFound,
        ConnectorError::PermissionDenied { .. } => Code::PermissionDenied,
        ConnectorError::UnknownOption { .. }
        | ConnectorError::Option { .. }
        | ConnectorError::UnknownScheme { .. }
        | ConnectorError::Url { .. } => Code::InvalidArgument,
        ConnectorError::Store { .. } => Code::Unavailable,
        ConnectorError::DataFusion(inner) => of_inner(inner),
        _ => Code::FailedPrecondition,
    }
}

fn of_engine(error: &EngineError) -> Code {
    match error {
        EngineError::OutOfMemory(_) | EngineError::SpillSpace { .. } => Code::ResourceExhausted,
        EngineError::Pool(_) | EngineError::NotLetIn { .. } => Code::Unavailable,
        EngineError::SettingsFile { .. } | EngineError::Spill { .. } => Code::Internal,
        EngineError::DataFusion(inner) => of_inner(inner),
        _ => Code::InvalidArgument,
    }
}

fn of_inner(error: &DataFusionError) -> Code {
    if let Some(engine) = EngineError::find(error)
        && !matches!(engine, EngineError::DataFusion(_))
    {
        return of_engine(engine);
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Code::ResourceExhausted,
        DataFusionError::NotImplemented(_) => Code::Unimplemented,
        DataFusionError::Plan(_)
        | DataFusionError::SQL(..)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Configuration(_)
        | DataFusionError::Execution(_)
        | DataFusionError::ArrowError(..) => Code::InvalidArgument,
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Code::Unavailable,
        DataFusionError::External(source) => match source.downcast_ref::<ConnectorError>() {
            Some(error) if !matches!(error, ConnectorError::DataFusion(_)) => of_connector(error),
            _ => Code::Internal,
        },
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_codes_that_drivers_know() {
        let of = |error: DataFusionError| status(error).code();
        assert_eq!(of(DataFusionError::Plan("x".into())), Code::InvalidArgument);
        assert_eq!(of(DataFusionError::ResourcesExhausted("x".into())), Code::ResourceExhausted);
        let nested = DataFusionError::from(EngineError::OutOfMemory("x".into()));
        assert_eq!(of(nested.context("while sorting")), Code::ResourceExhausted);
        assert_eq!(status(EngineError::Pool("gone".into())).code(), Code::Unavailable);
        let own = DataFusionError::External(Box::new(Status::cancelled("enough")));
        assert_eq!(of_datafusion(own).code(), Code::Cancelled);
    }

    #[test]
    fn messages_fit_into_headers() {
        let long = short("ä".repeat(LONGEST));
        assert!(long.len() <= LONGEST + 3 && long.ends_with('…'));
    }
}
