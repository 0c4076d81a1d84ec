//! A store of which a process may use some folders only: what it is told to read by others is read
//! there, and nowhere else.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use url::Url;

use super::locations::{Access, Locations, NotAllowed};
use crate::error::Result as ConnectorResult;
use crate::files::location::Location;

/// What may be used of all stores: what every one of these allows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fence(Vec<Locations>);

impl Fence {
    /// From a list of folders and URLs with commas between them; an empty one allows everything.
    pub(crate) fn parse(list: &str) -> ConnectorResult<Self> {
        Ok(Self(Locations::of_process(list)?.into_iter().collect()))
    }

    /// The same, and no more than these.
    pub(super) fn within(&self, locations: &Locations) -> Self {
        let mut all = self.0.clone();
        if !locations.are_everything() {
            all.push(locations.clone());
        }
        Self(all)
    }

    /// Whether everything may be used.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses a path of a store that is not within.
    pub(super) fn check(&self, root: &Url, path: &Path, access: Access) -> Result<(), NotAllowed> {
        self.0.iter().try_for_each(|locations| locations.check(root, path, access))
    }

    /// Refuses what a person wrote.
    pub(super) fn admit(&self, location: &Location) -> Result<(), NotAllowed> {
        self.check(&location.root, &location.base, Access::Read)
    }

    /// A store within the fence.
    pub(super) fn around(&self, root: &Url, store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        if self.is_open() {
            return store;
        }
        let guard = self.guard(root);
        Arc::new(FencedStore { guard, store })
    }

    /// What asks before a file of a store is used.
    pub(super) fn guard(&self, root: &Url) -> Guard {
        Guard { fence: Arc::new(self.clone()), root: Arc::new(root.clone()) }
    }
}

/// A fence, and the store that it is around.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    fence: Arc<Fence>,
    root: Arc<Url>,
}

impl Guard {
    /// Refuses a path that is not within. On a disk, that asks the disk.
    pub(super) fn check_now(&self, path: &Path, access: Access) -> Result<()> {
        self.fence.check(&self.root, path, access).map_err(refused)
    }

    async fn check(&self, path: &Path, access: Access) -> Result<()> {
        if self.root.scheme() != "file" {
            return self.check_now(path, access);
        }
        let (guard, path) = (self.clone(), path.clone());
        tokio::task::spawn_blocking(move || guard.check_now(&path, access)).await?
    }

    /// The folders that are listed where one is to be.
    fn within(&self, folder: &Path) -> Result<Vec<Path>> {
        let mut folders = vec![folder.clone()];
        for locations in &self.fence.0 {
            let within = |folder: &Path| locations.within(&self.root, folder);
            folders = folders.iter().flat_map(within).collect();
        }
        if folders.is_empty() {
            self.check_now(folder, Access::Read)?;
        }
        Ok(folders)
    }
}

fn refused(why: NotAllowed) -> Error {
    Error::Generic { store: "fenced", source: Box::new(why) }
}

/// A store of which some folders may be used.
#[derive(Debug, Clone)]
struct FencedStore {
    guard: Guard,
    store: Arc<dyn ObjectStore>,
}

impl FencedStore {
    async fn reads(&self, path: &Path) -> Result<()> {
        self.guard.check(path, Access::Read).await
    }

    async fn writes(&self, path: &Path) -> Result<()> {
        self.guard.check(path, Access::Write).await
    }
}

impl fmt::Display for FencedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for FencedStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.writes(at).await?;
        self.store.put_opts(at, payload, o).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.writes(at).await?;
        self.store.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads(at).await?;
        self.store.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.reads(at).await?;
        self.store.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let checked = paths.and_then(move |path| {
            let this = this.clone();
            async move { this.writes(&path).await.map(|()| path) }
        });
        self.store.delete_stream(checked.boxed())
    }

    /// What lies elsewhere is not looked through: only the folders of this one that may be used are.
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let folders = match self.guard.within(&prefix.cloned().unwrap_or_default()) {
            Ok(folders) => folders,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let (store, this) = (Arc::clone(&self.store), self.clone());
        let listed = stream::iter(folders).flat_map(move |folder| match folder.as_ref() {
            "" => store.list(None),
            _ => store.list(Some(&folder)),
        });
        listed
            .try_filter_map(move |meta| {
                let this = this.clone();
                async move { Ok(this.reads(&meta.location).await.is_ok().then_some(meta)) }
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.reads(&prefix.cloned().unwrap_or_default()).await?;
        let found = self.store.list_with_delimiter(prefix).await?;
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        for meta in found.objects {
            if self.reads(&meta.location).await.is_ok() {
                objects.push(meta);
            }
        }
        for folder in found.common_prefixes {
            if self.reads(&folder).await.is_ok() {
                common_prefixes.push(folder);
            }
        }
        Ok(ListResult { objects, common_prefixes })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.reads(from).await?;
        self.writes(to).await?;
        self.store.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.writes(from).await?;
        self.writes(to).await?;
        self.store.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn what_is_outside_is_neither_read_nor_written_nor_listed() {
        let all: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for path in ["in/a", "in/deep/b", "out/c", "inn/d"] {
            all.put(&path.into(), "x".into()).await.unwrap();
        }
        let root = Url::parse("s3://bucket/").unwrap();
        let fence = Fence::parse("s3://bucket/in/, s3://other/out").unwrap();
        let store = fence.around(&root, Arc::clone(&all));
        let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(store.get(&"in/deep/b".into()).await.is_ok());
        for outside in ["out/c", "inn/d", "in2"] {
            let outside: Path = outside.into();
            let error = store.get(&outside).await.unwrap_err().to_string();
            assert!(error.contains("files.allow"), "{error}");
            assert!(store.put(&outside, "y".into()).await.is_err());
            assert!(store.delete(&outside).await.is_err());
            assert!(store.copy(&outside, &"in/x".into()).await.is_err());
        }
        // Another bucket of which nothing is allowed, and no fence at all.
        let other = fence.around(&Url::parse("s3://third/").unwrap(), Arc::clone(&all));
        assert!(other.get(&"in/a".into()).await.is_err());
        let open = Fence::parse(" , ").unwrap().around(&root, all);
        assert!(open.get(&"out/c".into()).await.is_ok());
    }

    #[tokio::test]
    async fn links_lead_nowhere_and_readers_write_nowhere() {
        let all = tempfile::tempdir().unwrap();
        let (inside, outside) = (all.path().join("in"), all.path().join("out"));
        for folder in [&inside, &outside] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("x.csv"), "a").unwrap();
        }
        std::os::unix::fs::symlink(&outside, inside.join("away")).unwrap();
        let root = Url::parse("file:///").unwrap();
        let disk: Arc<dyn ObjectStore> = Arc::new(object_store::local::LocalFileSystem::new());
        let path = |path: std::path::PathBuf| Path::from_absolute_path(path).unwrap();
        let allowed = Locations::parse([inside.to_str().unwrap()]).unwrap();
        let store = Fence::default().within(&allowed).around(&root, Arc::clone(&disk));
        for folder in [all.path(), &inside] {
            let folder = path(folder.to_path_buf());
            let listed: Vec<_> = store.list(Some(&folder)).try_collect().await.unwrap();
            assert_eq!(listed.len(), 1, "{listed:?}");
        }
        assert!(store.list(Some(&path(outside.clone()))).try_collect::<Vec<_>>().await.is_err());
        assert!(store.get(&path(inside.join("x.csv"))).await.is_ok());
        let new = path(inside.join("away")).join("new.csv");
        for way_out in [path(outside.join("x.csv")), path(inside.join("away")).join("x.csv"), new] {
            assert!(store.get(&way_out).await.is_err());
            assert!(store.put(&way_out, "y".into()).await.is_err());
            assert!(store.delete(&way_out).await.is_err());
            assert!(store.rename(&path(inside.join("x.csv")), &way_out).await.is_err());
        }
        store.put(&path(inside.join("new/y.csv")), "y".into()).await.unwrap();
        let reader = Fence::default().within(&allowed.read_only()).around(&root, disk);
        assert!(reader.get(&path(inside.join("new/y.csv"))).await.is_ok());
        assert!(reader.put(&path(inside.join("z.csv")), "z".into()).await.is_err());
        assert_eq!(std::fs::read_to_string(outside.join("x.csv")).unwrap(), "a");
    }
}
