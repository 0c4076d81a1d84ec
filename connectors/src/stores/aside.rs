//! A store whose objects are replaced all at once: what is written through it lies aside, where only whoever
//! reads through it finds it, until it is put in the place of what was there.
//!
//! ```text
//! put c/0/1 ──▶ .writing-…/0      commit: each takes its place
//! get c/0/1 ◀── the new one, by this store; the old one, by any other
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::{Mutex, RwLock};

/// How many objects take their places, or are removed, at a time.
const AT_ONCE: usize = 16;

/// What becomes of an object.
#[derive(Debug, Clone)]
enum Change {
    /// It is what lies here.
    Written(Path),
    Gone,
}

/// A folder that goes with all that is in it, and with what is still being written then.
#[derive(Debug)]
struct HiddenFolder {
    path: PathBuf,
    is_gone: RwLock<bool>,
}

impl HiddenFolder {
    fn new(path: PathBuf) -> Self {
        Self { path, is_gone: RwLock::new(false) }
    }

    fn write(&self, name: &str, payload: &PutPayload) -> std::io::Result<()> {
        // Nobody waits for the writes of a task that was ended, but they go on.
        let is_gone = self.is_gone.read();
        if *is_gone {
            return Err(std::io::Error::other("the write was given up"));
        }
        std::fs::create_dir_all(&self.path)?;
        let mut file = std::fs::File::create(self.path.join(name))?;
        payload.iter().try_for_each(|part| file.write_all(part))
    }

    fn remove(&self) {
        let mut is_gone = self.is_gone.write();
        *is_gone = true;
        // What cannot be removed is hidden, and nobody looks for it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A store with changes that nobody else sees yet. Dropped before they are committed, they never were.
#[derive(Debug)]
pub(crate) struct AsideStore {
    inner: Arc<dyn ObjectStore>,
    /// Where what is written lies: hidden, and nobody else's.
    aside: Path,
    /// The same on this machine's disk.
    folder: Option<Arc<HiddenFolder>>,
    changes: Arc<Mutex<BTreeMap<Path, Change>>>,
}

impl AsideStore {
    /// Over a store, for objects below `root`, among which the new ones are hidden: whoever may write those may
    /// write there. `folder` is the root on this machine's disk, where it is there.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, root: &Path, folder: Option<PathBuf>) -> Self {
        let name = format!(".writing-{}", uuid::Uuid::new_v4().simple());
        let aside = root.clone().join(name.as_str());
        let folder = folder.map(|folder| Arc::new(HiddenFolder::new(folder.join(&name))));
        Self { inner, aside, folder, changes: Arc::default() }
    }

    fn changed(&self, path: &Path) -> Option<Change> {
        self.changes.lock().get(path).cloned()
    }

    /// Where an object is to be read.
    fn read_at(&self, path: &Path) -> Result<Path> {
        match self.changed(path) {
            None => Ok(path.clone()),
            Some(Change::Written(aside)) => Ok(aside),
            Some(Change::Gone) => Err(Error::NotFound {
                path: path.to_string(),
                source: "it is to be removed".into(),
            }),
        }
    }

    /// Puts all that was written in its place, whether or not somebody waits for it to the end. Where that
    /// fails, the objects before have taken theirs: the first that did not is told, and how many did.
    pub(crate) async fn commit(self: Arc<Self>) -> std::result::Result<(), (Path, usize, Error)> {
        let lost = |error| (self.aside.clone(), 0, Error::JoinError { source: error });
        let shown = Arc::clone(&self);
        tokio::spawn(async move { shown.show().await }).await.map_err(lost)?
    }

    async fn show(&self) -> std::result::Result<(), (Path, usize, Error)> {
        let changes = self.changes.lock().clone();
        let all = changes.len();
        let shown = stream::iter(changes).map(|(path, change)| async move {
            let done = match change {
                Change::Written(aside) => self.inner.rename(&aside, &path).await,
                Change::Gone => match self.inner.delete(&path).await {
                    Err(Error::NotFound { .. }) => Ok(()),
                    done => done,
                },
            };
            match done {
                Ok(()) => {
                    self.changes.lock().remove(&path);
                    Ok(())
                }
                Err(error) => Err((path, error)),
            }
        });
        let done: Vec<_> = shown.buffer_unordered(AT_ONCE).collect().await;
        let failed = done.iter().filter(|done| done.is_err()).count();
        self.abort().await;
        match done.into_iter().find_map(std::result::Result::err) {
            None => Ok(()),
            Some((path, error)) => Err((path, all - failed, error)),
        }
    }

    /// Forgets all that was written.
    pub(crate) async fn abort(&self) {
        let aside = self.take_aside();
        let gone = self.inner.delete_stream(stream::iter(aside).map(Ok).boxed());
        // What cannot be removed is hidden, and nobody looks for it.
        let _ = gone.try_collect::<Vec<_>>().await;
        self.remove_folder();
    }

    fn take_aside(&self) -> Vec<Path> {
        let changes = std::mem::take(&mut *self.changes.lock());
        let written = changes.into_values().filter_map(|change| match change {
            Change::Written(aside) => Some(aside),
            Change::Gone => None,
        });
        written.collect()
    }

    fn remove_folder(&self) {
        if let Some(folder) = &self.folder {
            folder.remove();
        }
    }
}

impl Drop for AsideStore {
    fn drop(&mut self) {
        let left = self.take_aside();
        self.remove_folder();
        if left.is_empty() || self.folder.is_some() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let gone = self.inner.delete_stream(stream::iter(left).map(Ok).boxed());
            runtime.spawn(gone.for_each(|_| std::future::ready(())));
        }
    }
}

impl fmt::Display for AsideStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aside({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for AsideStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let aside = match self.changed(path) {
            Some(Change::Written(aside)) => aside,
            _ => self.aside.clone().join(uuid::Uuid::new_v4().simple().to_string()),
        };
        let put = match &self.folder {
            None => self.inner.put_opts(&aside, payload, options).await?,
            Some(folder) => {
                let (folder, name) = (Arc::clone(folder), aside.filename().unwrap_or_default());
                let name = name.to_string();
                let write = move || folder.write(&name, &payload);
                let written = tokio::task::spawn_blocking(write).await?;
                written.map_err(|error| Error::Generic {
                    store: "LocalFileSystem",
                    source: error.into(),
                })?;
                PutResult { e_tag: None, version: None }
            }
        };
        self.changes.lock().insert(path.clone(), Change::Written(aside));
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented {
            operation: "put_multipart".to_string(),
            implementer: "Aside".to_string(),
        })
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(&self.read_at(path)?, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(&self.read_at(path)?, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (inner, changes) = (Arc::clone(&self.inner), Arc::clone(&self.changes));
        let gone = paths.and_then(move |path| {
            let before = changes.lock().insert(path.clone(), Change::Gone);
            let inner = Arc::clone(&inner);
            async move {
                match before {
                    Some(Change::Written(aside)) => inner.delete(&aside).await.map(|()| path),
                    _ => Ok(path),
                }
            }
        });
        gone.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    async fn all(store: &dyn ObjectStore) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for object in store.list(None).try_collect::<Vec<_>>().await.unwrap() {
            let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
            all.push((object.location.to_string(), bytes.to_vec()));
        }
        all.sort();
        all
    }

    fn objects(of: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        of.iter().map(|(path, bytes)| (path.to_string(), bytes.as_bytes().to_vec())).collect()
    }

    async fn put(store: &dyn ObjectStore, path: &str, text: &'static str) {
        store.put(&Path::from(path), PutPayload::from(text)).await.unwrap();
    }

    async fn get(store: &dyn ObjectStore, path: &str) -> Option<Bytes> {
        match store.get(&Path::from(path)).await {
            Ok(found) => Some(found.bytes().await.unwrap()),
            Err(Error::NotFound { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn what_lies_aside_is_seen_by_nobody_else_until_it_is_all_there() {
        let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for path in ["a/s.zarr/0", "a/s.zarr/1", "a/s.zarr/2"] {
            put(inner.as_ref(), path, "old").await;
        }
        let old = all(inner.as_ref()).await;
        let root = Path::from("a/s.zarr");
        for commits in [false, true] {
            let aside = AsideStore::new(Arc::clone(&inner), &root, None);
            put(&aside, "a/s.zarr/0", "new").await;
            put(&aside, "a/s.zarr/0", "newer").await;
            put(&aside, "a/s.zarr/1", "new").await;
            aside.delete(&Path::from("a/s.zarr/1")).await.unwrap();
            put(&aside, "a/s.zarr/9", "more").await;
            assert_eq!(get(&aside, "a/s.zarr/0").await.unwrap(), "newer");
            assert_eq!(get(&aside, "a/s.zarr/1").await, None);
            assert_eq!(get(&aside, "a/s.zarr/2").await.unwrap(), "old");
            assert_eq!(get(inner.as_ref(), "a/s.zarr/0").await.unwrap(), "old");
            assert_eq!(get(inner.as_ref(), "a/s.zarr/9").await, None);
            match commits {
                true => Arc::new(aside).commit().await.unwrap(),
                false => aside.abort().await,
            }
            let new = [("a/s.zarr/0", "newer"), ("a/s.zarr/2", "old"), ("a/s.zarr/9", "more")];
            let expected = if commits { objects(&new) } else { old.clone() };
            assert_eq!(all(inner.as_ref()).await, expected);
        }
    }

    #[tokio::test]
    async fn what_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let disk = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        let disk: Arc<dyn ObjectStore> = Arc::new(disk);
        put(disk.as_ref(), "s.zarr/0", "old").await;
        let root = Path::from("s.zarr");
        let on_disk = Some(folder.path().join("s.zarr"));
        let aside = AsideStore::new(Arc::clone(&disk), &root, on_disk.clone());
        put(&aside, "s.zarr/0", "new").await;
        drop(aside);
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!((all(disk.as_ref()).await, names()), (objects(&[("s.zarr/0", "old")]), 1));
        let aside = AsideStore::new(Arc::clone(&disk), &root, on_disk);
        put(&aside, "s.zarr/c/1", "new").await;
        Arc::new(aside).commit().await.unwrap();
        let both = [("s.zarr/0", "old"), ("s.zarr/c/1", "new")];
        assert_eq!((all(disk.as_ref()).await, names()), (objects(&both), 1));
    }
}
