//! Rows that are fetched while they are made. Until somebody wants them they are kept like all others;
//! then they are handed over, and what is made from there on goes to whoever reads, and waits for them:
//! no part is made faster than it is read, and rows that were taken along are not kept here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use super::outputs::{Output, OutputId, OutputWriter, Outputs};

/// Batches that are made before they are fetched.
const AHEAD: usize = 4;
/// A task that has waited so long for its reader counts as parked.
const PARKED: Duration = Duration::from_millis(500);
/// How long is waited for a task that the scheduler says has begun: its order may come after its reader.
const BEGUN: Duration = Duration::from_secs(3);

/// Tasks whose rows may be fetched while they are made.
#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    running: Arc<Mutex<HashMap<OutputId, Option<Wanted>>>>,
    begun: Arc<watch::Sender<()>>,
    /// Since when tasks wait for their readers.
    waiting: Arc<Mutex<HashMap<OutputId, Instant>>>,
}

/// Rows, and what they look like.
pub(super) type Rows = (SchemaRef, BoxStream<'static, Result<RecordBatch>>);

/// By this its rows are handed over to whoever wants them.
type Wanted = oneshot::Sender<HandedOver>;

/// All rows of a task: those it has made, and those to come. The end is told, so that a task that broke off is not
/// taken for one that is done.
#[derive(Debug)]
struct HandedOver {
    made: Arc<Output>,
    coming: mpsc::Receiver<Coming>,
}

#[derive(Debug)]
enum Coming {
    Rows(RecordBatch),
    End,
}

impl Live {
    /// How many tasks wait for readers who do not come: others may have their cores meanwhile.
    pub(super) fn parked(&self) -> usize {
        self.waiting.lock().values().filter(|since| since.elapsed() >= PARKED).count()
    }

    /// Lets the rows of a task be fetched while it makes them.
    pub(super) fn begin(&self, id: OutputId) -> Running {
        self.running.lock().insert(id, None);
        self.begun.send_replace(());
        Running { live: self.clone(), id, reader: None }
    }

    /// The rows of a task that runs, or has just ended; none if it does not run here.
    pub(super) async fn read(&self, id: OutputId, outputs: &Outputs) -> Option<Rows> {
        let whole = |output: Arc<Output>| Some((output.schema(), output.read(0)?.boxed()));
        let mut begun = self.begun.subscribe();
        let asked = tokio::time::timeout(BEGUN, async {
            loop {
                if let Some(wanted) = self.running.lock().get_mut(&id) {
                    let (sender, handed_over) = oneshot::channel();
                    *wanted = Some(sender);
                    return Ok(handed_over);
                }
                // What does not run any more is there.
                if let Some(output) = outputs.get(id) {
                    return Err(output);
                }
                // Its sender lives as long as this does.
                let _ = begun.changed().await;
            }
        });
        match asked.await.ok()? {
            Err(output) => whole(output),
            Ok(handed_over) => match handed_over.await {
                Ok(HandedOver { made, coming }) => {
                    let rows = made.read(0)?.chain(rows(coming));
                    Some((made.schema(), rows.boxed()))
                }
                // It ended before it had anything to hand over.
                Err(_) => whole(outputs.get(id)?),
            },
        }
    }
}

/// A task whose rows may be fetched.
pub(super) struct Running {
    live: Live,
    id: OutputId,
    /// Who has them, from when they were handed over.
    reader: Option<mpsc::Sender<Coming>>,
}

impl Running {
    /// Gives rows to whoever reads them, and else to the writer.
    pub(super) async fn push(
        &mut self,
        writer: &mut OutputWriter,
        batch: RecordBatch,
    ) -> Result<()> {
        if self.reader.is_none()
            && let Some(wanted) = self.wanted()
        {
            let (sender, coming) = mpsc::channel(AHEAD);
            let made = writer.hand_over()?;
            // Who does not want it any more is noticed with the next rows.
            let _ = wanted.send(HandedOver { made, coming });
            self.reader = Some(sender);
        }
        match &self.reader {
            Some(reader) => {
                writer.count(0, &batch);
                let _waiting = match reader.capacity() {
                    0 => Some(Waiting::begin(&self.live, self.id)),
                    _ => None,
                };
                reader.send(Coming::Rows(batch)).await.map_err(|_| cut_off())
            }
            None => writer.push(0, batch),
        }
    }

    /// Takes out whoever wants the rows: from then on nobody else does.
    fn wanted(&self) -> Option<Wanted> {
        let mut running = self.live.running.lock();
        let wanted = running.get_mut(&self.id)?.take();
        if wanted.is_some() {
            running.remove(&self.id);
        }
        wanted
    }

    /// All rows are made.
    pub(super) async fn finish(self, writer: OutputWriter) -> Result<Arc<Output>> {
        if let Some(reader) = &self.reader {
            reader.send(Coming::End).await.map_err(|_| cut_off())?;
        }
        writer.finish(self.id)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.live.running.lock().remove(&self.id);
    }
}

/// A task that waits for its reader.
struct Waiting<'a> {
    live: &'a Live,
    id: OutputId,
}

impl<'a> Waiting<'a> {
    fn begin(live: &'a Live, id: OutputId) -> Self {
        live.waiting.lock().insert(id, Instant::now());
        Self { live, id }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.live.waiting.lock().remove(&self.id);
    }
}

/// Rows were given away that their reader did not get: they are made again for whoever comes.
#[derive(Debug, thiserror::Error)]
#[error("whoever read these rows while they were made was cut off")]
pub(in crate::cluster) struct CutOff;

fn cut_off() -> DataFusionError {
    DataFusionError::External(Box::new(CutOff))
}

fn rows(coming: mpsc::Receiver<Coming>) -> impl Stream<Item = Result<RecordBatch>> {
    futures::stream::unfold(Some(coming), |coming| async move {
        let mut coming = coming?;
        match coming.recv().await {
            Some(Coming::Rows(batch)) => Some((Ok(batch), Some(coming))),
            Some(Coming::End) => None,
            None => Some((
                Err(DataFusionError::Execution("the task that made these rows broke off".into())),
                None,
            )),
        }
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::execution::memory_pool::UnboundedMemoryPool;
    use futures::TryStreamExt;

    use crate::cluster::protocol::TaskId;
    use crate::config::{ByteSize, SpillOptions};
    use crate::run::SpillFolder;

    use super::*;

    const ID: OutputId = OutputId { job: 1, stage: 2, task: TaskId { part: 3, attempt: 0 } };

    fn outputs() -> (tempfile::TempDir, Arc<Outputs>) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().display().to_string();
        let folder =
            SpillFolder::new(&SpillOptions { directory, limit: ByteSize(1 << 20) }).unwrap();
        (root, Outputs::new(Arc::new(UnboundedMemoryPool::default()), 1 << 20, folder))
    }

    fn batch(from: i64) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let column = Int64Array::from_iter_values(from..from + 10);
        RecordBatch::try_new(schema, vec![Arc::new(column)]).unwrap()
    }

    fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
        let column =
            |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        batches.iter().flat_map(column).collect()
    }

    /// The rows of the task, as somebody else reads them.
    fn reading(
        live: &Live,
        outputs: &Arc<Outputs>,
    ) -> impl Future<Output = BoxStream<'static, Result<RecordBatch>>> + Send + use<> {
        let (live, outputs) = (live.clone(), Arc::clone(outputs));
        async move { live.read(ID, &outputs).await.unwrap().1 }
    }

    #[tokio::test]
    async fn rows_are_all_there_whenever_somebody_comes() {
        for comes_after in [0, 1, 7, 20] {
            let (_root, outputs) = outputs();
            let live = Live::default();
            let coming = reading(&live, &outputs);
            let all = async { coming.await.try_collect::<Vec<_>>().await.unwrap() };
            let mut reader = Some(all);
            let mut read = None;
            let mut writer = outputs.write(batch(0).schema(), 1, 4096);
            let mut running = live.begin(ID);
            for n in 0..20 {
                if n == comes_after {
                    read = reader.take().map(tokio::spawn);
                    tokio::task::yield_now().await;
                }
                running.push(&mut writer, batch(n * 10)).await.unwrap();
            }
            let output = running.finish(writer).await.unwrap();
            assert_eq!((output.rows(), output.is_away()), (vec![200], comes_after < 20));
            let rows = match (read, reader) {
                (Some(read), _) => read.await.unwrap(),
                (None, reader) => reader.unwrap().await,
            };
            assert_eq!(numbers(&rows), (0..200).collect::<Vec<_>>(), "{comes_after}");
            // What was given away is not here any more.
            assert_eq!(outputs.get(ID).is_some(), comes_after == 20);
        }
    }

    #[tokio::test]
    async fn no_rows_are_made_that_nobody_reads_and_none_pass_for_all() {
        let (_root, outputs) = outputs();
        let live = Live::default();
        let mut running = live.begin(ID);
        let mut writer = outputs.write(batch(0).schema(), 1, 10);
        let read = tokio::spawn(reading(&live, &outputs));
        tokio::task::yield_now().await;
        let mut made = 0;
        let ahead = tokio::time::timeout(Duration::from_millis(200), async {
            loop {
                running.push(&mut writer, batch(made * 10)).await.unwrap();
                made += 1;
            }
        });
        assert!(ahead.await.is_err());
        assert_eq!(made, AHEAD as i64, "it waits for its reader");
        drop(running);
        let rows: Vec<_> = read.await.unwrap().collect().await;
        assert_eq!(rows.len(), AHEAD + 1);
        let error = rows.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains("broke off"), "{error}");
        assert!(live.running.lock().is_empty());
    }

    #[tokio::test]
    async fn who_is_cut_off_has_the_task_end() {
        let (_root, outputs) = outputs();
        let live = Live::default();
        let mut running = live.begin(ID);
        let mut writer = outputs.write(batch(0).schema(), 1, 10);
        let read = tokio::spawn(reading(&live, &outputs));
        tokio::task::yield_now().await;
        running.push(&mut writer, batch(0)).await.unwrap();
        drop(read.await.unwrap());
        let error = running.push(&mut writer, batch(10)).await.unwrap_err();
        let trouble = crate::cluster::protocol::Trouble::of(&error);
        assert_eq!((trouble.what(), trouble.lost), (crate::cluster::trouble::Kind::Lost, None));
    }
}
