//! The public keys of an identity provider: a JSON Web Key Set ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)) in a
//! file or at a URL. It is read again when it is old, or when a token names a key that is not in it, and not more often
//! than the provider can bear.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use url::{Host, Url};

/// Keys are fetched again after this.
const OLD: Duration = Duration::from_secs(3600);
/// And not used any more after this, where they cannot be.
const TOO_OLD: Duration = Duration::from_secs(24 * 3600);
/// Whatever tokens ask for, it is not done more often.
const APART: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);
/// No set has more bytes, and no more keys are looked at.
const LARGEST: usize = 1 << 20;
const MOST: usize = 256;

/// How tokens may be signed. There is none without a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    Rs256,
    Es256,
    EdDsa,
}

impl Signed {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A key, as a set has it.
#[derive(Debug, Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WrittenSet {
    keys: Vec<serde_json::Value>,
}

/// A key that can be used.
#[derive(Debug, Clone)]
pub(super) struct Key {
    id: Option<String>,
    signed: Signed,
    public: Public,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point, as ring takes it.
    Point(Vec<u8>),
}

impl Key {
    fn new(written: Written) -> Option<Self> {
        if written.r#use.as_deref().is_some_and(|what| what != "sig") {
            return None;
        }
        let bytes = |text: &Option<String>| {
            let text = text.as_deref().filter(|text| text.len() <= 2048)?;
            URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
        };
        let number = |text: &Option<String>| {
            let bytes = bytes(text)?;
            let first = bytes.iter().position(|byte| *byte != 0)?;
            bytes.get(first..).map(<[u8]>::to_vec)
        };
        let exactly = |text: &Option<String>| bytes(text).filter(|bytes| bytes.len() == 32);
        let (signed, public) = match (written.kty.as_str(), written.crv.as_deref()) {
            ("RSA", _) => {
                (Signed::Rs256, Public::Rsa { n: number(&written.n)?, e: number(&written.e)? })
            }
            ("EC", Some("P-256")) => {
                let point = [vec![4], exactly(&written.x)?, exactly(&written.y)?].concat();
                (Signed::Es256, Public::Point(point))
            }
            ("OKP", Some("Ed25519")) => (Signed::EdDsa, Public::Point(exactly(&written.x)?)),
            _ => return None,
        };
        // A key for another algorithm is not used for this one.
        let fits = written.alg.as_deref().is_none_or(|alg| Signed::from_name(alg) == Some(signed));
        fits.then_some(Self { id: written.kid, signed, public })
    }

    /// Whether a text was signed by whoever has the other half.
    pub(super) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        let checked = match (&self.public, self.signed) {
            (Public::Rsa { n, e }, Signed::Rs256) => RsaPublicKeyComponents { n, e }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                text,
                signature,
            ),
            (Public::Point(point), Signed::Es256) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                    .verify(text, signature)
            }
            (Public::Point(point), Signed::EdDsa) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(text, signature)
            }
            _ => return false,
        };
        checked.is_ok()
    }
}

/// Reads a set. Keys of other kinds, as for encryption, are passed over.
fn parse(bytes: &[u8]) -> Result<Vec<Key>, String> {
    let set: WrittenSet = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is no JSON Web Key Set: {error}"))?;
    let written =
        set.keys.into_iter().take(MOST).filter_map(|key| serde_json::from_value(key).ok());
    let keys: Vec<Key> = written.filter_map(Key::new).collect();
    match keys.is_empty() {
        true => Err("it has no key for RS256, ES256 or EdDSA".to_string()),
        false => Ok(keys),
    }
}

/// Where a set comes from.
#[derive(Debug)]
enum From {
    File(PathBuf),
    Web(Box<reqwest::Client>, Url),
}

impl From {
    async fn read(&self) -> Result<Vec<Key>, String> {
        match self {
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path));
                read.await.map_err(|error| error.to_string())?
            }
            Self::Web(client, url) => parse(&fetch(client, url).await?),
        }
    }
}

fn read_file(path: &std::path::Path) -> Result<Vec<Key>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST as u64 {
        return Err(format!("it has {size} bytes: a key set has no more than {LARGEST}"));
    }
    parse(&std::fs::read(path).map_err(|error| error.to_string())?)
}

async fn fetch(client: &reqwest::Client, url: &Url) -> Result<Vec<u8>, String> {
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("the server answers {}", answer.status()));
    }
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + part.len() > LARGEST {
            return Err(format!("it has more than {LARGEST} bytes"));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

#[derive(Debug, Default)]
struct Now {
    keys: Arc<Vec<Key>>,
    read: Option<Instant>,
    tried: Option<Instant>,
}

/// The keys, as they are now.
#[derive(Debug)]
pub(super) struct Jwks {
    from: From,
    now: RwLock<Now>,
    /// Who reads them again; others wait for that, and do not do it once more.
    reads: tokio::sync::Mutex<()>,
    apart: Duration,
}

impl Jwks {
    /// The set of a file, which is read at once, or of a URL, which is not.
    pub(super) fn open(place: &str, path: impl FnOnce(&str) -> PathBuf) -> Result<Self, String> {
        let (from, now) = match Url::parse(place) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                if url.scheme() == "http" && !is_here(&url) {
                    return Err("keys that come unencrypted from another machine are anybody's: write https://".to_string());
                }
                let client = reqwest::Client::builder()
                    .timeout(TIMEOUT)
                    .redirect(reqwest::redirect::Policy::none())
                    .build()
                    .map_err(|error| error.to_string())?;
                (From::Web(Box::new(client), url), Now::default())
            }
            _ => {
                let path = path(place.strip_prefix("file://").unwrap_or(place));
                let keys =
                    read_file(&path).map_err(|error| format!("'{}': {error}", path.display()))?;
                let now = Instant::now();
                let keys = Arc::new(keys);
                (From::File(path), Now { keys, read: Some(now), tried: Some(now) })
            }
        };
        Ok(Self { from, now: RwLock::new(now), reads: tokio::sync::Mutex::default(), apart: APART })
    }

    fn known(&self, id: Option<&str>, signed: Signed) -> Option<Key> {
        let now = self.now.read();
        if now.read.is_none_or(|read| read.elapsed() > TOO_OLD) {
            return None;
        }
        let mut fits = now.keys.iter().filter(|key| key.signed == signed);
        match id {
            Some(id) => fits.find(|key| key.id.as_deref() == Some(id)).cloned(),
            // Where there are several, one has to be named.
            None => fits.next().filter(|_| fits.next().is_none()).cloned(),
        }
    }

    fn is_old(&self) -> bool {
        self.now.read().read.is_none_or(|read| read.elapsed() > OLD)
    }

    fn may_read(&self) -> bool {
        self.now.read().tried.is_none_or(|tried| tried.elapsed() >= self.apart)
    }

    /// The key that a token names. An error says why the keys cannot be had.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        signed: Signed,
    ) -> Result<Option<Key>, String> {
        let known = self.known(id, signed);
        if known.is_some() && !self.is_old() || !self.may_read() {
            return Ok(known);
        }
        let _reads = self.reads.lock().await;
        if !self.may_read() {
            return Ok(self.known(id, signed));
        }
        self.now.write().tried = Some(Instant::now());
        match self.from.read().await {
            Ok(keys) => {
                let mut now = self.now.write();
                now.keys = Arc::new(keys);
                now.read = Some(Instant::now());
                drop(now);
                Ok(self.known(id, signed))
            }
            // What is known goes on being good for a while.
            Err(_) if known.is_some() => Ok(known),
            Err(error) => Err(error),
        }
    }

    #[cfg(test)]
    pub(super) fn without_pause(mut self) -> Self {
        self.apart = Duration::ZERO;
        self
    }
}

/// Whether a URL is this machine's.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
