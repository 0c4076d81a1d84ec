//! Named credentials for object stores. A secret applies to every URL of its kind, or to the ones
//! its scope begins; the longest scope wins. Values never leave this module but to build a store.

mod options;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::error::{ConnectorError, Result};
pub(crate) use options::flag;

/// What a secret opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// Amazon S3 and whatever speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage and Data Lake.
    Azure,
    /// Web servers.
    Http,
}

impl SecretKind {
    /// The kind of secret that opens URLs of this scheme.
    pub(crate) fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" | "s3a" => Some(Self::S3),
            "gs" | "gcs" => Some(Self::Gcs),
            "az" | "azure" | "abfs" | "abfss" | "adl" => Some(Self::Azure),
            "http" | "https" => Some(Self::Http),
            _ => None,
        }
    }
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::Azure => "azure",
            Self::Http => "http",
        })
    }
}

impl FromStr for SecretKind {
    type Err = ConnectorError;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "s3" | "aws" | "s3a" => Ok(Self::S3),
            "gcs" | "gs" | "google" => Ok(Self::Gcs),
            "azure" | "az" | "abfss" => Ok(Self::Azure),
            "http" | "https" => Ok(Self::Http),
            _ => Err(ConnectorError::Option {
                option: "type".to_string(),
                reason: format!(
                    "there are no secrets of type '{text}'; use s3, gcs, azure or http"
                ),
            }),
        }
    }
}

/// One named set of credentials. Printed or listed, its values are hidden.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// What it opens.
    pub kind: SecretKind,
    /// The URLs it is for, by how they begin; all of its kind when none.
    pub scope: Option<String>,
    /// `key_id`, `secret`, `region` and the like.
    pub options: BTreeMap<String, String>,
}

impl Secret {
    /// A copy that may be shown.
    fn redacted(&self) -> Self {
        let options = self
            .options
            .iter()
            .map(|(name, value)| {
                let shown =
                    if options::is_public(name) { value.clone() } else { "***".to_string() };
                (name.clone(), shown)
            })
            .collect();
        Self { options, ..self.clone() }
    }

    /// How long the scope is that makes this secret apply to `url`; none where it does not apply.
    fn fit(&self, kind: SecretKind, url: &str) -> Option<usize> {
        if self.kind != kind {
            return None;
        }
        match &self.scope {
            None => Some(0),
            Some(scope) => {
                let scope = canonical(scope);
                url.starts_with(&scope).then_some(scope.len())
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.redacted();
        f.debug_struct("Secret")
            .field("name", &shown.name)
            .field("kind", &shown.kind)
            .field("scope", &shown.scope)
            .field("options", &shown.options)
            .finish()
    }
}

/// One spelling for each kind of store, so that a scope for `s3://` also holds for `s3a://`.
pub(crate) fn canonical(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "s3a" => "s3".to_string(),
        "gcs" => "gs".to_string(),
        "azure" | "adl" => "az".to_string(),
        "abfs" => "abfss".to_string(),
        other => other.to_string(),
    };
    format!("{scheme}://{rest}")
}

/// The secrets of a session.
#[derive(Debug, Default)]
pub struct Secrets {
    by_name: RwLock<BTreeMap<String, Secret>>,
    /// Grows with every change: stores built before are built again.
    generation: AtomicU64,
}

impl Secrets {
    /// Adds a secret; one of the same name is replaced only if `replace` says so.
    pub fn add(&self, secret: Secret, replace: bool) -> Result<()> {
        options::validate(&secret)?;
        if let Some(scope) = &secret.scope {
            check_scope(&secret, scope)?;
        }
        let mut by_name = self.by_name.write();
        if !replace && by_name.contains_key(&secret.name) {
            return Err(ConnectorError::Secret {
                name: secret.name,
                reason: "it exists already; use CREATE OR REPLACE SECRET, or DROP SECRET first"
                    .to_string(),
            });
        }
        by_name.insert(secret.name.clone(), secret);
        self.generation.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Forgets a secret.
    pub fn drop(&self, name: &str) -> Result<()> {
        let mut by_name = self.by_name.write();
        if by_name.remove(name).is_some() {
            self.generation.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        let hint = strata_engine::nearest(name, by_name.keys().map(String::as_str))
            .map(|close| format!(": did you mean '{close}'?"))
            .unwrap_or_default();
        Err(ConnectorError::Secret {
            name: name.to_string(),
            reason: format!("there is no secret of this name{hint}"),
        })
    }

    /// All secrets by name, their values hidden.
    pub fn list(&self) -> Vec<Secret> {
        self.by_name.read().values().map(Secret::redacted).collect()
    }

    /// The secret for a URL: the one with the longest scope that fits.
    pub(crate) fn matching(&self, kind: SecretKind, url: &str) -> Option<Secret> {
        let url = canonical(url);
        self.by_name
            .read()
            .values()
            .filter_map(|secret| Some((secret.fit(kind, &url)?, secret)))
            .max_by_key(|(length, _)| *length)
            .map(|(_, secret)| secret.clone())
    }

    /// The secrets of one kind whose scope lies below `root`, the URL of a bucket or host.
    pub(crate) fn below(&self, kind: SecretKind, root: &str) -> Vec<(String, Secret)> {
        let root = format!("{}/", canonical(root).trim_end_matches('/'));
        self.by_name
            .read()
            .values()
            .filter(|secret| secret.kind == kind)
            .filter_map(|secret| {
                let scope = canonical(secret.scope.as_deref()?);
                let folder = scope.strip_prefix(&root)?.to_string();
                (!folder.is_empty()).then(|| (folder, secret.clone()))
            })
            .collect()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

/// A scope must be a URL of the secret's kind, or it would never apply.
fn check_scope(secret: &Secret, scope: &str) -> Result<()> {
    let kind = scope
        .split_once("://")
        .and_then(|(scheme, _)| SecretKind::of_scheme(&scheme.to_ascii_lowercase()));
    if kind == Some(secret.kind) {
        return Ok(());
    }
    Err(ConnectorError::Secret {
        name: secret.name.clone(),
        reason: format!(
            "the scope '{scope}' is no {} URL; write one such as '{}'",
            secret.kind,
            match secret.kind {
                SecretKind::S3 => "s3://bucket/folder/",
                SecretKind::Gcs => "gs://bucket/folder/",
                SecretKind::Azure => "az://container/folder/",
                SecretKind::Http => "https://host/folder/",
            }
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, scope: Option<&str>) -> Secret {
        Secret {
            name: name.to_string(),
            kind: SecretKind::S3,
            scope: scope.map(str::to_string),
            options: [("key_id", "AKIA"), ("secret", "hush-hush"), ("region", "eu-west-1")]
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .into(),
        }
    }

    #[test]
    fn the_longest_scope_wins() {
        let secrets = Secrets::default();
        secrets.add(secret("all", None), false).unwrap();
        secrets.add(secret("bucket", Some("s3://data")), false).unwrap();
        secrets.add(secret("folder", Some("s3a://data/private/")), false).unwrap();
        let name = |url: &str| secrets.matching(SecretKind::S3, url).unwrap().name;
        assert_eq!(name("s3://other/x"), "all");
        assert_eq!(name("s3a://data/x"), "bucket");
        assert_eq!(name("s3://data/private/x"), "folder");
        assert!(secrets.matching(SecretKind::Gcs, "gs://data/x").is_none());
        let below = secrets.below(SecretKind::S3, "s3://data");
        assert_eq!(below.len(), 1);
        assert_eq!(below[0].0, "private/");
    }

    #[test]
    fn values_are_never_shown() {
        let secrets = Secrets::default();
        secrets.add(secret("mine", None), false).unwrap();
        let shown = format!("{secrets:?} {:?}", secrets.list());
        assert!(!shown.contains("hush") && !shown.contains("AKIA"), "{shown}");
        assert!(shown.contains("eu-west-1"), "{shown}");
        assert_eq!(secrets.list()[0].options["secret"], "***");
    }

    #[test]
    fn errors_name_the_way_out() {
        let secrets = Secrets::default();
        secrets.add(secret("mine", None), false).unwrap();
        let error = secrets.add(secret("mine", None), false).unwrap_err().to_string();
        assert!(error.contains("CREATE OR REPLACE"), "{error}");
        secrets.add(secret("mine", None), true).unwrap();
        let error = secrets.drop("mien").unwrap_err().to_string();
        assert!(error.contains("did you mean 'mine'?"), "{error}");
        let mut wrong = secret("other", None);
        wrong.options.insert("regin".to_string(), "x".to_string());
        let error = secrets.add(wrong, false).unwrap_err().to_string();
        assert!(error.contains("'regin'") && error.contains("'region'"), "{error}");
        let error = secrets.add(secret("x", Some("gs://b")), false).unwrap_err().to_string();
        assert!(error.contains("no s3 URL"), "{error}");
    }
}
