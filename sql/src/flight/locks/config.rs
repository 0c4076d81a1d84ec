//! `serve.toml`: what `strata serve` is told once, in a file that people read. Names that mean nothing are errors.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use strata_engine::{ByteSize, FlightOptions, Span, Tls};
use toml::Spanned;

use crate::error::{Error, Result};
use crate::flight::caller::Role;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServeConfig {
    /// Where to listen, as in "0.0.0.0:50060".
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// A file of its own for roles and users.
    pub(crate) users: Option<PathBuf>,
    pub(crate) tls: Option<TlsConfig>,
    #[serde(default, rename = "role")]
    pub(crate) roles: Vec<RoleConfig>,
    #[serde(default, rename = "user")]
    pub(crate) own_users: Vec<UserConfig>,
    #[serde(default, rename = "token")]
    pub(crate) tokens: Vec<TokenConfig>,
    #[serde(default, rename = "certificate")]
    pub(crate) certificates: Vec<CertificateConfig>,
    pub(crate) oidc: Option<OidcConfig>,
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
    pub(crate) audit: Option<AuditConfig>,
    /// Where the file is, for messages and for the paths in it.
    #[serde(skip)]
    pub(crate) path: PathBuf,
    #[serde(skip)]
    text: String,
    /// The same of the file of users.
    #[serde(skip)]
    users_text: String,
}

/// Roles and users in a file of their own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    #[serde(default, rename = "role")]
    roles: Vec<RoleConfig>,
    #[serde(default, rename = "user")]
    users: Vec<UserConfig>,
}

/// Certificates: the server's, and whose it believes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    /// Callers must show a certificate of this authority.
    pub(crate) client_ca: Option<PathBuf>,
}

/// A role with lists of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleConfig {
    pub(crate) name: String,
    /// What it may do: reader, writer or admin.
    pub(crate) is: Role,
    pub(crate) schemas: Option<Vec<String>>,
    pub(crate) locations: Option<Vec<String>>,
}

/// Somebody with a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserConfig {
    pub(crate) name: Spanned<String>,
    /// As `strata passwd` prints it.
    pub(crate) password: Spanned<String>,
    pub(crate) role: Spanned<String>,
    pub(crate) schemas: Option<Vec<String>>,
    pub(crate) locations: Option<Vec<String>>,
    /// In the file of users, and not in this one.
    #[serde(skip)]
    elsewhere: bool,
}

/// A token that does not change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenConfig {
    pub(crate) name: Spanned<String>,
    /// The file that has it.
    pub(crate) file: Option<PathBuf>,
    /// Its BLAKE3 hash, as `strata passwd --token` prints it.
    pub(crate) hash: Option<String>,
    pub(crate) role: Spanned<String>,
    pub(crate) schemas: Option<Vec<String>>,
    pub(crate) locations: Option<Vec<String>>,
}

/// Who shows a certificate for this name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateConfig {
    /// A DNS name among the certificate's subject alternative names.
    pub(crate) name: Spanned<String>,
    pub(crate) role: Spanned<String>,
    pub(crate) schemas: Option<Vec<String>>,
    pub(crate) locations: Option<Vec<String>>,
}

/// Tokens of an identity provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcConfig {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// The file or the URL of its keys.
    pub(crate) jwks: String,
    /// Which claim is the name.
    #[serde(default = "name_claim")]
    pub(crate) name_claim: String,
    /// Which claim tells the role; with dots, one within others.
    #[serde(default = "role_claim")]
    pub(crate) role_claim: String,
    /// Which of its values is which role. The first that fits counts.
    #[serde(default, rename = "grant")]
    pub(crate) grants: Vec<GrantConfig>,
    /// How far clocks may differ.
    #[serde(default = "leeway", deserialize_with = "time")]
    pub(crate) leeway: Duration,
}

/// A role for a value of a claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantConfig {
    pub(crate) value: String,
    pub(crate) role: Spanned<String>,
}

/// How much one may ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsConfig {
    /// Requests a second of one user, and twice as many at once; 0 is as many as there are.
    pub(crate) requests: u32,
    /// Queries of one user at a time; 0 is as many as there are.
    pub(crate) queries: u32,
    /// The largest message that is taken.
    #[serde(deserialize_with = "written")]
    pub(crate) message: ByteSize,
    /// `flight.idle`: a session that nobody asked anything for as long is over, and so is its bearer token.
    #[serde(deserialize_with = "some_written")]
    pub(crate) idle: Option<Span>,
    /// The longest that a bearer token of a handshake is good for.
    #[serde(deserialize_with = "time")]
    pub(crate) session: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests: 0,
            queries: 0,
            // A chunk of 256 MiB, and what goes with it.
            message: ByteSize(272 << 20),
            idle: None,
            session: Duration::from_secs(24 * 3600),
        }
    }
}

/// The log of who asked what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditConfig {
    pub(crate) file: PathBuf,
    /// How much of a text is kept.
    #[serde(default = "audit_text")]
    pub(crate) text: usize,
}

/// How long bearer tokens are good for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    pub(crate) idle: Duration,
    pub(crate) longest: Duration,
}

impl Lifetimes {
    pub(crate) fn of(config: &ServeConfig) -> Self {
        let idle = config.limits.idle.unwrap_or(FlightOptions::default().idle);
        Self { idle: idle.limit().unwrap_or(Duration::MAX), longest: config.limits.session }
    }
}

fn name_claim() -> String {
    "sub".to_string()
}

fn role_claim() -> String {
    "roles".to_string()
}

fn leeway() -> Duration {
    Duration::from_secs(60)
}

fn audit_text() -> usize {
    4096
}

/// What is written as a text: a length of time, a size.
fn written<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}

fn some_written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Span>, D::Error> {
    written(from).map(Some)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    written(from).map(|span: Span| span.0)
}

impl ServeConfig {
    /// Reads a file, and the file of users that it names.
    pub(crate) fn from_file(path: &Path) -> Result<Self> {
        let mut config = Self::parse(path, read(path)?)?;
        if let Some(users) = &config.users {
            let users = config.at(users);
            let text = read(&users)?;
            let file: UsersFile = toml::from_str(&text).map_err(|error| refuse(&users, error))?;
            config.users_text = text;
            config.roles.extend(file.roles);
            let mark = |user: UserConfig| UserConfig { elsewhere: true, ..user };
            config.own_users.extend(file.users.into_iter().map(mark));
        }
        Ok(config)
    }

    /// Reads a text, which stands in a file.
    pub(crate) fn parse(path: &Path, text: String) -> Result<Self> {
        let config: Self = toml::from_str(&text).map_err(|error| refuse(path, error))?;
        Ok(Self { path: path.to_path_buf(), text, ..config })
    }

    /// A path of the file: it is told from where the file is.
    pub(crate) fn at(&self, path: &Path) -> PathBuf {
        match self.path.parent() {
            Some(folder) => folder.join(path),
            None => path.to_path_buf(),
        }
    }

    /// The certificates of the server.
    pub(crate) fn tls(&self) -> Result<Option<Tls>> {
        let Some(tls) = &self.tls else { return Ok(None) };
        let (cert, key) = (self.at(&tls.cert), self.at(&tls.key));
        let authority = tls.client_ca.as_ref().map(|path| self.at(path));
        Ok(Some(Tls::from_files(authority.as_deref(), Some((&cert, &key)), None)?))
    }

    /// Something in the file that makes no sense, with the line of it.
    pub(crate) fn wrong<T>(&self, what: &Spanned<T>, reason: impl std::fmt::Display) -> Error {
        self.wrong_in(&self.path, &self.text, what, reason)
    }

    /// The same of a user, wherever it is written.
    pub(crate) fn wrong_user<T>(
        &self,
        user: &UserConfig,
        what: &Spanned<T>,
        reason: impl std::fmt::Display,
    ) -> Error {
        match (&self.users, user.elsewhere) {
            (Some(users), true) => self.wrong_in(&self.at(users), &self.users_text, what, reason),
            _ => self.wrong(what, reason),
        }
    }

    fn wrong_in<T>(
        &self,
        path: &Path,
        text: &str,
        what: &Spanned<T>,
        reason: impl std::fmt::Display,
    ) -> Error {
        let before = text.get(..what.span().start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        refuse(path, format!("line {line}: {reason}"))
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| refuse(path, error))
}

pub(crate) fn refuse(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::File { path: path.display().to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ServeConfig> {
        ServeConfig::parse(Path::new("/etc/strata/serve.toml"), text.to_string())
    }

    #[test]
    fn a_file_says_it_all() {
        let config = parse(
            r#"
            listen = "127.0.0.1:50060"
            [tls]
            cert = "cert.pem"
            key = "/keys/key.pem"
            [[role]]
            name = "analyst"
            is = "reader"
            schemas = ["public"]
            locations = ["/data/"]
            [[user]]
            name = "ann"
            password = "$argon2id$x"
            role = "analyst"
            [limits]
            requests = 50
            message = "64MiB"
            idle = "10min"
            [audit]
            file = "audit.jsonl"
            "#,
        )
        .unwrap();
        assert_eq!(config.limits.message, ByteSize(64 << 20));
        assert_eq!(Lifetimes::of(&config).idle, Duration::from_secs(600));
        assert_eq!(config.limits.session, Duration::from_secs(86_400));
        assert_eq!(config.at(Path::new("cert.pem")), Path::new("/etc/strata/cert.pem"));
        assert_eq!(config.at(Path::new("/keys/key.pem")), Path::new("/keys/key.pem"));
        assert_eq!(config.audit.unwrap().text, 4096);
    }

    #[test]
    fn what_means_nothing_is_named_with_its_line() {
        for (text, parts) in [
            ("lisen = \"127.0.0.1:1\"", vec!["line 1", "lisen", "listen"]),
            ("\n[limits]\nquerys = 3", vec!["line 3", "querys", "queries"]),
            ("[limits]\nidle = \"10 fortnights\"", vec!["line 2", "length of time"]),
            ("[limits]\nidle = \"99999999999999d\"", vec!["line 2", "length of time"]),
            ("[limits]\nmessage = \"many\"", vec!["line 2", "many"]),
            ("listen = \"everywhere\"", vec!["line 1", "address"]),
            ("[[role]]\nname = \"a\"\nis = \"king\"", vec!["line 3", "king", "reader"]),
            ("[[user]]\nname = \"a\"", vec!["password"]),
            ("[tls]\ncert = \"a\"", vec!["key"]),
            ("listen = ", vec!["line 1"]),
        ] {
            let error = parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{text}: {error}");
            }
            assert!(error.contains("serve.toml"), "{error}");
        }
    }
}
