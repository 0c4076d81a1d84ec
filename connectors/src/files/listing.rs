//! Finding the files a location names. Hidden files, `_`-prefixed ones and empty ones are skipped
//! unless named outright; whatever is not there is said with what is.

use std::io::ErrorKind;
use std::path::Path as OsPath;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::location::Location;
use super::pattern::is_hidden;
use crate::error::{ConnectorError, Result};

/// What a location names.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    /// It names one file, not a folder or a glob.
    pub(crate) single: bool,
    /// The files to read, by name.
    pub(crate) files: Vec<ObjectMeta>,
    /// Everything below the location's base, also what is skipped.
    pub(crate) all: Vec<ObjectMeta>,
}

/// Lists what `location` names.
pub(crate) async fn list(store: &Arc<dyn ObjectStore>, location: &Location) -> Result<Listing> {
    if location.is_local() {
        if let Some(single) = look_local(location)? {
            return single_file(store, location, single).await;
        }
    } else if !location.is_glob() && !location.folder {
        match store.head(&location.base).await {
            Ok(meta) => {
                return Ok(Listing { single: true, files: vec![meta.clone()], all: vec![meta] });
            }
            Err(object_store::Error::NotFound { .. }) if !location.is_web() => {}
            // Some servers answer with an error of their own where there is only a folder.
            Err(object_store::Error::Generic { .. }) if !location.is_web() => {}
            Err(error) => {
                return Err(ConnectorError::from_store(&location.show(&location.base), &error));
            }
        }
    } else if location.is_web() {
        return Err(ConnectorError::Url {
            url: location.text.clone(),
            reason: "web servers cannot list their folders; name each file".to_string(),
        });
    }
    let mut all: Vec<ObjectMeta> = store
        .list(Some(&location.base))
        .try_collect()
        .await
        .map_err(|error| ConnectorError::from_store(&location.show(&location.base), &error))?;
    all.sort_by(|left, right| left.location.cmp(&right.location));
    let files: Vec<ObjectMeta> =
        all.iter().filter(|meta| is_named(location, &meta.location)).cloned().collect();
    let exists = location.is_local() || !all.is_empty();
    if location.is_glob() && files.is_empty() {
        return Err(ConnectorError::NothingMatches {
            pattern: location.text.clone(),
            folder: location.show(&location.base),
        });
    }
    if !exists {
        return Err(ConnectorError::NoSuchObject {
            url: location.text.clone(),
            hint: remote_hint(store, &location.base).await,
        });
    }
    let files = files.into_iter().filter(|meta| meta.size > 0).collect();
    Ok(Listing { single: false, files, all })
}

/// The parts of a path below the base of a location.
pub(crate) fn below<'a>(base: &Path, path: &'a Path) -> Option<Vec<&'a str>> {
    let rest = path.as_ref().strip_prefix(base.as_ref())?;
    let rest = if base.as_ref().is_empty() { rest } else { rest.strip_prefix('/')? };
    Some(rest.split('/').collect())
}

/// Whether the location names this file, as a folder or by a glob.
pub(crate) fn is_named(location: &Location, path: &Path) -> bool {
    let Some(parts) = below(&location.base, path) else { return false };
    if location.is_glob() {
        location.patterns.iter().any(|pattern| pattern.matches(&parts) && !pattern.hides(&parts))
    } else {
        !parts.iter().any(|part| is_hidden(part))
    }
}

async fn single_file(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    path: Path,
) -> Result<Listing> {
    let meta = store
        .head(&path)
        .await
        .map_err(|error| ConnectorError::from_store(&location.show(&path), &error))?;
    Ok(Listing { single: true, files: vec![meta.clone()], all: vec![meta] })
}

/// The file, where a local location names one; otherwise checks that its folder can be read.
fn look_local(location: &Location) -> Result<Option<Path>> {
    let Some(path) = location.local_path() else { return Ok(None) };
    let shown = || location.show(&location.base);
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(ConnectorError::PermissionDenied { path: shown() });
        }
        Err(_) => return Err(missing(&path, location.is_glob() || location.folder)),
    };
    let refused = if metadata.is_dir() {
        std::fs::read_dir(&path).err()
    } else if metadata.is_file() {
        std::fs::File::open(&path).err()
    } else {
        return Err(ConnectorError::Url {
            url: location.text.clone(),
            reason: "it is neither a file nor a folder".to_string(),
        });
    };
    match refused {
        Some(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(ConnectorError::PermissionDenied { path: shown() })
        }
        Some(error) => Err(ConnectorError::Url { url: shown(), reason: error.to_string() }),
        None if metadata.is_dir() => Ok(None),
        None if location.folder => Err(ConnectorError::Url {
            url: location.text.clone(),
            reason: "it is a file, not a folder".to_string(),
        }),
        None => Ok(Some(location.base.clone())),
    }
}

/// Says which part of a path is missing, and what was probably meant.
fn missing(path: &OsPath, folder: bool) -> ConnectorError {
    let gone = path.ancestors().take_while(|ancestor| !ancestor.exists()).last().unwrap_or(path);
    let name = gone.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = gone.parent().unwrap_or(OsPath::new("/"));
    if let Ok(target) = std::fs::read_link(gone) {
        return ConnectorError::Url {
            url: gone.display().to_string(),
            reason: format!(
                "it is a link to '{}', which does not exist; make that file, or point the link \
                 elsewhere",
                target.display()
            ),
        };
    }
    let entries: Vec<String> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .take(10_000)
        .collect();
    let hint = strata_engine::nearest(&name, entries.iter().map(String::as_str))
        .map(|close| format!(": did you mean '{close}'?"))
        .unwrap_or_default();
    ConnectorError::NoSuchFile {
        what: if gone != path || folder { "folder" } else { "file" },
        path: name,
        folder: parent.display().to_string(),
        hint,
    }
}

/// What was probably meant by an object that is not there; nothing where the store is slow to say.
async fn remote_hint(store: &Arc<dyn ObjectStore>, path: &Path) -> String {
    let parts: Vec<_> = path.parts().collect();
    let Some((name, folder)) = parts.split_last() else { return String::new() };
    let folder = Path::from_iter(folder.iter().cloned());
    let names = store
        .list(Some(&folder))
        .take(1_000)
        .filter_map(|meta| async move { Some(meta.ok()?.location) })
        .collect::<Vec<_>>();
    let Ok(names) = tokio::time::timeout(Duration::from_secs(2), names).await else {
        return String::new();
    };
    let siblings = names.iter().filter_map(|path| below(&folder, path)?.first().copied());
    strata_engine::nearest(name.as_ref(), siblings)
        .map(|close| format!(": did you mean '{close}'?"))
        .unwrap_or_default()
}
