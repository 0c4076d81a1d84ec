//! What a person is told when a server, or the way to it, fails.

use std::error::Error as StdError;

use tonic::{Code, Status};

use super::{Address, Link, Login};
use crate::error::{Error, Location};
use crate::flight::asides;

/// Whether a failure is of the connection, and not what the server said.
pub(super) fn is_lost(status: &Status) -> bool {
    let said_here = StdError::source(status).is_some();
    said_here && !matches!(status.code(), Code::OutOfRange | Code::InvalidArgument)
}

/// What the error at the bottom says.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

impl Link {
    /// A failure as a person reads it. Places are told within the statement that was sent; `before` is what stands in
    /// front of it in the text that the person wrote.
    pub(super) fn trouble(&self, status: &Status, before: &str) -> Error {
        let was_open = self.known.lock().was_open;
        let error = error(&self.address, was_open, status, before);
        match (status.code(), &self.login) {
            (Code::Unauthenticated, Login::Nobody) => error.hint(
                "--user NAME asks for a password; --token-file and STRATA_TOKEN show a token",
            ),
            _ => error,
        }
    }
}

fn error(address: &Address, was_open: bool, status: &Status, before: &str) -> Error {
    if is_lost(status) {
        return lost(address, was_open, status);
    }
    if let Some(seams) = asides::seams(status) {
        return moved(seams.part(status.message()), before);
    }
    Error::text(match status.message() {
        "" => format!("the server says no more than '{}'", status.code()),
        said => said.to_string(),
    })
}

fn lost(address: &Address, was_open: bool, status: &Status) -> Error {
    let reason = match StdError::source(status) {
        Some(source) => innermost(source),
        None => status.message().to_string(),
    };
    let lower = reason.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (what, hint) = if says(&["unknownissuer", "unknown issuer"]) {
        ("is not believed", "give the authority of its certificate with --tls-ca")
    } else if says(&["notvalidforname", "not valid for name"]) {
        ("is not believed", "--tls-name says which name its certificate is for")
    } else if says(&["refused", "lookup", "timed out", "elapsed"]) {
        ("is not there", "look whether 'strata serve' runs there, and at the port")
    } else if !was_open || says(&["certificate", "tls", "corrupt message"]) {
        (
            "cannot be spoken to",
            "grpc+tls:// speaks TLS, and grpc:// does not; --tls-cert shows a certificate",
        )
    } else {
        let hint =
            "the next statement connects again; whether this one was carried out is not known";
        return Error::text(format!(
            "the connection to the server at {address} was lost: {reason}"
        ))
        .hint(hint);
    };
    Error::text(format!("the server at {address} {what}: {reason}")).hint(hint)
}

/// The same error, its place told within a longer text.
fn moved(error: Error, before: &str) -> Error {
    let Error::Text { message, at: Some(at), hint } = error else { return error };
    let lines = before.matches('\n').count() as u64;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = match at.line {
        1 => at.column.saturating_add(last.chars().count() as u64),
        _ => at.column,
    };
    let at = Location { line: at.line.saturating_add(lines), column };
    Error::Text { message, at: Some(at), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_in_the_text_that_was_written() {
        let error = |line, column| Error::Text {
            message: "no".into(),
            at: Some(Location { line, column }),
            hint: None,
        };
        let at = |error: Error| error.location().map(|at| (at.line, at.column));
        assert_eq!(at(moved(error(1, 3), "SELECT 1;\n  ")), Some((2, 5)));
        assert_eq!(at(moved(error(2, 3), "SELECT 1; ")), Some((2, 3)));
        assert_eq!(at(moved(error(1, 3), "")), Some((1, 3)));
    }

    #[test]
    fn what_a_server_says_is_not_a_lost_connection() {
        let address: Address = "grpc://localhost:1".parse().unwrap();
        let said = error(&address, true, &Status::unavailable("the store is away"), "");
        assert_eq!(said.to_string(), "the store is away");
        let none = error(&address, true, &Status::new(Code::Internal, ""), "");
        assert!(none.to_string().contains("says no more"), "{none}");
    }
}
