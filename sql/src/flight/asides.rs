//! What the server tells beside what Flight SQL has a place for, and our own shell reads: where the parts of an error
//! are, what a statement has to say, how many rows a query has read, and that a session has ended. Other clients pass
//! over it, and what other servers have in these places is theirs.

use arrow_flight::FlightInfo;
use prost::Message;
use prost::bytes::Bytes;
use strata_engine::Progress;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};

use crate::shell::Seams;

/// The header of an error with the places of its parts.
const SEAMS: &str = "strata-error-parts";
/// The header of an error that says no more than that there is no such table.
const NO_TABLE: &str = "strata-no-table";
/// The header with which a client wants its request done in the session that it has set up or not at all, and with
/// which it is told that this session has ended.
const SESSION: &str = "strata-session";
const SAME: &str = "same";
const ENDED: &str = "ended";
/// What our own bytes begin with.
const OURS: &[u8] = b"strata:";

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

/// Notes in an error's header that it is about a table that is not there.
pub(super) fn tell_no_table(metadata: &mut MetadataMap) {
    metadata.insert(NO_TABLE, AsciiMetadataValue::from_static("1"));
}

/// Whether an error says no more than that there is no such table. Of files our server has more to say.
pub(crate) fn is_no_table(status: &Status) -> bool {
    let is_foreign = seams(status).is_none() && !has_ended(status);
    status.metadata().contains_key(NO_TABLE) || (is_foreign && status.code() == Code::NotFound)
}

/// Wants a request done in the session that its cookie names, and in no new one.
pub(crate) fn want_same(metadata: &mut MetadataMap) {
    metadata.insert(SESSION, AsciiMetadataValue::from_static(SAME));
}

/// Whether a request is to be done in no new session.
pub(crate) fn wants_same(metadata: &MetadataMap) -> bool {
    metadata.get(SESSION).is_some_and(|value| value == SAME)
}

/// Refuses what would be done in a new session.
pub(crate) fn ended() -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(SESSION, AsciiMetadataValue::from_static(ENDED));
    let why = "this session has ended, and what ran in it: it was closed, nobody used it for too long [flight.idle], \
               or the server was started again; ask again for a new one";
    Status::with_metadata(Code::FailedPrecondition, why, metadata)
}

/// Whether nothing was done, as the session has ended.
pub(crate) fn has_ended(status: &Status) -> bool {
    status.metadata().get(SESSION).is_some_and(|value| value == ENDED)
}

/// What a statement that is done has to say, for the first message of its rows.
pub(super) fn of_said(said: Option<String>) -> Bytes {
    said.map(|said| ours(said.as_bytes())).unwrap_or_default()
}

/// What was said, as the first message has it.
pub(crate) fn said(told: &Bytes) -> Option<String> {
    std::str::from_utf8(told.strip_prefix(OURS)?).ok().map(str::to_string)
}

fn ours(bytes: &[u8]) -> Bytes {
    [OURS, bytes].concat().into()
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
        info.with_app_metadata(ours(&self.encode_to_vec()))
    }

    /// How far it is, as a client was told.
    pub(crate) fn told(info: &FlightInfo) -> Option<Self> {
        Self::decode(info.app_metadata.strip_prefix(OURS)?).ok()
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

    #[test]
    fn what_other_servers_tell_is_theirs() {
        assert_eq!(said(&Bytes::from_static(b"page 1 of 7")), None);
        let far = Far { fraction: None, rows: 7, bytes: 1 };
        let theirs = FlightInfo::new().with_app_metadata(far.encode_to_vec());
        assert_eq!(Far::told(&theirs), None);
        assert!(is_no_table(&Status::not_found("what?")));
        let of_file = Status::with_metadata(
            Code::NotFound,
            "no file",
            of_error(&Seams { message: 7, at: None, hint: None }),
        );
        assert!(!is_no_table(&of_file) && !is_no_table(&Status::internal("broken")));
        assert!(has_ended(&ended()) && !has_ended(&Status::failed_precondition("x")));
    }
}
