//! A file for what has to wait: rows for other workers, pieces of chunks, an upload that is not whole yet.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::execution::context::SessionContext;

use super::SpillFolder;
use crate::error::Result;

/// A file without a name in the folder for spill files, whose bytes are counted there. It is gone with the
/// last who holds it, or with the process.
#[derive(Debug)]
pub struct Scratch {
    file: Arc<File>,
    bytes: AtomicU64,
    folder: SpillFolder,
}

impl Scratch {
    /// A file of so many bytes, all zero.
    pub fn new(session: &SessionContext, bytes: u64) -> Result<Self> {
        let folder = SpillFolder::of(session.state_ref().read().config())?;
        let scratch = Self::empty(folder)?;
        let sized = scratch.extend(bytes).and_then(|_| {
            scratch.file.set_len(bytes).map_err(|error| scratch.folder.refused(error))
        });
        sized.map_err(datafusion::error::DataFusionError::IoError)?;
        Ok(scratch)
    }

    /// A file with nothing in it.
    pub(crate) fn empty(folder: SpillFolder) -> datafusion::common::Result<Self> {
        Ok(Self { file: Arc::new(folder.unlinked()?), bytes: AtomicU64::new(0), folder })
    }

    /// The file.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Room for so many bytes more at the end, which begins here. Counted before they are written, so that
    /// what is counted is what is given back.
    pub(crate) fn extend(&self, bytes: u64) -> io::Result<u64> {
        let offset = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.folder.take(bytes).map(|()| offset)
    }

    /// Writes into room that was made. It waits for the disk.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|error| self.folder.refused(error))
    }

    /// Reads what was written. It waits for the disk.
    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.folder.give_back(self.bytes.load(Ordering::Relaxed));
    }
}
