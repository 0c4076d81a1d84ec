//! Errors on their way from one process to another: what kind they are, so that whoever hears of them
//! does what it would have done about its own.

use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;

use super::protocol::Trouble;
use super::worker::{CutOff, LostRows};
use crate::error::EngineError;

/// What kind of error it was. The numbers are the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Kind {
    Other = 0,
    Plan = 1,
    NotSupported = 2,
    Execution = 3,
    /// What Arrow says of values that cannot be read.
    Values = 4,
    Cast = 5,
    DivideByZero = 6,
    Overflow = 7,
    Compute = 8,
    Parquet = 9,
    Missing = 10,
    Store = 11,
    /// A disk or a network of one machine.
    Io = 12,
    /// Memory was refused.
    Memory = 13,
    Internal = 14,
    /// Another worker's rows could not be had.
    Lost = 15,
    /// An error of ours, which says all there is to say.
    Said = 16,
    /// A task broke down.
    Panic = 17,
}

impl Trouble {
    pub(super) fn of(error: &DataFusionError) -> Self {
        let lost = LostRows::find(error).map(|lost| lost.worker);
        let root = innermost(error);
        let (kind, message) = match root {
            _ if lost.is_some() => (Kind::Lost, root.to_string()),
            DataFusionError::External(error) if error.is::<CutOff>() => {
                (Kind::Lost, error.to_string())
            }
            DataFusionError::Plan(message) => (Kind::Plan, message.clone()),
            DataFusionError::NotImplemented(message) => (Kind::NotSupported, message.clone()),
            DataFusionError::Execution(message) => (Kind::Execution, message.clone()),
            DataFusionError::Internal(message) => (Kind::Internal, message.clone()),
            DataFusionError::ResourcesExhausted(message) => (Kind::Memory, message.clone()),
            DataFusionError::ParquetError(error) => (Kind::Parquet, inside(error)),
            DataFusionError::ArrowError(error, _) => match error.as_ref() {
                ArrowError::DivideByZero => (Kind::DivideByZero, String::new()),
                ArrowError::ArithmeticOverflow(message) => (Kind::Overflow, message.clone()),
                ArrowError::ComputeError(message) => (Kind::Compute, message.clone()),
                ArrowError::CastError(message) => (Kind::Cast, message.clone()),
                ArrowError::IoError(message, source) => {
                    (Kind::Io, said(source).unwrap_or_else(|| message.clone()))
                }
                ArrowError::ParseError(message) => (Kind::Values, message.clone()),
                other => (Kind::Values, other.to_string()),
            },
            DataFusionError::ObjectStore(error) => match error.as_ref() {
                object_store::Error::NotFound { path, .. } => (Kind::Missing, path.clone()),
                other => (Kind::Store, other.to_string()),
            },
            DataFusionError::IoError(error) => match said(error) {
                Some(message) => (Kind::Io, message),
                None => (Kind::Io, error.to_string()),
            },
            other => match EngineError::find(other) {
                Some(EngineError::SpillSpace { .. } | EngineError::Spill { .. }) => {
                    (Kind::Io, other.to_string())
                }
                Some(ours) => (Kind::Said, ours.to_string()),
                None => (Kind::Other, other.to_string()),
            },
        };
        Self { message, kind: kind as u32, lost }
    }

    /// Trouble of ours, with all there is to say.
    pub(super) fn said(message: String) -> Self {
        Self { message, kind: Kind::Said as u32, lost: None }
    }

    pub(super) fn panic(message: String) -> Self {
        Self { message, kind: Kind::Panic as u32, lost: None }
    }

    pub(super) fn what(&self) -> Kind {
        i32::try_from(self.kind)
            .ok()
            .and_then(|kind| Kind::try_from(kind).ok())
            .unwrap_or(Kind::Other)
    }

    /// As it was where it happened.
    pub(super) fn into_error(self) -> DataFusionError {
        let kind = self.what();
        let text = self.message;
        let arrow = |error: ArrowError| DataFusionError::ArrowError(Box::new(error), None);
        match kind {
            Kind::Plan => DataFusionError::Plan(text),
            Kind::NotSupported => DataFusionError::NotImplemented(text),
            Kind::Execution => DataFusionError::Execution(text),
            Kind::Values => arrow(ArrowError::ParseError(text)),
            Kind::Cast => arrow(ArrowError::CastError(text)),
            Kind::DivideByZero => arrow(ArrowError::DivideByZero),
            Kind::Overflow => arrow(ArrowError::ArithmeticOverflow(text)),
            Kind::Compute => arrow(ArrowError::ComputeError(text)),
            Kind::Parquet => DataFusionError::ParquetError(Box::new(ParquetError::General(text))),
            Kind::Missing => {
                let source = "no such object".into();
                let missing = object_store::Error::NotFound { path: text, source };
                DataFusionError::ObjectStore(Box::new(missing))
            }
            Kind::Store => DataFusionError::ObjectStore(Box::new(object_store::Error::Generic {
                store: "object store",
                source: text.into(),
            })),
            Kind::Memory => DataFusionError::ResourcesExhausted(text),
            Kind::Internal => DataFusionError::Internal(text),
            Kind::Other | Kind::Io | Kind::Lost | Kind::Said => {
                DataFusionError::from(EngineError::Pool(text))
            }
            Kind::Panic => DataFusionError::from(EngineError::Pool(format!(
                "a task broke down: {text}; this is a fault in Strata: please report it"
            ))),
        }
    }
}

/// The error beneath what was only wrapped around it.
fn innermost(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            innermost(inner)
        }
        DataFusionError::Collection(errors) => errors.first().map_or(error, innermost),
        DataFusionError::Shared(inner) => innermost(inner),
        DataFusionError::External(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => innermost(inner),
            None => match inner.downcast_ref::<Arc<DataFusionError>>() {
                Some(inner) => innermost(inner),
                None => error,
            },
        },
        other => other,
    }
}

fn inside(error: &ParquetError) -> String {
    match error {
        ParquetError::General(message) => message.clone(),
        other => other.to_string(),
    }
}

/// What an error of ours says that went through a writer.
fn said(error: &std::io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    inner.downcast_ref::<EngineError>().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_the_same_on_the_other_side() {
        let errors = [
            DataFusionError::Plan("no such thing".into()),
            DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None),
            DataFusionError::ArrowError(
                Box::new(ArrowError::CastError("'x' is no number".into())),
                None,
            ),
            DataFusionError::ResourcesExhausted("no memory".into()),
            DataFusionError::ParquetError(Box::new(ParquetError::General("Corrupt footer".into()))),
            DataFusionError::Execution("it failed".into()),
        ];
        for error in errors {
            let text = error.to_string();
            let wrapped = DataFusionError::Context("while reading".into(), Box::new(error));
            let shared = DataFusionError::Shared(Arc::new(wrapped));
            assert_eq!(Trouble::of(&shared).into_error().to_string(), text);
        }
    }

    #[test]
    fn a_lost_worker_is_found_beneath_everything() {
        let lost = LostRows { worker: 7, address: "a:1".into(), reason: "gone".into() };
        let error = DataFusionError::External(Box::new(lost));
        let shared = DataFusionError::Shared(Arc::new(error));
        let wrapped = DataFusionError::Context("build side".into(), Box::new(shared));
        let trouble = Trouble::of(&wrapped);
        assert_eq!((trouble.what(), trouble.lost), (Kind::Lost, Some(7)));
    }
}
