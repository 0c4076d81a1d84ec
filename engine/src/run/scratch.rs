//! A file for those who must have all of something before they can pass it on.

use std::fs::File;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;

use super::SpillFolder;
use crate::error::Result;

/// A file without a name in the folder for spill files, of a size that is counted there. It is gone with
/// the last who holds it, or with the process.
#[derive(Debug)]
pub struct Scratch {
    file: Arc<File>,
    bytes: u64,
    folder: SpillFolder,
}

impl Scratch {
    /// A file of so many bytes, all zero.
    pub fn new(session: &SessionContext, bytes: u64) -> Result<Self> {
        let folder = SpillFolder::of(session.state_ref().read().config())?;
        let file = Arc::new(folder.unlinked()?);
        let scratch = Self { file, bytes, folder };
        let failed = |error| datafusion::error::DataFusionError::IoError(error);
        scratch.folder.take(bytes).map_err(failed)?;
        let sized = scratch.file.set_len(bytes);
        sized.map_err(|error| failed(scratch.folder.refused(error)))?;
        Ok(scratch)
    }

    /// The file.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.folder.give_back(self.bytes);
    }
}
