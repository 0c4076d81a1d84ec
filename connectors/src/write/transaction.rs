//! One write: the URL it writes to, the files it will show, and those it will replace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use datafusion::error::DataFusionError;
use object_store::path::Path;
use strata_engine::WriteTransaction;
use url::{Position, Url};

use crate::error::{ConnectorError, Result, innermost};
use crate::files::location::show;
use crate::stores::{StagedStore, Stores};

/// A write that is not visible yet.
#[derive(Debug)]
pub(super) struct StagedWrite {
    stores: Arc<Stores>,
    store: Arc<StagedStore>,
    /// The scheme by which the write's files are found until it is over.
    scheme: String,
    root: Url,
    /// Files that go once the new ones are there.
    obsolete: Vec<Path>,
    over: AtomicBool,
}

impl StagedWrite {
    /// Starts a write to the store behind `target`.
    pub(super) fn begin(stores: &Arc<Stores>, target: &Url, obsolete: Vec<Path>) -> Result<Self> {
        stores.admit_write(target)?;
        let real = stores.get(target)?;
        let store = StagedStore::new(real, stores.guard(target), target.scheme() == "file");
        let store = Arc::new(store);
        let scheme = format!("strata-write-{}", uuid::Uuid::new_v4().simple());
        stores.begin_write(scheme.clone(), Arc::clone(&store));
        let mut root = target.clone();
        root.set_path("/");
        let stores = Arc::clone(stores);
        Ok(Self { stores, store, scheme, root, obsolete, over: AtomicBool::new(false) })
    }

    /// The URL that stands for `target` while this write lasts.
    pub(super) fn stand_in(&self, target: &Url) -> String {
        format!("{}{}", self.scheme, &target[Position::AfterScheme..])
    }

    fn end(&self) -> bool {
        self.stores.end_write(&self.scheme);
        !self.over.swap(true, Ordering::SeqCst)
    }
}

#[async_trait]
impl WriteTransaction for StagedWrite {
    async fn commit(&self) -> Result<(), DataFusionError> {
        if !self.end() {
            return Ok(());
        }
        self.store.commit().await.map_err(|(path, error)| ConnectorError::Write {
            path: show(&self.root, &path),
            reason: innermost(&error),
        })?;
        let left = self.store.remove(self.obsolete.clone()).await;
        match left.first() {
            None => Ok(()),
            Some((path, error)) => Err(ConnectorError::Target {
                path: show(&self.root, path),
                reason: format!(
                    "the new files are there, but this old one could not be removed ({}); \
                     remove it, or its rows are read beside the new ones",
                    innermost(error)
                ),
            }
            .into()),
        }
    }

    async fn abort(&self) -> Option<DataFusionError> {
        if self.end() {
            self.store.abort().await;
        }
        let (path, reason) = self.store.failure()?;
        Some(ConnectorError::Write { path: show(&self.root, &path), reason }.into())
    }
}

impl Drop for StagedWrite {
    fn drop(&mut self) {
        if self.end() {
            self.store.abandon();
        }
    }
}
