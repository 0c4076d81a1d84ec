//! What a request shows of who sends it.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tonic::codegen::http::{Extensions, HeaderMap};
use tonic::metadata::MetadataMap;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Code, Status};

const AUTHORIZATION: &str = "authorization";
/// Longer ones are not looked at.
const LONGEST: usize = 16 << 10;

/// What a request shows.
pub(super) struct Shown {
    authorization: Option<String>,
    /// The certificate of the connection, which was checked against the authority.
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) peer: Option<SocketAddr>,
}

impl Shown {
    pub(super) fn of_request(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let plain = extensions.get::<TcpConnectInfo>();
        let secure = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
        let peer =
            plain.or(secure.map(TlsConnectInfo::get_ref)).and_then(TcpConnectInfo::remote_addr);
        let certificates = secure.and_then(TlsConnectInfo::peer_certs);
        let certificate = certificates.and_then(|all| Some(all.first()?.as_ref().to_vec()));
        // Two are none: who reads the other than we do would see somebody else.
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let one = all.next().filter(|_| all.next().is_none());
        let authorization = one.and_then(|value| value.to_str().ok()).map(str::to_string);
        Self { authorization, certificate, peer }
    }

    pub(super) fn of_metadata(metadata: &MetadataMap, peer: Option<SocketAddr>) -> Self {
        let headers = metadata.clone().into_headers();
        Self { peer, ..Self::of_request(&headers, &Extensions::new()) }
    }

    /// What follows one of the two words, in any case.
    fn after(&self, word: &str) -> Option<&str> {
        let text = self.authorization.as_deref().filter(|text| text.len() <= LONGEST)?;
        let (first, rest) = text.split_once(' ')?;
        first.eq_ignore_ascii_case(word).then(|| rest.trim())
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.after("Bearer").filter(|token| !token.is_empty())
    }

    /// A name and a password.
    pub(super) fn basic(&self) -> Result<Option<(String, String)>, Status> {
        let Some(text) = self.after("Basic") else { return Ok(None) };
        let unclear = || {
            Status::new(
                Code::Unauthenticated,
                "the Basic header cannot be read: it is name:password in base64",
            )
        };
        let bytes = STANDARD.decode(text).map_err(|_| unclear())?;
        let text = String::from_utf8(bytes).map_err(|_| unclear())?;
        let (name, password) = text.split_once(':').ok_or_else(unclear)?;
        Ok(Some((name.to_string(), password.to_string())))
    }

    /// Who it claims to be, where it claims that.
    pub(super) fn name(&self) -> Option<String> {
        self.basic().ok().flatten().map(|(name, _)| name)
    }
}
