//! The stores behind URLs: built when first asked for, kept until a secret changes, and exchanged
//! for a staging one while a write is not yet committed.

mod aside;
mod build;
mod fenced;
mod local_stage;
mod locations;
mod ranges;
mod routed;
mod staged;
mod whole_file;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::Result as DataFusionResult;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use parking_lot::Mutex;
use url::{Position, Url};

use crate::error::{ConnectorError, Result};
use crate::files::location::Location;
use crate::secrets::{SecretKind, Secrets};
pub(crate) use aside::AsideStore;
pub(crate) use fenced::{Fence, Guard};
pub(crate) use locations::Access;
pub use locations::{Locations, NotAllowed};
pub(crate) use staged::StagedStore;
pub(crate) use whole_file::WholeFile;
use {ranges::WholeWhenNoRanges, routed::RoutedStore};

/// The schemes with a store, for messages.
const SCHEMES: &[&str] =
    &["file", "s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "http", "https"];

/// A store, and the generation of the secrets it was built from.
type Built = (u64, Arc<dyn ObjectStore>);

/// The stores of a session.
#[derive(Debug)]
pub(crate) struct Stores {
    /// What several sessions have together, each within its fence.
    all: Arc<All>,
    fence: Fence,
    /// Of writes under way, by their URL scheme.
    writes: Mutex<HashMap<String, Arc<StagedStore>>>,
}

/// Stores without a fence.
#[derive(Debug)]
struct All {
    secrets: Arc<Secrets>,
    local: Arc<dyn ObjectStore>,
    /// By bucket or host.
    built: Mutex<HashMap<String, Built>>,
    /// Registered by hand: these win.
    registered: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Stores {
    pub(crate) fn new(secrets: Arc<Secrets>, fence: Fence) -> Self {
        let all = All {
            secrets,
            local: Arc::new(LocalFileSystem::new()),
            built: Mutex::default(),
            registered: Mutex::default(),
        };
        Self { all: Arc::new(all), fence, writes: Mutex::default() }
    }

    /// The same stores, of which no more than these places may be used.
    pub(crate) fn within(&self, locations: &Locations) -> Self {
        let fence = self.fence.within(locations);
        Self { all: Arc::clone(&self.all), fence, writes: Mutex::default() }
    }

    /// Refuses what a person wrote, before anything is looked up.
    pub(crate) fn admit(&self, location: &Location) -> Result<()> {
        Ok(self.fence.admit(location)?)
    }

    /// Refuses a URL that is not to be written to.
    pub(crate) fn admit_write(&self, url: &Url) -> Result<()> {
        let unusable = |error: object_store::path::Error| ConnectorError::Url {
            url: url.to_string(),
            reason: error.to_string(),
        };
        let path = Path::from_url_path(url.path()).map_err(unusable)?;
        Ok(self.fence.check(url, &path, Access::Write)?)
    }

    /// Whether everything may be used.
    pub(crate) fn are_open(&self) -> bool {
        self.fence.is_open()
    }

    /// What asks before a file of a URL's store is used.
    pub(crate) fn guard(&self, url: &Url) -> Guard {
        self.fence.guard(url)
    }

    /// The store of `url`, whatever its path.
    pub(crate) fn get(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if let Some(staged) = self.writes.lock().get(url.scheme()) {
            return Ok(Arc::clone(staged) as Arc<dyn ObjectStore>);
        }
        Ok(self.fence.around(url, self.all.get(url)?))
    }

    /// Makes `store` the one behind `scheme://` until [`Self::end_write`].
    pub(crate) fn begin_write(&self, scheme: String, store: Arc<StagedStore>) {
        self.writes.lock().insert(scheme, store);
    }

    pub(crate) fn end_write(&self, scheme: &str) {
        self.writes.lock().remove(scheme);
    }
}

impl All {
    fn get(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let scheme = url.scheme();
        let key = key(url);
        if let Some(store) = self.registered.lock().get(&key) {
            return Ok(Arc::clone(store));
        }
        if scheme == "file" {
            return Ok(Arc::clone(&self.local));
        }
        let Some(kind) = SecretKind::of_scheme(scheme) else {
            let hint = strata_engine::nearest(scheme, SCHEMES.iter().copied())
                .map(|close| format!(": did you mean '{close}://'?"))
                .unwrap_or_default();
            return Err(ConnectorError::UnknownScheme {
                url: url.to_string(),
                scheme: scheme.to_string(),
                hint,
            });
        };
        let generation = self.secrets.generation();
        if let Some((built, store)) = self.built.lock().get(&key)
            && *built == generation
        {
            return Ok(Arc::clone(store));
        }
        let store = self.open(kind, &key)?;
        self.built.lock().insert(key, (generation, Arc::clone(&store)));
        Ok(store)
    }

    fn open(&self, kind: SecretKind, root: &str) -> Result<Arc<dyn ObjectStore>> {
        let secret = self.secrets.matching(kind, &format!("{root}/"));
        let mut store = build::build(kind, root, secret.as_ref())?;
        let below = self.secrets.below(kind, root);
        if !below.is_empty() {
            let routes = below
                .into_iter()
                .map(|(folder, secret)| Ok((folder, build::build(kind, root, Some(&secret))?)))
                .collect::<Result<Vec<_>>>()?;
            store = Arc::new(RoutedStore::new(routes, store));
        }
        if kind == SecretKind::Http {
            store = Arc::new(WholeWhenNoRanges::new(store));
        }
        Ok(store)
    }
}

impl ObjectStoreRegistry for Stores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.all.registered.lock().insert(key(url), store)
    }

    fn deregister_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        self.all.registered.lock().remove(&key(url)).ok_or_else(|| {
            ConnectorError::Url {
                url: url.to_string(),
                reason: "no store was registered for it".to_string(),
            }
            .into()
        })
    }

    fn get_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        Ok(self.get(url)?)
    }
}

/// `scheme://authority`; the user part stays: in Azure's URLs it is the container.
fn key(url: &Url) -> String {
    url[..Position::BeforePath].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn stores_are_kept_until_a_secret_changes() {
        let secrets = Arc::new(Secrets::default());
        let stores = Stores::new(Arc::clone(&secrets), Fence::default());
        let first = stores.get(&url("s3://bucket/a")).unwrap();
        let again = stores.get(&url("s3://bucket/b")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let secret = Secret {
            name: "x".to_string(),
            kind: SecretKind::S3,
            scope: Some("s3://bucket/private/".to_string()),
            options: Default::default(),
        };
        secrets.add(secret, false).unwrap();
        let other = stores.get(&url("s3://bucket/a")).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(format!("{other:?}").contains("RoutedStore"));
    }

    #[test]
    fn an_unknown_scheme_is_named() {
        let stores = Stores::new(Arc::default(), Fence::default());
        let error = stores.get(&url("s4://bucket/a")).unwrap_err().to_string();
        assert!(error.contains("'s4://'") && error.contains("did you mean 's3://'?"), "{error}");
    }

    #[test]
    fn all_schemes_build() {
        let secrets = Arc::new(Secrets::default());
        secrets
            .add(
                Secret {
                    name: "az".to_string(),
                    kind: SecretKind::Azure,
                    scope: None,
                    options: [("account_name", "me"), ("account_key", "aGk=")]
                        .map(|(k, v)| (k.to_string(), v.to_string()))
                        .into(),
                },
                false,
            )
            .unwrap();
        let stores = Stores::new(secrets, Fence::default());
        for text in [
            "s3a://b/x",
            "gcs://b/x",
            "gs://b/x",
            "az://c/x",
            "azure://c/x",
            "abfss://c@me.dfs.core.windows.net/x",
            "https://h/x",
        ] {
            stores.get(&url(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}
