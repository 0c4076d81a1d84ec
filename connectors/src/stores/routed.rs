//! One bucket opened with several secrets: a secret whose scope names a folder opens that folder,
//! the bucket's own opens the rest. DataFusion asks for a store by bucket only, so the choice is
//! made here, by path.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Folders with stores of their own, the longest first, and the store for all others.
#[derive(Debug, Clone)]
pub(super) struct RoutedStore {
    routes: Arc<Vec<(String, Arc<dyn ObjectStore>)>>,
    rest: Arc<dyn ObjectStore>,
}

impl RoutedStore {
    pub(super) fn new(
        mut routes: Vec<(String, Arc<dyn ObjectStore>)>,
        rest: Arc<dyn ObjectStore>,
    ) -> Self {
        routes.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Self { routes: Arc::new(routes), rest }
    }

    fn pick(&self, path: &Path) -> &Arc<dyn ObjectStore> {
        let path = path.as_ref();
        self.routes
            .iter()
            .find(|(folder, _)| path.starts_with(folder) || path == folder.trim_end_matches('/'))
            .map_or(&self.rest, |(_, store)| store)
    }

    fn pick_prefix(&self, prefix: Option<&Path>) -> &Arc<dyn ObjectStore> {
        prefix.map_or(&self.rest, |prefix| self.pick(prefix))
    }
}

impl fmt::Display for RoutedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rest.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for RoutedStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.pick(at).put_opts(at, payload, o).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pick(at).put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.pick(at).get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.pick(at).get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        paths
            .map(move |path| {
                let this = this.clone();
                async move {
                    let path = path?;
                    this.pick(&path).delete(&path).await?;
                    Ok(path)
                }
            })
            .buffered(8)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pick_prefix(prefix).list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.pick_prefix(prefix).list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.pick(to).copy_opts(from, to, options).await
    }
}
