//! A store of which a process may use some folders only: what it is told to read by others is read
//! there, and nowhere else.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use url::Url;

use crate::error::ConnectorError;
use crate::files::location::Location;

/// What a process may use, of all stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fence(Option<Arc<Vec<Location>>>);

impl Fence {
    /// From a list of folders and URLs with commas between them; an empty one allows everything.
    pub(crate) fn parse(list: &str) -> Result<Self, ConnectorError> {
        let places = list.split(',').map(str::trim).filter(|place| !place.is_empty());
        let places: Vec<Location> = places.map(Location::parse).collect::<Result<_, _>>()?;
        Ok(Self((!places.is_empty()).then(|| Arc::new(places))))
    }

    /// A store within the fence.
    pub(super) fn around(&self, root: &Url, store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        let Some(places) = &self.0 else { return store };
        let here = |place: &&Location| {
            (place.root.scheme(), place.root.authority()) == (root.scheme(), root.authority())
        };
        let folders = places.iter().filter(here).map(|place| place.base.clone()).collect();
        Arc::new(FencedStore { folders: Arc::new(folders), store })
    }
}

/// A store with the folders of it that may be used.
#[derive(Debug, Clone)]
struct FencedStore {
    folders: Arc<Vec<Path>>,
    store: Arc<dyn ObjectStore>,
}

impl FencedStore {
    fn allows(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.prefix_matches(folder))
    }

    fn check(&self, path: &Path) -> Result<()> {
        if self.allows(path) {
            return Ok(());
        }
        Err(Error::Generic {
            store: "fenced",
            source: format!(
                "'{path}' is outside of what this process may use; its setting files.allow says what \
                 that is"
            )
            .into(),
        })
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
        self.check(at)?;
        self.store.put_opts(at, payload, o).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check(at)?;
        self.store.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(at)?;
        self.store.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(at)?;
        self.store.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let checked = paths.and_then(move |path| {
            let checked = this.check(&path).map(|()| path);
            async move { checked }
        });
        self.store.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let this = self.clone();
        let found = self.store.list(prefix);
        found.try_filter(move |meta| futures::future::ready(this.allows(&meta.location))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.store.list_with_delimiter(prefix).await?;
        found.objects.retain(|meta| self.allows(&meta.location));
        found.common_prefixes.retain(|folder| self.allows(folder));
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check(from)?;
        self.check(to)?;
        self.store.copy_opts(from, to, options).await
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
}
