//! What the server tells beside what Flight SQL has a place for, and our own shell reads: where the parts of an error
//! are, what a statement has to say, and how many rows a query has read. Other clients pass over it.

use arrow_flight::FlightInfo;
use prost::Message;
use prost::bytes::Bytes;
use strata_engine::Progress;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::shell::Seams;

/// The header of an error with the places of its parts.
const SEAMS: &str = "strata-error-parts";

/// An error's header.
pub(super) fn of_error(seams: &Seams) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    if let Ok(value) = seams.to_string().parse() {
        metadata.insert(SEAMS, value);
    }
    metadata
}

/// The places of the parts of an error, where it tells them.
pub(crate) fn seams(status: &Status) -> Option<Seams> {
    status.metadata().get(SEAMS)?.to_str().ok()?.parse().ok()
}

/// What a statement that is done has to say, for the first message of its rows.
pub(super) fn of_said(said: Option<String>) -> Bytes {
    said.unwrap_or_default().into()
}

/// What was said, as the first message has it.
pub(crate) fn said(told: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(told).ok()?;
    (!text.is_empty()).then(|| text.to_string())
}

/// How far a query is.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Far {
    /// The share that is done, where it is known.
    #[prost(double, optional, tag = "1")]
    pub(crate) fraction: Option<f64>,
    /// Rows that were read.
    #[prost(uint64, tag = "2")]
    pub(crate) rows: u64,
    /// Bytes that were read.
    #[prost(uint64, tag = "3")]
    pub(crate) bytes: u64,
}

impl Far {
    /// How far something is that runs here.
    pub(crate) fn of(progress: &Progress) -> Self {
        Self { fraction: progress.fraction(), rows: progress.rows(), bytes: progress.bytes() }
    }

    /// Puts it where a client that polls finds it.
    pub(super) fn within(self, info: FlightInfo) -> FlightInfo {
        info.with_app_metadata(self.encode_to_vec())
    }

    /// How far it is, as a client was told.
    pub(crate) fn told(info: &FlightInfo) -> Option<Self> {
        Self::decode(info.app_metadata.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_again() {
        let far = Far { fraction: Some(0.5), rows: 7, bytes: 1 << 40 };
        assert_eq!(Far::told(&far.within(FlightInfo::new())), Some(far));
        let seams = Seams { message: 12, at: None, hint: Some(20) };
        let status = Status::with_metadata(tonic::Code::Internal, "x", of_error(&seams));
        assert_eq!(super::seams(&status), Some(seams));
        assert_eq!(super::seams(&Status::internal("x")), None);
        assert_eq!(said(&of_said(Some("done".into()))).as_deref(), Some("done"));
        assert_eq!(said(&of_said(None)), None);
    }
}
