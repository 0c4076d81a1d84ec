//! The rows of a query, from wherever they lie. A part that is made is fetched whole before its first row is
//! handed out, into memory as far as there is room and to disk beyond: when its worker goes away meanwhile, the
//! part is made again by another and nobody has seen half of it. One that is being made is handed out as it comes,
//! and no faster; should its worker go away, the part is read again from where it was.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use arrow::ipc::reader::StreamReader;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use super::answer::{Answer, Place, Rows, Telling, not_the_same};
use crate::cluster::protocol::{Parts, Source};
use crate::cluster::worker::{Output, OutputId, Outputs};
use crate::config::options_of;
use crate::run::SpillFolder;

/// How often rows may fail to come while they are made, one time after the other, before the whole part is waited for.
const BROKEN: usize = 3;
/// How long is waited before they are asked for again.
const AGAIN: Duration = Duration::from_millis(200);

/// One share of the parts of an answer, of so many: the shares, in their order, are the whole in its order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) at: usize,
    pub(super) of: usize,
}

impl Share {
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
        given: 0,
        came: 0,
        skip: 0,
        now: None,
        lost: None,
        broke: 0,
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
    /// How many parts of the share were handed out.
    given: usize,
    /// How many rows of the next part were handed out.
    came: u64,
    /// How many of those that come were handed out before.
    skip: u64,
    /// Rows that are being handed out.
    now: Option<Now>,
    /// Where the next part cannot be had any more.
    lost: Option<Telling>,
    /// How often rows did not come while they were made, since the last that did.
    broke: usize,
}

struct Now {
    rows: BoxStream<'static, Result<RecordBatch>>,
    told: Telling,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(Now { rows, told }) = &mut self.now {
                let told = *told;
                match rows.next().await {
                    Some(Ok(batch)) => match self.unseen(batch) {
                        Some(batch) => return Ok(Some(self.named(&batch)?)),
                        None => continue,
                    },
                    // Whether these were all is said when the part is made.
                    None if told.live => self.lost = Some(told),
                    None => self.gave(),
                    Some(Err(_)) if told.live => {
                        self.lost = Some(told);
                        self.broke += 1;
                    }
                    Some(Err(error)) => return Err(error),
                }
                self.now = None;
            }
            let Some(place) = self.place().await? else { return Ok(None) };
            let told = place.told;
            let rows = place.part.source.as_ref().map_or(0, |source| source.rows);
            if !told.live && rows < self.came {
                return Err(not_the_same());
            }
            if !told.live && rows == self.came {
                if self.answer.hand_out(&place)? {
                    self.gave();
                }
                continue;
            }
            match self.fetched(&place).await {
                Ok(rows) => {
                    if self.answer.hand_out(&place)? {
                        self.skip = self.came;
                        self.now = Some(Now { rows, told });
                    }
                }
                // It is made again, and told of when it is there.
                Err(Fetch::Lost) if told.live => {
                    self.broke += 1;
                    tokio::time::sleep(AGAIN).await;
                }
                Err(Fetch::Lost) => {
                    self.lost = Some(told);
                    self.answer.miss(&place).await?;
                }
                Err(Fetch::Failed(error)) => return Err(error),
            }
        }
    }

    /// A part was handed out whole.
    fn gave(&mut self) {
        self.given += 1;
        (self.came, self.broke, self.lost) = (0, 0, None);
    }

    /// The rows of a batch that were not handed out before, if there are any.
    fn unseen(&mut self, batch: RecordBatch) -> Option<RecordBatch> {
        let seen = (batch.num_rows() as u64).min(self.skip);
        self.skip -= seen;
        let rows = batch.num_rows() - seen as usize;
        self.came += rows as u64;
        if rows > 0 {
            self.broke = 0;
        }
        (rows > 0).then(|| batch.slice(seen as usize, rows))
    }

    /// Columns go by the names and the nullability that the query's have.
    fn named(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().to_vec();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }

    /// Where the next part of the share is, once it is anywhere; none if there is none.
    async fn place(&mut self) -> Result<Option<Place>> {
        let Self { answer, share, given, lost, .. } = self;
        let may_be_live = self.broke < BROKEN;
        let is_of_use = |told: Telling| *lost != Some(told) && (may_be_live || !told.live);
        let found = |rows: &Rows| {
            let of = rows.parts.len();
            let next = share.part(*given, of);
            answer.goes_on(rows, next.is_none())?;
            let Some(at) = next else { return Ok(Some(None)) };
            let found = rows.parts.get(at).cloned().flatten().zip(rows.telling(at));
            Ok(found
                .filter(|(_, told)| is_of_use(*told))
                .map(|(part, told)| Some(Place { job: rows.job, of, part, told })))
        };
        answer.wait(found).await
    }

    async fn fetched(
        &mut self,
        place: &Place,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>, Fetch> {
        let Place { job, part, told, .. } = place;
        if let Some(inline) = &part.inline {
            let reader = StreamReader::try_new(Cursor::new(inline.clone()), None);
            let reader = reader.map_err(DataFusionError::from).map_err(Fetch::Failed)?;
            let batches = reader.map(|batch| batch.map_err(DataFusionError::from));
            return Ok(futures::stream::iter(batches.collect::<Vec<_>>()).boxed());
        }
        let Some(source) = &part.source else { return Err(Fetch::Lost) };
        let parts = Parts {
            job: *job,
            stage: told.stage,
            tasks: vec![told.task],
            output: source.output,
            live: told.live,
        };
        if told.live {
            return self.coming(parts, source).await;
        }
        let output = self.spooled(parts, source).await?;
        output.read(0).map(StreamExt::boxed).ok_or(Fetch::Lost)
    }

    /// Rows as they are made.
    async fn coming(
        &mut self,
        parts: Parts,
        source: &Source,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>, Fetch> {
        // Who reads slowly holds up nobody on a connection of its own.
        let link = self.answer.pool.links.apart(&source.address);
        let link = link.map_err(|error| Fetch::Failed(error.into()))?;
        let rows = link.fetch(&parts).await.map_err(|_| Fetch::Lost)?;
        Ok(rows.map_err(|error| DataFusionError::External(Box::new(error))).boxed())
    }

    async fn spooled(&mut self, parts: Parts, source: &Source) -> Result<Arc<Output>, Fetch> {
        let links = &self.answer.pool.links;
        let link = links.to(&source.address).map_err(|error| Fetch::Failed(error.into()))?;
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
                let Parts { job, stage, .. } = parts;
                let id = OutputId { job, stage, task: source.task.unwrap_or_default() };
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
