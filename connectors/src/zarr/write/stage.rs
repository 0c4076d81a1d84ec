//! Where a store is while it is written. On a local disk that is a hidden folder beside its place,
//! renamed at the end; in an object store it is the place itself, where nothing is found as long as
//! the documents are missing that say what it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use strata_engine::ArrayError;
use url::Url;

use crate::zarr::place::{Place, PlaceError};

/// A store on its way.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where it is written.
    pub(super) place: Place,
    folder: Option<Folder>,
}

/// A folder that takes another's place.
#[derive(Debug)]
struct Folder {
    staged: PathBuf,
    target: PathBuf,
}

impl Stage {
    /// A place to write what will stand at a URL.
    pub(super) fn new(url: &Url, store: Arc<dyn ObjectStore>) -> Result<Self, ArrayError> {
        let target = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
        let Some(target) = target else {
            return Ok(Self { place: Place::new(url, store)?, folder: None });
        };
        let staged = beside(&target, "writing");
        let written = Url::from_directory_path(&staged)
            .map_err(|()| ArrayError::asked(format!("'{url}' is no place to write to")))?;
        let place = Place::new(&written, store)?;
        Ok(Self { place, folder: Some(Folder { staged, target }) })
    }

    /// What is there already, and gets changed where it is.
    pub(super) fn in_place(place: Place) -> Self {
        Self { place, folder: None }
    }

    /// Whether others see what is written before it is complete.
    pub(super) fn is_seen(&self) -> bool {
        self.folder.is_none()
    }

    /// Puts what was written where it belongs, in the place of what was there.
    pub(super) fn show(&mut self) -> std::io::Result<()> {
        let Some(folder) = self.folder.take() else { return Ok(()) };
        let old = beside(&folder.target, "replaced");
        // Nothing was there, in most cases.
        let replaced = match std::fs::rename(&folder.target, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(self.keep(folder, error)),
        };
        if let Err(error) = std::fs::rename(&folder.staged, &folder.target) {
            if replaced {
                std::fs::rename(&old, &folder.target)?;
            }
            return Err(self.keep(folder, error));
        }
        if replaced {
            remove(&old);
        }
        Ok(())
    }

    /// Could not be shown: it is removed with the rest.
    fn keep(&mut self, folder: Folder, error: std::io::Error) -> std::io::Error {
        self.folder = Some(folder);
        error
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take() {
            remove(&folder.staged);
        }
    }
}

/// A hidden name beside a path, which nobody else has.
fn beside(target: &Path, what: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{what}-{}", uuid::Uuid::new_v4().simple()))
}

/// Removes a folder or file that nobody looks for. What cannot be removed is left.
fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path));
}

/// Removes objects below a place.
pub(super) async fn clear(place: &Place, keep: impl Fn(&str) -> bool) -> Result<(), PlaceError> {
    let mut keys = place.keys().await?;
    let root = place.at("")?;
    keys.retain(|key| {
        let below = key.as_ref().strip_prefix(root.as_ref()).unwrap_or(key.as_ref());
        !keep(below.trim_start_matches('/'))
    });
    let gone = place.store().delete_stream(stream::iter(keys).map(Ok).boxed());
    let done = gone.map(|gone| match gone {
        Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    });
    Ok(done.try_collect::<Vec<()>>().await.map(|_| ())?)
}
