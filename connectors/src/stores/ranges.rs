//! Web servers that cannot send a part of a file: where a range is refused, the whole file is
//! fetched once and kept, so that a Parquet footer and its pages can still be read.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use parking_lot::Mutex;

/// Falls back to whole files where the server behind `inner` knows no ranges.
#[derive(Debug)]
pub(super) struct WholeWhenNoRanges {
    inner: Arc<dyn ObjectStore>,
    /// The file fetched last: the ranges of one file are asked for one after the other.
    last: Mutex<Option<(Path, ObjectMeta, Bytes)>>,
}

impl WholeWhenNoRanges {
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, last: Mutex::new(None) }
    }

    async fn whole(&self, at: &Path) -> Result<(ObjectMeta, Bytes)> {
        let current = self.inner.head(at).await?;
        if let Some((path, meta, bytes)) = &*self.last.lock()
            && path == at
            && meta.size == current.size
            && meta.last_modified == current.last_modified
            && meta.e_tag == current.e_tag
        {
            return Ok((meta.clone(), bytes.clone()));
        }
        let fetched = self.inner.get(at).await?;
        let meta = fetched.meta.clone();
        let bytes = fetched.bytes().await?;
        *self.last.lock() = Some((at.clone(), meta.clone(), bytes.clone()));
        Ok((meta, bytes))
    }
}

impl fmt::Display for WholeWhenNoRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for WholeWhenNoRanges {
    async fn put_opts(&self, at: &Path, payload: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(at, payload, o).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(asked) = options.range.clone() else {
            return self.inner.get_opts(at, options).await;
        };
        match self.inner.get_opts(at, options).await {
            Err(Error::NotSupported { .. }) => {
                let (meta, bytes) = self.whole(at).await?;
                let range = asked
                    .as_range(meta.size)
                    .map_err(|source| Error::Generic { store: "HTTP", source: Box::new(source) })?;
                let part = slice(&bytes, &range);
                Ok(GetResult {
                    payload: GetResultPayload::Stream(stream::iter([Ok(part)]).boxed()),
                    meta,
                    range,
                    attributes: Default::default(),
                })
            }
            other => other,
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
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

/// The part of `bytes` that is there.
fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let end = (range.end as usize).min(bytes.len());
    let start = (range.start as usize).min(end);
    bytes.slice(start..end)
}
