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

use super::answer::{Answer, There};
use crate::cluster::protocol::{Part, Parts, Source, TaskId};
use crate::cluster::worker::{Output, OutputId, Outputs};
use crate::config::options_of;
use crate::error::EngineError;
use crate::run::SpillFolder;

/// One share of the parts of an answer, of so many: the shares, in their order, are the whole in its order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) at: usize,
    pub(super) of: usize,
}

impl Share {
    pub(super) const WHOLE: Self = Self { at: 0, of: 1 };

    /// The `n`th part of the share, if it has so many of these `parts`. The first share has one where there is one.
    fn part(self, n: usize, parts: usize) -> Option<usize> {
        let bound = |at: usize| (at * parts).div_ceil(self.of.max(1));
        let part = bound(self.at) + n;
        (part < bound(self.at + 1)).then_some(part)
    }
}

/// Has a query run and returns its rows, or a share of them. The last that is dropped ends the query.
pub(super) fn rows(
    answer: Arc<Answer>,
    share: Share,
    schema: SchemaRef,
    context: &TaskContext,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let strata = options_of(context.session_config().options());
    let folder = SpillFolder::of(context.session_config())?;
    let limit = strata.memory.limit.pool_bytes();
    let spool = Outputs::new(Arc::clone(context.memory_pool()), limit, folder);
    let batch_size = context.session_config().batch_size();
    let reader = Reader {
        answer,
        share,
        spool,
        schema,
        batch_size,
        parts: None,
        given: Vec::new(),
        now: None,
        there: None,
    };
    Ok(futures::stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|batch| (batch, reader)))
    })
    .boxed())
}

struct Reader {
    answer: Arc<Answer>,
    share: Share,
    spool: Arc<Outputs>,
    schema: SchemaRef,
    batch_size: usize,
    /// How many parts the answer had when the first of ours was handed out.
    parts: Option<usize>,
    /// The parts whose rows were handed out.
    given: Vec<TaskId>,
    /// Rows that are being handed out.
    now: Option<BoxStream<'static, Result<RecordBatch>>>,
    /// The answer, once it is there.
    there: Option<Arc<There>>,
}

impl Reader {
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
            let there = match &self.there {
                Some(there) => Arc::clone(there),
                None => self.answer.after(None).await?,
            };
            self.there = Some(Arc::clone(&there));
            let Some(part) = self.part(&there)? else { return Ok(None) };
            match self.rows(&there, part).await {
                Ok(rows) => {
                    self.given.extend(part.source.as_ref().and_then(|source| source.task));
                    self.now = Some(rows);
                }
                // It is made again, and told of when it is there.
                Err(Fetch::Lost) => {
                    self.answer.miss(&there, part.source.clone()).await?;
                    self.there = Some(self.answer.after(Some(&there)).await?);
                }
                Err(Fetch::Failed(error)) => return Err(error),
            }
        }
    }

    /// The next part of the share.
    fn part<'a>(&mut self, there: &'a There) -> Result<Option<&'a Part>> {
        let parts = &there.finished.parts;
        let at = |n: usize| parts.get(self.share.part(n, parts.len())?);
        let again =
            self.given.iter().enumerate().any(|(n, given)| {
                at(n).and_then(|part| part.source.as_ref()?.task) != Some(*given)
            });
        if again || self.parts.is_some_and(|before| before != parts.len()) {
            return Err(EngineError::Pool(
                "a worker was lost while its rows were handed out, and they may not be the same \
                 again: run the query once more"
                    .to_string(),
            )
            .into());
        }
        self.parts = Some(parts.len());
        Ok(at(self.given.len()))
    }

    async fn rows(
        &mut self,
        there: &There,
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
        let output = self.spooled(there.job, there.finished.stage, source).await?;
        output.read(0).map(StreamExt::boxed).ok_or(Fetch::Lost)
    }

    async fn spooled(
        &mut self,
        job: u64,
        stage: u32,
        source: &Source,
    ) -> Result<Arc<Output>, Fetch> {
        let links = &self.answer.pool.links;
        let link = links.to(&source.address).map_err(|error| Fetch::Failed(error.into()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_the_whole_in_its_order() {
        for parts in 0..20 {
            for of in 1..8 {
                assert_eq!(Share { at: 0, of }.part(0, parts), (parts > 0).then_some(0));
                let shares = (0..of).map(|at| Share { at, of });
                let all = shares.flat_map(|share| (0..).map_while(move |n| share.part(n, parts)));
                assert!(all.eq(0..parts), "{parts} parts in {of} shares");
            }
        }
    }
}
