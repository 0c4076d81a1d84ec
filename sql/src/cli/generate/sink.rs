//! A table's files: encoded units go in as threads finish them and are written in order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use parquet::file::writer::SerializedFileWriter;

use super::Format;
use super::encode::{Chunk, Encoder};
use super::error::GenerateError;
use super::summary::TableSummary;
use super::table::Cut;

/// How often a waiting thread looks whether all is called off.
const LOOK_UP: Duration = Duration::from_millis(50);

/// The files of one table, in a folder of its own.
pub(super) struct Sink {
    table: String,
    folder: PathBuf,
    format: Format,
    cut: Cut,
    state: Mutex<State>,
    moved_on: Condvar,
}

#[derive(Default)]
struct State {
    /// The unit to be written next.
    next: u64,
    /// Units that came before their turn.
    early: BTreeMap<u64, Chunk>,
    open: Option<OpenFile>,
    files: u64,
    bytes: u64,
}

struct OpenFile {
    path: PathBuf,
    writer: FileWriter,
}

enum FileWriter {
    Parquet(Box<SerializedFileWriter<File>>),
    Csv(File),
}

impl Sink {
    /// Files for `table` in `folder`, which must exist.
    pub(super) fn new(table: &str, folder: PathBuf, format: Format, cut: Cut) -> Self {
        let (state, moved_on) = (Mutex::default(), Condvar::new());
        Self { table: table.to_owned(), folder, format, cut, state, moved_on }
    }

    /// The file that `unit` goes to.
    pub(super) fn path(&self, unit: u64) -> PathBuf {
        let (file, digits) = (self.cut.file_of(unit), self.cut.files.to_string().len().max(3));
        self.folder.join(format!("part-{file:0digits$}.{}", self.format.extension()))
    }

    /// Waits until no more than `ahead` units lie between `unit` and the one written next: what
    /// came early is held in memory, and one slow unit must not fill it. `false` when called off.
    pub(super) fn wait_for_turn(&self, unit: u64, ahead: u64, off: impl Fn() -> bool) -> bool {
        let mut state = self.state.lock();
        while unit > state.next + ahead {
            if off() {
                return false;
            }
            self.moved_on.wait_for(&mut state, LOOK_UP);
        }
        !off()
    }

    /// Takes an encoded unit, and writes it and those after it that are there.
    pub(super) fn put(
        &self,
        unit: u64,
        chunk: Chunk,
        encoder: &Encoder,
    ) -> Result<(), GenerateError> {
        let mut state = self.state.lock();
        state.early.insert(unit, chunk);
        loop {
            let next = state.next;
            let Some(chunk) = state.early.remove(&next) else { return Ok(()) };
            self.write(&mut state, next, chunk, encoder)?;
            state.next += 1;
            self.moved_on.notify_all();
        }
    }

    fn write(
        &self,
        state: &mut State,
        unit: u64,
        chunk: Chunk,
        encoder: &Encoder,
    ) -> Result<(), GenerateError> {
        let mut file = match state.open.take() {
            Some(file) => file,
            None => OpenFile::create(self.path(unit), encoder)?,
        };
        file.append(chunk)?;
        if self.cut.closes(unit) {
            state.bytes += file.finish()?;
            state.files += 1;
        } else {
            state.open = Some(file);
        }
        Ok(())
    }

    /// What was written, with the rows that the caller counted.
    pub(super) fn summary(&self, rows: u64) -> TableSummary {
        let state = self.state.lock();
        TableSummary { name: self.table.clone(), rows, files: state.files, bytes: state.bytes }
    }
}

impl OpenFile {
    fn create(path: PathBuf, encoder: &Encoder) -> Result<Self, GenerateError> {
        let file = File::create_new(&path).map_err(GenerateError::io("create", &path))?;
        let writer = match encoder {
            Encoder::Csv => FileWriter::Csv(file),
            Encoder::Parquet(parquet) => {
                let (root, properties) =
                    (Arc::clone(&parquet.root), Arc::clone(&parquet.properties));
                let writer = SerializedFileWriter::new(file, root, properties);
                FileWriter::Parquet(Box::new(writer.map_err(GenerateError::parquet(&path))?))
            }
        };
        Ok(Self { path, writer })
    }

    fn append(&mut self, chunk: Chunk) -> Result<(), GenerateError> {
        let path: &Path = &self.path;
        match (&mut self.writer, chunk) {
            (FileWriter::Parquet(writer), Chunk::Parquet(columns)) => {
                let append = || {
                    let mut group = writer.next_row_group()?;
                    for column in columns {
                        column.append_to_row_group(&mut group)?;
                    }
                    group.close()
                };
                append().map(drop).map_err(GenerateError::parquet(path))
            }
            (FileWriter::Csv(file), Chunk::Csv(text)) => {
                file.write_all(&text).map_err(GenerateError::io("write", path))
            }
            // One encoder makes both the file and its chunks.
            (FileWriter::Parquet(_), Chunk::Csv(_)) | (FileWriter::Csv(_), Chunk::Parquet(_)) => {
                Ok(())
            }
        }
    }

    /// Ends the file and gives its size.
    fn finish(self) -> Result<u64, GenerateError> {
        let path: &Path = &self.path;
        if let FileWriter::Parquet(writer) = self.writer {
            writer.close().map_err(GenerateError::parquet(path))?;
        }
        Ok(path.metadata().map_err(GenerateError::io("read", path))?.len())
    }
}
