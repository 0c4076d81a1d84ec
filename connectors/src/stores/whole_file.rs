//! A file that is written at any place of it, and appears when it is complete. On a local disk it is
//! written beside its target; for an object store, which takes files from start to end only, into a spill
//! file that is sent at the end.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::buffer::Buffer;
use datafusion::execution::context::SessionContext;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, Result};
use parking_lot::Mutex;
use strata_engine::{EngineError, Scratch};
use url::Url;

use super::local_stage::LocalStage;

/// What is sent at a time: S3 takes no parts of less than 5 MiB, and no more than 10,000.
const PART: u64 = 16 << 20;
const PARTS: u64 = 9_000;

/// A file on its way. Dropped before it is finished, it was never there.
pub(crate) struct WholeFile {
    file: Arc<File>,
    length: u64,
    to: To,
}

enum To {
    Disk(OnDisk),
    Store(Arc<dyn ObjectStore>, Path, Scratch),
}

/// Renamed at the end. The folders are those that were made for it.
struct OnDisk(LocalStage, Mutex<Vec<PathBuf>>);

impl Drop for OnDisk {
    fn drop(&mut self) {
        // The file first: folders are removed where nothing is in them.
        self.0.give_up();
        for folder in self.1.lock().drain(..).rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

impl WholeFile {
    /// Starts a file of a length that will stand at a URL, which is `at` in its store.
    pub(crate) async fn create(
        session: &SessionContext,
        url: &Url,
        store: Arc<dyn ObjectStore>,
        at: Path,
        length: u64,
    ) -> Result<Self, EngineError> {
        let target = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
        let Some(target) = target else {
            let scratch = Scratch::new(session, length)?;
            return Ok(Self { file: scratch.file(), length, to: To::Store(store, at, scratch) });
        };
        let create = move || {
            let folders = Mutex::default();
            let stage = LocalStage::create(&target, &folders)?;
            let file = stage.file()?;
            file.set_len(length).map_err(|error| failed("LocalFileSystem", error))?;
            Ok::<_, Error>(Self {
                file: Arc::new(file),
                length,
                to: To::Disk(OnDisk(stage, folders)),
            })
        };
        let created = tokio::task::spawn_blocking(create).await.map_err(Error::from);
        let created = created.and_then(|created| created);
        created.map_err(|error| datafusion::error::DataFusionError::from(error).into())
    }

    /// Writes parts of some bytes, each at its place in the file.
    pub(crate) async fn write(&self, runs: Vec<(u64, Range<usize>)>, bytes: Buffer) -> Result<()> {
        let file = Arc::clone(&self.file);
        let write = move || {
            runs.into_iter().try_for_each(|(place, range)| {
                file.write_all_at(bytes.get(range).unwrap_or_default(), place)
            })
        };
        let written = tokio::task::spawn_blocking(write).await?;
        written.map_err(|error| failed("LocalFileSystem", error))
    }

    /// Shows the file.
    pub(crate) async fn finish(self) -> Result<()> {
        match self.to {
            To::Disk(mut on_disk) => {
                on_disk.0.complete().await?;
                on_disk.1.lock().clear();
                Ok(())
            }
            To::Store(store, at, _scratch) => send(&self.file, self.length, &store, &at).await,
        }
    }
}

fn failed(store: &'static str, source: std::io::Error) -> Error {
    Error::Generic { store, source: Box::new(source) }
}

async fn send(
    file: &Arc<File>,
    length: u64,
    store: &Arc<dyn ObjectStore>,
    at: &Path,
) -> Result<()> {
    let part = PART.max(length.div_ceil(PARTS));
    let read = async |start: u64| {
        let file = Arc::clone(file);
        let read = move || {
            let mut bytes = vec![0; part.min(length - start) as usize];
            file.read_exact_at(&mut bytes, start).map(|()| Bytes::from(bytes))
        };
        tokio::task::spawn_blocking(read).await?.map_err(|error| failed("spill", error))
    };
    if length <= part {
        return store.put(at, PutPayload::from(read(0).await?)).await.map(|_| ());
    }
    let mut upload = store.put_multipart(at).await?;
    let mut sent = Ok(());
    let mut start = 0;
    while start < length && sent.is_ok() {
        sent = match read(start).await {
            Ok(bytes) => upload.put_part(PutPayload::from(bytes)).await,
            Err(error) => Err(error),
        };
        start = start.saturating_add(part);
    }
    if sent.is_ok() {
        sent = upload.complete().await.map(|_| ());
    }
    if sent.is_err() {
        // The first error says more than one of cleaning up.
        let _ = upload.abort().await;
    }
    sent
}
