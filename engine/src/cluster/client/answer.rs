//! What becomes of a query that a pool runs, for all who read its rows: the pool is asked once, when the first of them
//! wants to know, and the query ends with the last of them.

use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::Pool;
use super::exec::Told;
use crate::cluster::protocol::{
    Failed, Finished, Missing, Source, Submit, Trouble, Update, update,
};
use crate::error::EngineError;
use crate::layers::LayerGraph;

/// What a failed query ended with.
pub(super) fn error(failed: Failed) -> DataFusionError {
    Trouble { message: failed.message, kind: failed.kind, lost: None }.into_error()
}

/// Where the rows of a query are, once they are made.
pub(super) struct There {
    pub(super) job: u64,
    pub(super) finished: Finished,
    /// Rows that were lost are made again, and told of again.
    time: u64,
}

/// The last that was heard of a query. Rows that were made can be fetched also where nothing more is heard.
#[derive(Default)]
struct News {
    there: Option<Arc<There>>,
    ended: Option<Arc<DataFusionError>>,
}

impl News {
    /// What is newer than `before`, or why there will be nothing.
    fn after(&self, before: Option<&There>) -> Option<Result<Arc<There>>> {
        let is_new = |there: &&Arc<There>| before.is_none_or(|before| there.time > before.time);
        let ended = || self.ended.clone().map(|error| Err(DataFusionError::Shared(error)));
        self.there.as_ref().filter(is_new).map(|there| Ok(Arc::clone(there))).or_else(ended)
    }
}

/// A query that was asked of a pool, or will be.
pub(super) struct Answer {
    pub(super) pool: Arc<Pool>,
    submit: Submit,
    told: Arc<Mutex<Told>>,
    news: watch::Sender<News>,
    listener: Mutex<Option<SpawnedTask<()>>>,
}

impl Answer {
    pub(super) fn new(pool: Arc<Pool>, submit: Submit, told: Arc<Mutex<Told>>) -> Arc<Self> {
        let (news, listener) = (watch::Sender::new(News::default()), Mutex::default());
        Arc::new(Self { pool, submit, told, news, listener })
    }

    /// Waits until the rows are made, and made again where those of `before` are lost.
    pub(super) async fn after(&self, before: Option<&There>) -> Result<Arc<There>> {
        self.listen();
        let mut news = self.news.subscribe();
        loop {
            if let Some(there) = news.borrow_and_update().after(before) {
                return there;
            }
            if news.changed().await.is_err() {
                return internal_err!("nobody listens to the pool");
            }
        }
    }

    /// Has rows made again that their worker does not give, unless they are already.
    pub(super) async fn miss(&self, there: &There, source: Option<Source>) -> Result<()> {
        if self.news.borrow().after(Some(there)).is_some() {
            return Ok(());
        }
        let missing = Missing { job: there.job, source };
        self.pool.link.ask(&missing).await.map_err(DataFusionError::from)?;
        Ok(())
    }

    /// Asks the pool, if that was not done.
    fn listen(&self) {
        let mut listener = self.listener.lock();
        if listener.is_some() {
            return;
        }
        let mut submit = self.submit.clone();
        submit.measure = self.told.lock().measure;
        let (pool, told, news) =
            (Arc::clone(&self.pool), Arc::clone(&self.told), self.news.clone());
        *listener = Some(SpawnedTask::spawn(async move {
            if let Err(error) = hear(&pool, &submit, &told, &news).await {
                news.send_modify(|news| news.ended = Some(Arc::new(error)));
            }
        }));
    }
}

/// Listens for as long as there is something to hear.
async fn hear(
    pool: &Pool,
    submit: &Submit,
    told: &Mutex<Told>,
    news: &watch::Sender<News>,
) -> Result<()> {
    let mut updates = pool.link.listen(submit).await.map_err(DataFusionError::from)?;
    let mut time = 0;
    while let Some(update) = updates.next().await {
        let Update { job, state } = update.map_err(DataFusionError::from)?;
        match state {
            Some(update::State::Running(running)) => told.lock().running = running,
            Some(update::State::Failed(failed)) => return Err(error(failed)),
            Some(update::State::Finished(finished)) => {
                {
                    let mut told = told.lock();
                    told.layers = LayerGraph::from_json(&finished.layers).ok();
                    told.running.tasks_done = told.running.tasks;
                }
                time += 1;
                let there = Arc::new(There { job, finished, time });
                news.send_modify(|news| news.there = Some(there));
            }
            None => {}
        }
    }
    Err(EngineError::Pool(format!("the scheduler at {} has gone", pool.address())).into())
}
