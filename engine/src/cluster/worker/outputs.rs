//! What a worker has made and others will ask for: in memory as long as there is room, on disk beyond.
//!
//! Each task writes for itself, one list of batches for each part of the stages above. When memory is
//! refused, all that the task holds goes to one file, part after part, and is read from there.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use arrow::compute::BatchCoalescer;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use futures::Stream;
use parking_lot::Mutex;

use crate::cluster::protocol::TaskId;
use crate::run::{Scratch, SpillFolder};

/// What outputs may take of the memory limit before they go to disk.
const SHARE: usize = 4;

/// Which task made an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::cluster) struct OutputId {
    pub(in crate::cluster) job: u64,
    pub(in crate::cluster) stage: u32,
    pub(in crate::cluster) task: TaskId,
}

/// All that a worker has made.
#[derive(Debug)]
pub(in crate::cluster) struct Outputs {
    made: Mutex<HashMap<OutputId, Arc<Output>>>,
    pool: Arc<dyn MemoryPool>,
    /// In memory, together.
    limit: usize,
    held: Mutex<usize>,
    folder: SpillFolder,
}

impl Outputs {
    pub(in crate::cluster) fn new(
        pool: Arc<dyn MemoryPool>,
        limit: usize,
        folder: SpillFolder,
    ) -> Arc<Self> {
        Arc::new(Self {
            made: Mutex::default(),
            pool,
            limit: limit / SHARE,
            held: Mutex::new(0),
            folder,
        })
    }

    /// What a task made.
    pub(in crate::cluster) fn get(&self, id: OutputId) -> Option<Arc<Output>> {
        self.made.lock().get(&id).cloned()
    }

    /// Drops what was made for a job.
    pub(super) fn forget(&self, job: u64) {
        let mut made = self.made.lock();
        let gone: Vec<_> = made.extract_if(|id, _| id.job == job).collect();
        drop(made);
        drop(gone);
    }

    /// Drops everything: nobody will ask again.
    pub(in crate::cluster) fn clear(&self) {
        let all = std::mem::take(&mut *self.made.lock());
        drop(all);
    }

    /// Starts an output of so many parts.
    pub(in crate::cluster) fn write(
        self: &Arc<Self>,
        schema: SchemaRef,
        parts: usize,
        batch_size: usize,
    ) -> OutputWriter {
        let coalescer = || {
            BatchCoalescer::new(Arc::clone(&schema), batch_size)
                .with_biggest_coalesce_batch_size(Some(batch_size / 2))
        };
        OutputWriter {
            open: (0..parts).map(|_| coalescer()).collect(),
            output: self.output(Arc::clone(&schema), parts),
            outputs: Arc::clone(self),
        }
    }

    /// One that has no rows yet.
    fn output(self: &Arc<Self>, schema: SchemaRef, parts: usize) -> Output {
        Output {
            schema,
            parts: (0..parts).map(|_| Part::default()).collect(),
            file: None,
            reservation: MemoryConsumer::new("rows for other workers")
                .with_can_spill(true)
                .register(&self.pool),
            _held: Held { outputs: Arc::clone(self), bytes: 0 },
            is_away: false,
        }
    }
}

/// What one task made.
#[derive(Debug)]
pub(in crate::cluster) struct Output {
    schema: SchemaRef,
    parts: Vec<Part>,
    file: Option<Arc<Scratch>>,
    reservation: MemoryReservation,
    _held: Held,
    /// Its rows were given away while they were made: it knows how many they are.
    is_away: bool,
}

/// Counts what outputs hold in memory.
#[derive(Debug)]
struct Held {
    outputs: Arc<Outputs>,
    bytes: usize,
}

impl Held {
    fn grow(&mut self, bytes: usize) -> bool {
        let mut held = self.outputs.held.lock();
        if *held + bytes > self.outputs.limit {
            return false;
        }
        *held += bytes;
        self.bytes += bytes;
        true
    }

    fn free(&mut self) {
        *self.outputs.held.lock() -= self.bytes;
        self.bytes = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.free();
    }
}

/// Rows for one part of the stages above.
#[derive(Debug, Default)]
struct Part {
    /// On disk, and before those in memory.
    segments: Vec<Segment>,
    batches: Vec<RecordBatch>,
    rows: u64,
    bytes: u64,
}

/// A stream of batches within a file.
#[derive(Debug, Clone, Copy)]
struct Segment {
    offset: u64,
    length: u64,
}

impl Output {
    pub(in crate::cluster) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    pub(super) fn rows(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.rows).collect()
    }

    pub(super) fn bytes(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.bytes).collect()
    }

    /// Whether its rows were given away while they were made.
    pub(super) fn is_away(&self) -> bool {
        self.is_away
    }

    /// The rows for a part; none if there is no such part.
    pub(in crate::cluster) fn read(
        self: &Arc<Self>,
        part: usize,
    ) -> Option<impl Stream<Item = Result<RecordBatch>> + Send + 'static + use<>> {
        let found = self.parts.get(part)?;
        let file = self.file.clone();
        let segments = futures::stream::iter(found.segments.clone()).map(move |segment| {
            let file = file.clone();
            async move {
                let read = tokio::task::spawn_blocking(move || read(file.as_deref(), segment));
                read.await.map_err(|error| DataFusionError::External(Box::new(error)))?
            }
        });
        use futures::{StreamExt, TryStreamExt};
        let from_disk = segments
            .buffered(1)
            .map_ok(|batches| futures::stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        let output = Arc::clone(self);
        let in_memory = (0..found.batches.len())
            .filter_map(move |at| Some(Ok(output.parts.get(part)?.batches.get(at)?.clone())));
        Some(from_disk.chain(futures::stream::iter(in_memory)))
    }
}

fn read(file: Option<&Scratch>, segment: Segment) -> Result<Vec<RecordBatch>> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let mut bytes = vec![0; usize::try_from(segment.length).map_err(io::Error::other)?];
    file.read_at(&mut bytes, segment.offset)?;
    let reader = StreamReader::try_new(io::Cursor::new(bytes), None)?;
    reader.map(|batch| Ok(batch?)).collect()
}

/// An output that is being made.
pub(in crate::cluster) struct OutputWriter {
    /// Rows that are too few for a batch yet.
    open: Vec<BatchCoalescer>,
    output: Output,
    outputs: Arc<Outputs>,
}

impl OutputWriter {
    /// Adds rows to a part.
    pub(in crate::cluster) fn push(&mut self, part: usize, batch: RecordBatch) -> Result<()> {
        let Some(open) = self.open.get_mut(part) else {
            return Err(DataFusionError::Internal(format!("rows for part {part}, which is none")));
        };
        open.push_batch(batch)?;
        while let Some(whole) =
            self.open.get_mut(part).and_then(BatchCoalescer::next_completed_batch)
        {
            self.keep(part, whole)?;
        }
        Ok(())
    }

    fn keep(&mut self, part: usize, batch: RecordBatch) -> Result<()> {
        let bytes = batch.get_array_memory_size();
        let fits = self.output._held.grow(bytes) && self.output.reservation.try_grow(bytes).is_ok();
        self.count(part, &batch);
        if let Some(found) = self.output.parts.get_mut(part) {
            found.batches.push(batch);
        }
        if fits { Ok(()) } else { self.spill() }
    }

    /// Counts rows that are made, wherever they go.
    pub(super) fn count(&mut self, part: usize, batch: &RecordBatch) {
        if let Some(found) = self.output.parts.get_mut(part) {
            found.rows += batch.num_rows() as u64;
            found.bytes += batch.get_array_memory_size() as u64;
        }
    }

    /// Gives away what is made so far, and only counts from here on.
    pub(super) fn hand_over(&mut self) -> Result<Arc<Output>> {
        self.flush()?;
        let mut rest = self.outputs.output(self.output.schema(), self.output.parts.len());
        for (rest, made) in rest.parts.iter_mut().zip(&self.output.parts) {
            (rest.rows, rest.bytes) = (made.rows, made.bytes);
        }
        rest.is_away = true;
        Ok(Arc::new(std::mem::replace(&mut self.output, rest)))
    }

    /// Moves everything to the file.
    fn spill(&mut self) -> Result<()> {
        let file = match &self.output.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = Arc::new(Scratch::empty(self.outputs.folder.clone())?);
                Arc::clone(self.output.file.insert(file))
            }
        };
        for part in &mut self.output.parts {
            if part.batches.is_empty() {
                continue;
            }
            let mut writer = StreamWriter::try_new(Vec::new(), &self.output.schema)?;
            for batch in part.batches.drain(..) {
                writer.write(&batch)?;
            }
            let bytes = writer.into_inner()?;
            let length = bytes.len() as u64;
            let offset = file.extend(length)?;
            file.write_at(&bytes, offset)?;
            part.segments.push(Segment { offset, length });
        }
        self.output._held.free();
        self.output.reservation.free();
        Ok(())
    }

    /// Keeps the rows that are too few for a batch.
    fn flush(&mut self) -> Result<()> {
        for part in 0..self.open.len() {
            if let Some(open) = self.open.get_mut(part) {
                open.finish_buffered_batch()?;
            }
            while let Some(last) =
                self.open.get_mut(part).and_then(BatchCoalescer::next_completed_batch)
            {
                self.keep(part, last)?;
            }
        }
        Ok(())
    }

    /// Ends the output, and has it found unless it was given away.
    pub(in crate::cluster) fn finish(mut self, id: OutputId) -> Result<Arc<Output>> {
        self.flush()?;
        let output = Arc::new(self.output);
        if !output.is_away {
            self.outputs.made.lock().insert(id, Arc::clone(&output));
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::execution::memory_pool::UnboundedMemoryPool;
    use futures::TryStreamExt;

    use crate::config::{ByteSize, SpillOptions};

    use super::*;

    const ID: OutputId = OutputId { job: 1, stage: 2, task: TaskId { part: 3, attempt: 0 } };

    fn outputs(limit: usize, disk: u64) -> (tempfile::TempDir, Arc<Outputs>) {
        let root = tempfile::tempdir().unwrap();
        let options =
            SpillOptions { directory: root.path().display().to_string(), limit: ByteSize(disk) };
        let folder = SpillFolder::new(&options).unwrap();
        (root, Outputs::new(Arc::new(UnboundedMemoryPool::default()), limit * SHARE, folder))
    }

    fn batch(from: i64, rows: i64) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let column = Int64Array::from_iter_values(from..from + rows);
        RecordBatch::try_new(schema, vec![Arc::new(column)]).unwrap()
    }

    async fn numbers(output: &Arc<Output>, part: usize) -> Vec<i64> {
        let batches: Vec<_> = output.read(part).unwrap().try_collect().await.unwrap();
        batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect()
    }

    #[tokio::test]
    async fn rows_come_back_in_order_from_memory_and_from_disk() {
        for limit in [0, 3000, 1 << 20] {
            let (_root, outputs) = outputs(limit, 1 << 30);
            let mut writer = outputs.write(batch(0, 0).schema(), 3, 100);
            for turn in 0..50 {
                writer.push(turn % 2, batch(turn as i64 * 10, 10)).unwrap();
            }
            let output = writer.finish(ID).unwrap();
            assert_eq!(output.rows(), [250, 250, 0]);
            for part in [0, 1] {
                let wanted: Vec<i64> = (0..50)
                    .filter(|turn| turn % 2 == part)
                    .flat_map(|turn| turn * 10..turn * 10 + 10)
                    .collect();
                assert_eq!(numbers(&output, part as usize).await, wanted, "limit {limit}");
            }
            assert!(numbers(&output, 2).await.is_empty());
            assert!(output.read(3).is_none());
            assert!(outputs.get(ID).is_some());
            outputs.forget(2);
            assert!(outputs.get(ID).is_some());
            outputs.forget(1);
            assert!(outputs.get(ID).is_none());
            drop(output);
            assert_eq!(*outputs.held.lock(), 0);
        }
    }

    #[test]
    fn a_full_disk_is_said() {
        let (_root, outputs) = outputs(0, 100);
        let mut writer = outputs.write(batch(0, 0).schema(), 1, 100);
        let error = writer.push(0, batch(0, 1000)).unwrap_err().to_string();
        assert!(error.contains("out of spill space"), "{error}");
    }
}
