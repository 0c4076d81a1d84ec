//! The folder for spill files. Each file is unlinked the moment it is made, so the system itself
//! takes its space back when the process ends, however it ends: there is nothing to sweep up.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use datafusion::prelude::SessionConfig;
use futures::{Stream, TryStreamExt};

use crate::config::{ByteSize, SpillOptions, options_of};
use crate::error::EngineError;

/// What is read back at a time.
const READ: usize = 256 << 10;

/// Makes spill files in one folder, within one limit.
#[derive(Debug, Clone)]
pub(crate) struct SpillFolder {
    path: PathBuf,
    limit: ByteSize,
    used: Arc<AtomicU64>,
}

impl SpillFolder {
    /// Uses the folder the options name, made if it is missing. A folder nobody chose is looked
    /// at only when something spills.
    pub(crate) fn new(options: &SpillOptions) -> crate::Result<Self> {
        let path = options.root();
        if !options.directory.is_empty() {
            std::fs::create_dir_all(&path)
                .and_then(|()| tempfile::tempfile_in(&path))
                .map_err(|source| EngineError::Spill { path: path.clone(), source })?;
        }
        Ok(Self { path, limit: options.limit, used: Arc::default() })
    }

    /// The folder of a session, with what is used of it already.
    pub(crate) fn of(config: &SessionConfig) -> crate::Result<Self> {
        match config.get_extension::<Self>() {
            Some(folder) => Ok(folder.as_ref().clone()),
            None => Self::new(&options_of(config.options()).spill),
        }
    }

    pub(crate) fn disk_manager(self, limit: ByteSize) -> DiskManagerBuilder {
        DiskManagerBuilder::default()
            .with_max_temp_directory_size(limit.0)
            .with_temp_file_factory(Arc::new(self))
    }
}

impl SpillFolder {
    /// A file without a name.
    pub(crate) fn unlinked(&self) -> Result<File> {
        tempfile::tempfile_in(&self.path).map_err(|source| {
            DataFusionError::from(EngineError::Spill { path: self.path.clone(), source })
        })
    }

    /// Counts bytes that are about to be written; [`give_back`](Self::give_back) is due for them
    /// whether or not there is room.
    pub(crate) fn take(&self, bytes: u64) -> io::Result<()> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used > self.limit.0 {
            return Err(self.full(format!("the limit of {} is reached", self.limit)));
        }
        Ok(())
    }

    /// Counts bytes that are gone.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Says what it means that the system refused a write.
    pub(crate) fn refused(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                self.full("the disk is full".to_string())
            }
            _ => error,
        }
    }

    fn full(&self, reason: String) -> io::Error {
        io::Error::other(EngineError::SpillSpace { path: self.path.clone(), reason })
    }
}

impl TempFileFactory for SpillFolder {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        let file = Arc::new(self.unlinked()?);
        Ok(Arc::new(Unlinked { file, size: Arc::default(), folder: self.clone() }))
    }
}

/// A spill file without a name.
struct Unlinked {
    file: Arc<File>,
    size: Arc<AtomicU64>,
    folder: SpillFolder,
}

impl Drop for Unlinked {
    fn drop(&mut self) {
        self.folder.give_back(self.size.load(Ordering::Relaxed));
    }
}

impl SpillFile for Unlinked {
    fn path(&self) -> Option<&Path> {
        None
    }

    fn size(&self) -> Option<u64> {
        Some(self.size.load(Ordering::Relaxed))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let file = Arc::clone(&self.file);
        let path = self.folder.path.clone();
        let chunks = futures::stream::try_unfold(0u64, move |offset| {
            let file = Arc::clone(&file);
            async move {
                let read = tokio::task::spawn_blocking(move || read_at(&file, offset)).await;
                let chunk = read.map_err(io::Error::other)??;
                let next = offset + chunk.len() as u64;
                Ok((!chunk.is_empty()).then_some((chunk, next)))
            }
        });
        Ok(Box::pin(chunks.map_err(move |source: io::Error| {
            EngineError::Spill { path: path.clone(), source }.into()
        })))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer {
            file: Arc::clone(&self.file),
            size: Arc::clone(&self.size),
            folder: self.folder.clone(),
        }))
    }
}

/// Reads at an offset of its own: a file may be read by several at once, and while it is written.
fn read_at(file: &File, offset: u64) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt;
    let mut buffer = vec![0; READ];
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(Bytes::from(buffer))
}

struct Writer {
    file: Arc<File>,
    size: Arc<AtomicU64>,
    folder: SpillFolder,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        // Counted before writing and by whole buffers, so that what is counted is what is given
        // back when the file goes.
        self.size.fetch_add(length, Ordering::Relaxed);
        self.folder.take(length)?;
        (&*self.file).write_all(bytes).map_err(|error| self.folder.refused(error))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(limit: u64) -> (tempfile::TempDir, SpillFolder) {
        let root = tempfile::tempdir().unwrap();
        let options = SpillOptions {
            directory: root.path().join("deep/er").display().to_string(),
            limit: ByteSize(limit),
        };
        (root, SpillFolder::new(&options).unwrap())
    }

    #[tokio::test]
    async fn what_is_written_is_read_back_and_leaves_no_name() {
        let (root, folder) = folder(10 << 20);
        let file = folder.create_temp_file("test").unwrap();
        let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
        file.open_writer().unwrap().write_all(&bytes).unwrap();
        assert_eq!(std::fs::read_dir(root.path().join("deep/er")).unwrap().count(), 0);
        for _ in 0..2 {
            let chunks: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
            assert_eq!(chunks.concat(), bytes);
        }
        assert_eq!(folder.used.load(Ordering::Relaxed), 1_000_000);
        drop(file);
        assert_eq!(folder.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_limit_holds_and_the_error_says_what_to_do() {
        let (_root, folder) = folder(1000);
        let file = folder.create_temp_file("test").unwrap();
        let error = file.open_writer().unwrap().write_all(&[0; 1001]).unwrap_err().to_string();
        assert!(error.contains("the limit of 1000B is reached"), "{error}");
        assert!(error.contains("--spill-dir"), "{error}");
        drop(file);
        let again = folder.create_temp_file("test").unwrap();
        again.open_writer().unwrap().write_all(&[0; 1000]).unwrap();
    }
}
