//! The secret that all processes of a pool share.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{EngineError, Result};

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;
/// What stands before a token in its header.
const BEARER: &str = "Bearer ";

/// A secret. It shows in no message.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl Token {
    /// Takes a text for a token: at least 16 characters that a header can carry.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        let reason = if text.len() < SHORTEST {
            Some(format!("it has {} characters, and a token needs {SHORTEST}", text.len()))
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Some("it has characters other than letters, digits and signs".to_string())
        } else {
            None
        };
        match reason {
            Some(reason) => Err(EngineError::Pool(format!("the token cannot be used: {reason}"))),
            None => Ok(Self(text.into())),
        }
    }

    /// Reads it from a file.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            EngineError::Pool(format!("token file '{}': {error}", path.display()))
        })?;
        Self::new(&text)
            .map_err(|error| EngineError::Pool(format!("token file '{}': {error}", path.display())))
    }

    /// One that nobody has had before.
    pub fn random() -> Self {
        let bytes: [[u8; 16]; 2] =
            [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()];
        Self(blake3::hash(bytes.as_flattened()).to_hex().as_str().into())
    }

    /// The secret itself, for handing it on to a process of ours.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn header(&self) -> Option<tonic::metadata::AsciiMetadataValue> {
        let mut value: tonic::metadata::AsciiMetadataValue =
            format!("{BEARER}{}", self.0).parse().ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether a header holds this token. What is wrong with another does not show in the time it
    /// takes to say so.
    pub fn is_shown_by(&self, header: &[u8]) -> bool {
        let Some(shown) = header.strip_prefix(BEARER.as_bytes()) else { return false };
        // Hashes compare in constant time.
        blake3::hash(shown) == blake3::hash(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_plain_and_secret() {
        assert!(Token::new("0123456789abcdef\n").is_ok());
        for bad in ["", "short", "a token with some spaces", "ein-schlüssel-mit-umlaut"] {
            let error = Token::new(bad).unwrap_err().to_string();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
        let token = Token::random();
        assert_ne!(token.reveal(), Token::random().reveal());
        assert!(!format!("{token:?}").contains(token.reveal()));
        assert!(token.is_shown_by(format!("Bearer {}", token.reveal()).as_bytes()));
    }
}
