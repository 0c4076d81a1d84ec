//! Who may talk to a process of the pool: whoever has the token, or a certificate of the pool's.
//! Both ends are made from one [`Security`], so that what one sends is what the other asks for.

mod tls;
mod token;

use std::net::SocketAddr;

use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

pub use tls::Tls;
pub use token::Token;

use super::VERSION;
use crate::error::{EngineError, Result};

/// The header that says which version a caller is of.
const VERSION_HEADER: &str = "strata-version";
/// The header that holds the token.
const TOKEN_HEADER: &str = "authorization";

/// What a process shows to its peers, and asks of them.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// The secret all of a pool share.
    pub token: Option<Token>,
    /// Encryption, and with it certificates in place of a token.
    pub tls: Option<Tls>,
}

impl Security {
    /// Refuses to serve others than this machine's users where nobody would be asked for anything.
    pub(crate) fn allow_listening(&self, address: SocketAddr) -> Result<()> {
        let mutual = self.tls.as_ref().is_some_and(Tls::is_mutual);
        if self.token.is_some() || mutual || address.ip().is_loopback() {
            return Ok(());
        }
        Err(EngineError::Pool(format!(
            "{address} can be reached from other machines, and nothing guards it: give a token \
             (--token-file, or STRATA_TOKEN) or certificates (--tls-ca, --tls-cert, --tls-key), or \
             listen on 127.0.0.1"
        )))
    }

    pub(super) fn guard(&self) -> Guard {
        Guard { token: self.token.clone() }
    }

    pub(super) fn pass(&self) -> Pass {
        Pass { header: self.token.as_ref().and_then(Token::header) }
    }
}

/// Lets in who has the token and is of our version.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    token: Option<Token>,
}

impl Guard {
    fn look(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let shown = |name: &str| metadata.get(name).map(|value| value.as_bytes());
        if let Some(token) = &self.token
            && !shown(TOKEN_HEADER).is_some_and(|header| token.is_shown_by(header))
        {
            return Err(Status::unauthenticated("the token is missing, or another one"));
        }
        match metadata.get(VERSION_HEADER).and_then(|value| value.to_str().ok()) {
            Some(VERSION) => Ok(()),
            theirs => Err(Status::failed_precondition(format!(
                "this is Strata {VERSION}, and the caller is {}: all of a pool must be the same",
                theirs.map_or("something else".to_string(), |theirs| format!("Strata {theirs}"))
            ))),
        }
    }
}

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        self.look(request.metadata())?;
        Ok(request)
    }
}

/// Shows the token and our version.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    header: Option<tonic::metadata::AsciiMetadataValue>,
}

impl Interceptor for Pass {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.header {
            request.metadata_mut().insert(TOKEN_HEADER, header.clone());
        }
        let version = tonic::metadata::AsciiMetadataValue::from_static(VERSION);
        request.metadata_mut().insert(VERSION_HEADER, version);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(token: Option<&str>, version: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        if let Some(token) = token {
            request.metadata_mut().insert(TOKEN_HEADER, token.parse().unwrap());
        }
        if let Some(version) = version {
            request.metadata_mut().insert(VERSION_HEADER, version.parse().unwrap());
        }
        request
    }

    #[test]
    fn who_shows_the_token_and_is_of_our_version_is_let_in() {
        let security =
            Security { token: Some(Token::new("a-secret-of-twenty").unwrap()), tls: None };
        let mut guard = security.guard();
        let mine = security.pass().call(Request::new(())).unwrap();
        assert!(guard.call(mine).is_ok());
        for (token, version, code) in [
            (None, Some(VERSION), tonic::Code::Unauthenticated),
            (Some("Bearer another"), Some(VERSION), tonic::Code::Unauthenticated),
            (Some("Bearer a-secret-of-twent"), Some(VERSION), tonic::Code::Unauthenticated),
            (Some("a-secret-of-twenty"), Some(VERSION), tonic::Code::Unauthenticated),
            (Some("Bearer a-secret-of-twenty"), Some("0.0.1"), tonic::Code::FailedPrecondition),
            (Some("Bearer a-secret-of-twenty"), None, tonic::Code::FailedPrecondition),
        ] {
            let refused = guard.call(request(token, version)).unwrap_err();
            assert_eq!(refused.code(), code, "{token:?} {version:?}");
        }
        let refused =
            guard.call(request(Some("Bearer a-secret-of-twenty"), Some("0.0.1"))).unwrap_err();
        assert!(refused.message().contains("0.0.1") && refused.message().contains(VERSION));
    }

    #[test]
    fn nobody_listens_to_the_world_unguarded() {
        let open = Security::default();
        assert!(open.allow_listening("127.0.0.1:1".parse().unwrap()).is_ok());
        assert!(open.allow_listening("[::1]:1".parse().unwrap()).is_ok());
        let refused = open.allow_listening("0.0.0.0:1".parse().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("--token-file"), "{refused}");
        let guarded = Security { token: Some(Token::random()), tls: None };
        assert!(guarded.allow_listening("0.0.0.0:1".parse().unwrap()).is_ok());
    }
}
