//! A store that shows nothing until told to: every file written through it becomes an upload of the
//! real store, complete but for its last step. Committing takes that step for all of them.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use parking_lot::Mutex;
use url::Url;

use super::fenced::Guard;
use super::local_stage::LocalStage;
use super::locations::Access;
use crate::error::innermost;

/// How many files are shown or removed at a time.
const AT_ONCE: usize = 16;

/// A file whose upload wants only its last step.
#[derive(Debug)]
struct Staged {
    path: Path,
    upload: Box<dyn MultipartUpload>,
}

/// What one write has made so far. Writers hold it too: whoever lets go of it last, perhaps a task
/// that noticed late that the query was cancelled, removes what was not committed.
#[derive(Debug)]
struct Ledger {
    files: Mutex<Vec<Staged>>,
    folders: Mutex<Vec<PathBuf>>,
    /// The first file that could not be written, and why: writers keep it to themselves.
    failure: Mutex<Option<(Path, String)>>,
    local: bool,
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Ledger {
    /// Forgets all files without waiting: what is local goes at once, uploads to a remote store
    /// are called off in the background.
    fn abandon(&self) {
        let files = std::mem::take(&mut *self.files.lock());
        for file in files {
            give_up(file.upload, self.local);
        }
        self.remove_folders();
    }

    fn note(&self, path: &Path, error: &Error) {
        self.failure.lock().get_or_insert_with(|| (path.clone(), innermost(error)));
    }

    /// Removes the folders this write has made, the deepest first, where nothing is in them. The
    /// others are kept in mind: a writer that is still busy has a file there, and is to notice.
    fn remove_folders(&self) {
        let mut folders = self.folders.lock();
        let mut left = Vec::new();
        for folder in folders.drain(..).rev() {
            if std::fs::remove_dir(&folder).is_err() {
                left.push(folder);
            }
        }
        left.reverse();
        *folders = left;
    }
}

/// The real store, with writes held back.
#[derive(Debug)]
pub(crate) struct StagedStore {
    inner: Arc<dyn ObjectStore>,
    /// Files are made on the disk past the store, which would ask it.
    guard: Guard,
    ledger: Arc<Ledger>,
}

impl StagedStore {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, guard: Guard, local: bool) -> Self {
        let ledger = Ledger {
            files: Mutex::default(),
            folders: Mutex::default(),
            failure: Mutex::default(),
            local,
        };
        Self { inner, guard, ledger: Arc::new(ledger) }
    }

    /// The first file that could not be written, and why.
    pub(crate) fn failure(&self) -> Option<(Path, String)> {
        self.ledger.failure.lock().clone()
    }

    async fn start(&self, path: &Path) -> Result<Box<dyn MultipartUpload>> {
        self.open(path).await.inspect_err(|error| self.ledger.note(path, error))
    }

    async fn open(&self, path: &Path) -> Result<Box<dyn MultipartUpload>> {
        if !self.ledger.local {
            return self.inner.put_multipart_opts(path, PutMultipartOptions::default()).await;
        }
        let file = local_path(path)?;
        let (ledger, guard, path) = (Arc::clone(&self.ledger), self.guard.clone(), path.clone());
        // The ledger comes back with the stage: if nobody waits for them any more, the file goes
        // first, and then the folders, which must be empty.
        let create = move || {
            guard.check_now(&path, Access::Write)?;
            LocalStage::create(&file, &ledger.folders).map(|stage| (stage, ledger))
        };
        let (stage, _) = tokio::task::spawn_blocking(create).await??;
        Ok(Box::new(stage))
    }

    /// Shows all files. If one cannot be shown, the ones that were not there before vanish again.
    ///
    /// Returns the file that failed, and why.
    pub(crate) async fn commit(&self) -> Result<(), (Path, Error)> {
        let files = std::mem::take(&mut *self.ledger.files.lock());
        // One file either shows or does not: what was there before need not be known.
        let existed: Vec<bool> = if files.len() > 1 {
            let paths: Vec<Path> = files.iter().map(|file| file.path.clone()).collect();
            stream::iter(paths)
                .map(|path| async move { self.inner.head(&path).await.is_ok() })
                .buffered(AT_ONCE)
                .collect()
                .await
        } else {
            vec![true; files.len()]
        };
        let results: Vec<(Path, bool, Result<PutResult>)> =
            stream::iter(files.into_iter().zip(existed))
                .map(|(mut file, existed)| async move {
                    let result = file.upload.complete().await;
                    if result.is_err() {
                        let _ = file.upload.abort().await;
                    }
                    (file.path, existed, result)
                })
                .buffered(AT_ONCE)
                .collect()
                .await;
        let mut failed = None;
        let mut shown = Vec::new();
        for (path, existed, result) in results {
            match result {
                Ok(_) if !existed => shown.push(path),
                Ok(_) => {}
                Err(error) => {
                    failed.get_or_insert((path, error));
                }
            }
        }
        match failed {
            None => {
                self.ledger.folders.lock().clear();
                Ok(())
            }
            Some(failure) => {
                self.remove(shown).await;
                self.ledger.remove_folders();
                Err(failure)
            }
        }
    }

    /// Deletes files of the real store; those that could not be deleted come back.
    pub(crate) async fn remove(&self, paths: Vec<Path>) -> Vec<(Path, Error)> {
        stream::iter(paths)
            .map(|path| async move {
                match self.inner.delete(&path).await {
                    Ok(()) | Err(Error::NotFound { .. }) => None,
                    Err(error) => Some((path, error)),
                }
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Forgets all files.
    pub(crate) async fn abort(&self) {
        let files = std::mem::take(&mut *self.ledger.files.lock());
        stream::iter(files)
            .for_each_concurrent(AT_ONCE, |mut file| async move {
                let _ = file.upload.abort().await;
            })
            .await;
        self.ledger.remove_folders();
    }

    /// Forgets all files without waiting.
    pub(crate) fn abandon(&self) {
        self.ledger.abandon();
    }
}

/// Drops an upload; a remote store has to be told.
fn give_up(mut upload: Box<dyn MultipartUpload>, local: bool) {
    if local {
        return;
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            let _ = upload.abort().await;
        });
    }
}

/// The file of a path on this machine's disk.
pub(super) fn local_path(path: &Path) -> Result<PathBuf> {
    let unusable = || Error::Generic {
        store: "LocalFileSystem",
        source: format!("'/{path}' is no path on this system").into(),
    };
    let mut url = Url::parse("file:///").map_err(|_| unusable())?;
    url.path_segments_mut()
        .map_err(|()| unusable())?
        .clear()
        .extend(path.parts().map(|part| part.as_ref().to_string()));
    url.to_file_path().map_err(|()| unusable())
}

impl fmt::Display for StagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Staged({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for StagedStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, _: PutOptions) -> Result<PutResult> {
        let mut upload = self.start(path).await?;
        if payload.content_length() > 0
            && let Err(error) = upload.put_part(payload).await
        {
            let _ = upload.abort().await;
            self.ledger.note(path, &error);
            return Err(error);
        }
        self.ledger.files.lock().push(Staged { path: path.clone(), upload });
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(HeldBack {
            upload: Some(self.start(path).await?),
            path: path.clone(),
            ledger: Arc::clone(&self.ledger),
        }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
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

/// An upload whose `complete` only says that all of it has been sent.
#[derive(Debug)]
struct HeldBack {
    upload: Option<Box<dyn MultipartUpload>>,
    path: Path,
    ledger: Arc<Ledger>,
}

fn over() -> Error {
    Error::Generic { store: "Staged", source: "the upload is over".into() }
}

#[async_trait]
impl MultipartUpload for HeldBack {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match &mut self.upload {
            Some(upload) => {
                let part = upload.put_part(data);
                let (ledger, path) = (Arc::clone(&self.ledger), self.path.clone());
                Box::pin(async move { part.await.inspect_err(|error| ledger.note(&path, error)) })
            }
            None => Box::pin(std::future::ready(Err(over()))),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let upload = self.upload.take().ok_or_else(over)?;
        self.ledger.files.lock().push(Staged { path: self.path.clone(), upload });
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        match self.upload.take() {
            Some(mut upload) => upload.abort().await,
            None => Ok(()),
        }
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            give_up(upload, self.ledger.local);
        }
    }
}
