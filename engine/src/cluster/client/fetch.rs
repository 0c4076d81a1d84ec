//! The rows of a query, from wherever they lie. A part is fetched whole before its first row is handed
//! out, into memory as far as there is room and to disk beyond: when its worker goes away meanwhile, the
//! part is made again by another and nobody has seen half of it.

use std::io::Cursor;
use std::sync::Arc;

use arrow::ipc::reader::StreamReader;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;

use super::Pool;
use super::exec::Told;
use crate::cluster::protocol::{
    Failed, Finished, Missing, Part, Parts, Source, Submit, TaskId, Trouble, Update, update,
};
use crate::cluster::worker::{Output, OutputId, Outputs};
use crate::config::options_of;
use crate::error::EngineError;
use crate::layers::LayerGraph;
use crate::run::SpillFolder;

/// What a failed query ended with.
pub(super) fn error(failed: Failed) -> DataFusionError {
    Trouble { message: failed.message, kind: failed.kind, lost: None }.into_error()
}

/// Runs a query and returns its rows. Dropped, it ends the query.
pub(super) fn rows(
    pool: Arc<Pool>,
    submit: Submit,
    told: Arc<Mutex<Told>>,
    schema: SchemaRef,
    context: &TaskContext,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let strata = options_of(context.session_config().options());
    let folder = SpillFolder::of(context.session_config())?;
    let limit = strata.memory.limit.pool_bytes();
    let spool = Outputs::new(Arc::clone(context.memory_pool()), limit, folder);
    let query = Query {
        pool,
        spool,
        told,
        schema,
        batch_size: context.session_config().batch_size(),
        updates: None,
        submit,
        given: Vec::new(),
        now: None,
        there: None,
    };
    Ok(futures::stream::try_unfold(query, |mut query| async move {
        Ok(query.next().await?.map(|batch| (batch, query)))
    })
    .boxed())
}

struct Query {
    pool: Arc<Pool>,
    spool: Arc<Outputs>,
    told: Arc<Mutex<Told>>,
    schema: SchemaRef,
    batch_size: usize,
    submit: Submit,
    updates: Option<BoxStream<'static, crate::Result<Update>>>,
    /// The parts whose rows were handed out.
    given: Vec<TaskId>,
    /// Rows that are being handed out.
    now: Option<BoxStream<'static, Result<RecordBatch>>>,
    /// The answer, once it is there, and its job.
    there: Option<(u64, Finished)>,
}

impl Query {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(rows) = &mut self.now {
                match rows.try_next().await? {
                    // Columns go by the names and the nullability that the query's have.
                    Some(batch) => {
                        let columns = batch.columns().to_vec();
                        let options = arrow::array::RecordBatchOptions::new()
                            .with_row_count(Some(batch.num_rows()));
                        let schema = Arc::clone(&self.schema);
                        return Ok(Some(RecordBatch::try_new_with_options(
                            schema, columns, &options,
                        )?));
                    }
                    None => self.now = None,
                }
            }
            let Some((job, finished)) = self.there.take() else {
                self.there = Some(self.hear().await?);
                continue;
            };
            let again = self.given.iter().zip(&finished.parts).any(|(given, part)| {
                part.source.as_ref().and_then(|source| source.task) != Some(*given)
            });
            if again {
                return Err(EngineError::Pool(
                    "a worker was lost while its rows were handed out, and they may not be the same \
                     again: run the query once more"
                        .to_string(),
                )
                .into());
            }
            let Some(part) = finished.parts.get(self.given.len()) else { return Ok(None) };
            match self.part(job, &finished, part).await {
                Ok(rows) => {
                    self.given.extend(part.source.as_ref().and_then(|source| source.task));
                    self.now = Some(rows);
                    self.there = Some((job, finished));
                }
                // It is made again, and told of when it is there.
                Err(Fetch::Lost) => {
                    let missing = Missing { job, source: part.source.clone() };
                    self.pool.link.ask(&missing).await.map_err(DataFusionError::from)?;
                }
                Err(Fetch::Failed(error)) => return Err(error),
            }
        }
    }

    /// Waits for the answer.
    async fn hear(&mut self) -> Result<(u64, Finished)> {
        let updates = match &mut self.updates {
            Some(updates) => updates,
            None => {
                self.submit.measure = self.told.lock().measure;
                let asked = self.pool.link.listen(&self.submit).await;
                self.updates.insert(asked.map_err(DataFusionError::from)?)
            }
        };
        while let Some(update) = updates.next().await {
            let Update { job, state } = update.map_err(DataFusionError::from)?;
            match state {
                Some(update::State::Running(running)) => self.told.lock().running = running,
                Some(update::State::Failed(failed)) => return Err(error(failed)),
                Some(update::State::Finished(finished)) => {
                    let mut told = self.told.lock();
                    told.layers = LayerGraph::from_json(&finished.layers).ok();
                    told.running.tasks_done = told.running.tasks;
                    return Ok((job, finished));
                }
                None => {}
            }
        }
        let gone = format!("the scheduler at {} has gone", self.pool.address());
        Err(EngineError::Pool(gone).into())
    }

    async fn part(
        &mut self,
        job: u64,
        finished: &Finished,
        part: &Part,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>, Fetch> {
        if let Some(inline) = &part.inline {
            let reader = StreamReader::try_new(Cursor::new(inline.clone()), None);
            let reader = reader.map_err(DataFusionError::from).map_err(Fetch::Failed)?;
            let batches = reader.map(|batch| batch.map_err(DataFusionError::from));
            return Ok(futures::stream::iter(batches.collect::<Vec<_>>()).boxed());
        }
        let Some(source) = &part.source else { return Err(Fetch::Lost) };
        if source.rows == 0 {
            return Ok(futures::stream::empty().boxed());
        }
        let output = self.spooled(job, finished.stage, source).await?;
        output.read(0).map(StreamExt::boxed).ok_or(Fetch::Lost)
    }

    async fn spooled(
        &mut self,
        job: u64,
        stage: u32,
        source: &Source,
    ) -> Result<Arc<Output>, Fetch> {
        let link =
            self.pool.links.to(&source.address).map_err(|error| Fetch::Failed(error.into()))?;
        let task = source.task.unwrap_or_default();
        let parts = Parts { job, stage, tasks: vec![task], output: source.output };
        let mut rows = link.fetch(&parts).await.map_err(|_| Fetch::Lost)?;
        let mut writer = None;
        let mut came = 0;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(|_| Fetch::Lost)?;
            came += batch.num_rows() as u64;
            let writer =
                writer.get_or_insert_with(|| self.spool.write(batch.schema(), 1, self.batch_size));
            writer.push(0, batch).map_err(Fetch::Failed)?;
        }
        match writer {
            Some(writer) if came == source.rows => {
                let id = OutputId { job, stage, task };
                let output = writer.finish(id).map_err(Fetch::Failed)?;
                // Who reads it holds it.
                self.spool.clear();
                Ok(output)
            }
            _ => Err(Fetch::Lost),
        }
    }
}

enum Fetch {
    /// The worker did not give the rows.
    Lost,
    /// They came and cannot be kept.
    Failed(DataFusionError),
}
