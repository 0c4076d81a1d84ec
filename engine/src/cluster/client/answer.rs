//! What becomes of a query that a pool runs, for all who read its rows: the pool is asked once, when the first of them
//! wants to know, and the query ends with the last of them.

use std::collections::BTreeMap;
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
    Failed, Missing, Part, Submit, TaskId, There, Trouble, Update, update,
};
use crate::error::EngineError;
use crate::layers::LayerGraph;

/// Rows that were handed out, and those that are made again, may not be of one answer.
pub(super) fn not_the_same() -> DataFusionError {
    let said = "a worker was lost while its rows were handed out, and they may not be the same again: run the query \
                once more";
    EngineError::Pool(said.to_string()).into()
}

/// What a failed query ended with.
pub(super) fn error(failed: Failed) -> DataFusionError {
    Trouble { message: failed.message, kind: failed.kind, lost: None }.into_error()
}

/// One telling of where a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Telling {
    pub(super) stage: u32,
    pub(super) task: TaskId,
    /// It is being made.
    pub(super) live: bool,
}

impl Telling {
    fn of(stage: u32, part: &Part) -> Option<Self> {
        Some(Self { stage, task: part.source.as_ref()?.task?, live: part.live })
    }
}

/// Where the rows of a query are, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) job: u64,
    pub(super) stage: u32,
    /// A part that is made again has the same rows as before.
    pub(super) repeats: bool,
    pub(super) parts: Vec<Option<Arc<Part>>>,
}

impl Rows {
    /// Takes in what has changed.
    fn hear(&mut self, job: u64, there: There) {
        let There { stage, of, repeats, parts } = there;
        let of = of as usize;
        if self.shape() != (stage, of) {
            self.parts = vec![None; of];
        }
        (self.job, self.stage, self.repeats) = (job, stage, repeats);
        for part in parts {
            if let Some(known) = self.parts.get_mut(part.at as usize) {
                *known = Some(Arc::new(part));
            }
        }
    }

    /// Which telling of a part is the last.
    pub(super) fn telling(&self, at: usize) -> Option<Telling> {
        Telling::of(self.stage, self.parts.get(at)?.as_deref()?)
    }

    /// The stage that makes them, and how many parts they have.
    fn shape(&self) -> (u32, usize) {
        (self.stage, self.parts.len())
    }
}

/// The last that was heard of a query. Rows that were made can be fetched also where nothing more is heard.
#[derive(Default)]
struct News {
    rows: Option<Rows>,
    ended: Option<Arc<DataFusionError>>,
}

/// A query that was asked of a pool, or will be.
pub(super) struct Answer {
    pub(super) pool: Arc<Pool>,
    submit: Submit,
    told: Arc<Mutex<Told>>,
    news: watch::Receiver<News>,
    listener: Mutex<Listener>,
    given: Mutex<Given>,
}

/// Whoever hears what the pool says.
enum Listener {
    /// Nobody, until somebody wants to know.
    None(watch::Sender<News>),
    /// It tells the others. When it ends, they know.
    Hears { _task: SpawnedTask<()> },
}

/// The parts that were handed out, of all shares: they must be of one answer.
#[derive(Default)]
struct Given {
    /// The stage that made them, and how many parts it has.
    of: Option<(u32, usize)>,
    /// By whom they were made, where that makes a difference.
    tasks: BTreeMap<usize, TaskId>,
}

/// A part, and where it is.
pub(super) struct Place {
    pub(super) job: u64,
    /// How many parts there are.
    pub(super) of: usize,
    pub(super) part: Arc<Part>,
    pub(super) told: Telling,
}

impl Answer {
    pub(super) fn new(pool: Arc<Pool>, submit: Submit, told: Arc<Mutex<Told>>) -> Arc<Self> {
        let (teller, news) = watch::channel(News::default());
        let listener = Mutex::new(Listener::None(teller));
        Arc::new(Self { pool, submit, told, news, listener, given: Mutex::default() })
    }

    /// Looks at where the rows are until `found` has found what it looks for, or why there will be nothing.
    pub(super) async fn wait<T>(
        &self,
        mut found: impl FnMut(&Rows) -> Result<Option<T>>,
    ) -> Result<T> {
        self.listen();
        let mut news = self.news.clone();
        loop {
            {
                let News { rows, ended } = &*news.borrow_and_update();
                if let Some(found) = rows.as_ref().map(&mut found).transpose()?.flatten() {
                    return Ok(found);
                }
                if let Some(error) = ended {
                    return Err(DataFusionError::Shared(Arc::clone(error)));
                }
            }
            if news.changed().await.is_err() {
                return internal_err!("nobody listens to the pool");
            }
        }
    }

    /// Whether rows are of the same plan as those that were handed out; and so are all, where a share has `ended`.
    pub(super) fn goes_on(&self, rows: &Rows, ended: bool) -> Result<()> {
        let mut given = self.given.lock();
        if given.of.is_some_and(|of| of != rows.shape()) {
            return Err(not_the_same());
        }
        if ended {
            given.of = Some(rows.shape());
        }
        Ok(())
    }

    /// Has a part that was fetched handed out with all others; `false` where it is made anew by now.
    pub(super) fn hand_out(&self, place: &Place) -> Result<bool> {
        let news = self.news.borrow();
        let Some(rows) = &news.rows else { return Ok(false) };
        let mut given = self.given.lock();
        let now = rows.shape();
        let is_made_by =
            |at: usize, task: TaskId| rows.telling(at).is_some_and(|told| told.task == task);
        let others = !rows.repeats && !given.tasks.iter().all(|(at, task)| is_made_by(*at, *task));
        if given.of.is_some_and(|of| of != now) || others {
            return Err(not_the_same());
        }
        let at = place.part.at as usize;
        let is_there = rows.repeats || is_made_by(at, place.told.task);
        if (place.told.stage, place.of) != now || !is_there {
            return Ok(false);
        }
        given.of = Some(now);
        if !rows.repeats {
            given.tasks.insert(at, place.told.task);
        }
        Ok(true)
    }

    /// Has a part made again that its worker does not give, unless it is already.
    pub(super) async fn miss(&self, place: &Place) -> Result<()> {
        let Place { job, part, told, .. } = place;
        let is_known = |news: &News| {
            let known = news.rows.as_ref().and_then(|rows| rows.telling(part.at as usize));
            known == Some(*told)
        };
        if is_known(&self.news.borrow()) {
            let missing = Missing { job: *job, stage: told.stage, source: part.source.clone() };
            self.pool.link.ask(&missing).await.map_err(DataFusionError::from)?;
        }
        Ok(())
    }

    /// Asks the pool, if that was not done.
    fn listen(&self) {
        let mut listener = self.listener.lock();
        let Listener::None(news) = &*listener else { return };
        let news = news.clone();
        let mut submit = self.submit.clone();
        submit.measure = self.told.lock().measure;
        let (pool, told) = (Arc::clone(&self.pool), Arc::clone(&self.told));
        let _task = SpawnedTask::spawn(async move {
            if let Err(error) = hear(&pool, &submit, &told, &news).await {
                news.send_modify(|news| news.ended = Some(Arc::new(error)));
            }
        });
        *listener = Listener::Hears { _task };
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
    while let Some(update) = updates.next().await {
        let Update { job, state, there } = update.map_err(DataFusionError::from)?;
        match state {
            Some(update::State::Running(running)) => told.lock().running = running,
            Some(update::State::Failed(failed)) => return Err(error(failed)),
            Some(update::State::Finished(finished)) => {
                let mut told = told.lock();
                told.layers = LayerGraph::from_json(&finished.layers).ok();
                told.running.tasks_done = told.running.tasks;
            }
            None => {}
        }
        // Whoever has read all rows knows all else.
        if let Some(there) = there {
            news.send_modify(|news| news.rows.get_or_insert_default().hear(job, there));
        }
    }
    Err(EngineError::Pool(format!("the scheduler at {} has gone", pool.address())).into())
}

#[cfg(test)]
mod tests {
    use crate::cluster::link::{Link, Links};
    use crate::cluster::protocol::Source;
    use crate::cluster::security::Security;

    use super::*;

    fn answer() -> Arc<Answer> {
        let security = Security::default();
        let link = Link::to("127.0.0.1:1".parse().unwrap(), &security).unwrap();
        let pool = Pool { link, links: Links::new(security), cores: 1.into() };
        Answer::new(Arc::new(pool), Submit::default(), Arc::default())
    }

    fn part(at: u32, attempt: u32) -> Part {
        let task = Some(TaskId { part: at, attempt });
        Part { at, source: Some(Source { task, ..Source::default() }), ..Part::default() }
    }

    /// Says where two parts are, by the attempts that made them.
    fn tell(answer: &Answer, stage: u32, repeats: bool, attempts: [u32; 2]) {
        let Listener::None(news) = &*answer.listener.lock() else { panic!("somebody listens") };
        let parts = (0..).zip(attempts).map(|(at, attempt)| part(at, attempt)).collect();
        let there = There { stage, of: 2, repeats, parts };
        news.send_modify(|news| news.rows.get_or_insert_default().hear(1, there));
    }

    /// Hands a part out as it was when this was fetched.
    fn hand_out(answer: &Answer, stage: u32, at: u32, attempt: u32) -> Result<bool> {
        let part = Arc::new(part(at, attempt));
        let told = Telling::of(stage, &part).unwrap();
        answer.hand_out(&Place { job: 1, of: 2, part, told })
    }

    #[tokio::test]
    async fn parts_of_two_answers_are_not_handed_out_together() {
        let one = answer();
        tell(&one, 3, false, [0, 0]);
        assert!(hand_out(&one, 3, 0, 0).unwrap());
        // Another share has fetched its part of rows that are made anew since.
        tell(&one, 3, false, [1, 1]);
        let error = hand_out(&one, 3, 1, 1).unwrap_err().to_string();
        assert!(error.contains("run the query once more"), "{error}");
        // What nobody has seen may be others.
        let one = answer();
        tell(&one, 3, false, [0, 0]);
        tell(&one, 3, false, [1, 1]);
        assert!(!hand_out(&one, 3, 0, 0).unwrap(), "it is elsewhere by now");
        assert!(hand_out(&one, 3, 0, 1).unwrap() && hand_out(&one, 3, 1, 1).unwrap());
    }

    #[tokio::test]
    async fn parts_that_repeat_go_with_each_other_until_all_is_planned_anew() {
        let one = answer();
        tell(&one, 3, true, [0, 0]);
        assert!(hand_out(&one, 3, 0, 0).unwrap());
        tell(&one, 3, true, [1, 1]);
        assert!(hand_out(&one, 3, 1, 0).unwrap());
        tell(&one, 5, true, [0, 0]);
        assert!(hand_out(&one, 5, 1, 0).is_err());
    }

    #[tokio::test]
    async fn a_share_that_has_ended_has_ended_by_one_plan() {
        let rows = |stage, of| Rows { stage, parts: vec![None; of], ..Rows::default() };
        let one = answer();
        one.goes_on(&rows(3, 8), false).unwrap();
        one.goes_on(&rows(5, 4), false).unwrap();
        // One had nothing of four parts; of another plan's two it might have had some.
        one.goes_on(&rows(5, 4), true).unwrap();
        assert!(
            one.goes_on(&rows(7, 2), false).is_err() && one.goes_on(&rows(7, 4), true).is_err()
        );
        // Half of the parts of a plan are not all of another's.
        let one = answer();
        tell(&one, 3, true, [0, 0]);
        assert!(hand_out(&one, 3, 0, 0).unwrap());
        assert!(one.goes_on(&rows(5, 1), true).is_err());
    }

    #[tokio::test]
    async fn who_waits_is_told_how_it_ended() {
        let pool = answer();
        let error = pool.wait(|_| Ok(None::<()>)).await.unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:1 cannot be reached"), "{error}");
    }
}
