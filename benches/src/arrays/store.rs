//! What cases read: arrays in Zarr stores that are made once, by Strata, and left where they are. The same values
//! each time.

use std::path::{Path, PathBuf};

use datafusion::prelude::SessionContext;
use futures::future::BoxFuture;
use strata_connectors::zarr::{Compression, Saves, Saving, save};
use strata_engine::Array;

use super::Result;
use super::case::Scale;

/// A store of each scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Store {
    pub(super) name: &'static str,
    pub(super) make: fn(SessionContext, PathBuf, Scale) -> BoxFuture<'static, Result<()>>,
}

impl Store {
    /// Where that of a scale lies.
    pub(super) fn path(&self, folder: &Path, scale: Scale) -> PathBuf {
        match scale {
            Scale::Full => folder.join(format!("{}.zarr", self.name)),
            other => folder.join(format!("{}-{}.zarr", self.name, other.name())),
        }
    }

    /// Makes it if it is not there.
    pub(super) async fn ensure(
        &self,
        session: &SessionContext,
        folder: &Path,
        scale: Scale,
    ) -> Result<()> {
        let path = self.path(folder, scale);
        if path.join("zarr.json").exists() {
            return Ok(());
        }
        eprintln!("making {}", path.display());
        std::fs::create_dir_all(folder)?;
        (self.make)(session.clone(), path, scale).await
    }
}

/// Computes an array into a store, packed as zarr-python packs.
pub(super) async fn write(session: SessionContext, path: PathBuf, array: Array) -> Result<()> {
    let saving = Saving { compression: Compression::Zstd(3), ..Saving::default() };
    let path = path.display().to_string();
    save(&session, Saves::Array(&array.into()), &path, &saving).await?;
    Ok(())
}
