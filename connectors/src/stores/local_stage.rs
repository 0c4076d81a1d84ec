//! Writing a local file where nobody looks: beside its target, under a hidden name that listings
//! skip, renamed at the end. Giving up removes the file and the folders made for it at once,
//! without waiting for a runtime that may be going down.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use parking_lot::Mutex;

/// A file on its way. Dropped before it is complete, it was never there.
#[derive(Debug)]
pub(super) struct LocalStage {
    file: Arc<Mutex<File>>,
    staged: Option<PathBuf>,
    target: PathBuf,
    length: u64,
}

impl LocalStage {
    /// Starts a file for `target`, making its folders; those made are added to `made`.
    pub(super) fn create(target: &Path, made: &Mutex<Vec<PathBuf>>) -> Result<Self> {
        // A link stays a link: what it points to is replaced.
        let target = std::fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
        let fail = |source: std::io::Error| failure(&target, source);
        let folder = target.parent().unwrap_or(Path::new("/"));
        // Another write may be giving up and removing the same folder: make it again then.
        for _ in 0..8 {
            make_folders(folder, made).map_err(fail)?;
            let staged = staged_name(&target);
            match OpenOptions::new().write(true).create_new(true).open(&staged) {
                Ok(file) => {
                    return Ok(Self {
                        file: Arc::new(Mutex::new(file)),
                        staged: Some(staged),
                        target,
                        length: 0,
                    });
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(fail(error)),
            }
        }
        Err(fail(std::io::Error::from(ErrorKind::NotFound)))
    }

    /// The file, for those who write at places of their own.
    pub(super) fn file(&self) -> Result<File> {
        self.file.lock().try_clone().map_err(|source| failure(&self.target, source))
    }

    /// Removes the file, unless it is complete.
    pub(super) fn give_up(&mut self) {
        if let Some(staged) = self.staged.take() {
            // Nobody is left to tell.
            let _ = std::fs::remove_file(staged);
        }
    }
}

/// `.x.csv#<digits>`: hidden from shells by its dot, and from object_store's listings by `#` and
/// digits at the end.
fn staged_name(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let unique = uuid::Uuid::new_v4().as_u64_pair().0;
    target.with_file_name(format!(".{name}#{unique}"))
}

fn make_folders(folder: &Path, made: &Mutex<Vec<PathBuf>>) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.exists()).collect();
    for path in missing.into_iter().rev() {
        match std::fs::create_dir(path) {
            Ok(()) => made.lock().push(path.to_path_buf()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn failure(path: &Path, source: std::io::Error) -> Error {
    let path = path.display().to_string();
    match source.kind() {
        ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: Box::new(source) },
        _ => Error::Generic { store: "LocalFileSystem", source: Box::new(source) },
    }
}

#[async_trait]
impl MultipartUpload for LocalStage {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        // Parts may be written in any order: each knows its place.
        let place = self.length;
        self.length += data.content_length() as u64;
        let file = Arc::clone(&self.file);
        let target = self.target.clone();
        Box::pin(async move {
            tokio::task::spawn_blocking(move || {
                let mut file = file.lock();
                file.seek(SeekFrom::Start(place))
                    .and_then(|_| data.iter().try_for_each(|part| file.write_all(part)))
                    .map_err(|source| failure(&target, source))
            })
            .await?
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Some(staged) = &self.staged else {
            return Err(failure(&self.target, std::io::Error::from(ErrorKind::NotFound)));
        };
        std::fs::rename(staged, &self.target).map_err(|source| failure(&self.target, source))?;
        self.staged = None;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        if let Some(staged) = self.staged.take() {
            std::fs::remove_file(&staged).map_err(|source| failure(&staged, source))?;
        }
        Ok(())
    }
}

impl Drop for LocalStage {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_shows_before_complete() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a/b/x.csv");
        let made = Mutex::default();
        let mut stage = LocalStage::create(&target, &made).unwrap();
        stage.put_part("hello".into()).await.unwrap();
        stage.put_part(" world".into()).await.unwrap();
        assert!(!target.exists());
        assert_eq!(made.lock().len(), 2);
        stage.complete().await.unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "hello world");
        drop(LocalStage::create(&target, &made).unwrap());
        assert_eq!(std::fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1);
    }
}
