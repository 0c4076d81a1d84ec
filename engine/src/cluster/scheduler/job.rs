//! A query on its way through the pool: which parts of which stages are made, by whom, and what is to
//! be made next. Nothing here talks to anyone: it is told what happened and asked what to do.
//!
//! There is no list of losses to recover from. A part is made or it is not; where it lies is read from
//! that when a plan is sent. A worker that is gone takes its parts with it, and they are not made any
//! more: whatever above still needs them waits until they are made again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::error::Result;
use tokio::sync::watch;

use super::measured;
use super::stages::{Planned, StagePlan, StageWork};
use super::tasks::{State, Tasks};
use crate::cluster::protocol::{
    Failed, Finished, Part, Run, Running, Source, TaskId, TaskReport, Trouble, task_report, update,
};
use crate::cluster::trouble::Kind;
use crate::cluster::worker::{Holder, Made, Shape, Sources};
use crate::layers::LayerGraph;
use crate::wire::Wire;

/// The number of a query.
pub(super) type JobId = u64;
/// The number of a membership.
pub(super) type WorkerId = u64;

/// A result as small as this comes with the news that it is there.
const INLINE: u64 = 1 << 20;
/// How often a task is tried elsewhere when a machine, and not the query, is at fault.
const TRIES: usize = 3;
/// How long a job waits for a worker when the last one has gone.
const ALONE: Duration = Duration::from_secs(10);
/// How many workers a task may take along.
const FATAL: usize = 4;
/// How often a client may not reach a worker that the scheduler reaches.
const UNREACHED: usize = 3;
/// How many pairs of workers may be unable to talk before the job gives up.
const CUTS: usize = 16;

/// A query on its way.
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) title: String,
    pub(super) settings: HashMap<String, String>,
    /// As the client sent it, for planning it again.
    pub(super) plan: Bytes,
    pub(super) began: Instant,
    /// It was refused memory, and is planned once more, or was.
    frugal: bool,
    /// It has no plan to work at until the next one is made.
    planning: bool,
    stages: Vec<Stage>,
    /// What stages of earlier plans were numbered.
    first_stage: u32,
    /// Workers that lately could not be reached by others.
    shunned: BTreeSet<WorkerId>,
    cuts: usize,
    unreached: usize,
    /// Since when there has been nobody to work at it.
    alone_since: Option<Instant>,
    /// What its layers came to is wanted.
    measure: bool,
    /// What a worker that planned the whole said of its layers.
    layers: Option<LayerGraph>,
    state: watch::Sender<update::State>,
    ended: Option<Ended>,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Finished,
    Failed,
    Cancelled,
}

/// What a job asks for when a task has failed.
pub(super) enum Remedy {
    /// Nothing: it goes on, or has failed.
    None,
    /// To be planned again, for little memory.
    PlanFrugally,
}

struct Stage {
    number: u32,
    plan: StagePlan,
    tasks: Tasks,
    /// Who was sent the plan of this edition.
    edition: u32,
    sent: BTreeSet<WorkerId>,
    encoded: Option<Bytes>,
    /// What its tasks took together, in microseconds, and how many they were.
    took: (u64, u32),
    /// What the operators counted, by the worker that ran them and the edition it had.
    metrics: BTreeMap<(WorkerId, u32), measured::Counted>,
}

impl Stage {
    fn is_complete(&self) -> bool {
        self.tasks.are_complete()
    }

    /// What its operators counted, on all workers.
    fn counted(&self) -> measured::Counted {
        let mut sum: measured::Counted = Vec::new();
        for counted in self.metrics.values() {
            if sum.is_empty() {
                sum.clone_from(counted);
                continue;
            }
            for (sum, more) in sum.iter_mut().zip(counted) {
                *sum = match (*sum, *more) {
                    (Some(sum), Some(more)) => Some(sum.and(more)),
                    (sum, more) => sum.or(more),
                };
            }
        }
        sum
    }

    /// Its plan is no more what was sent.
    fn renew(&mut self) {
        self.edition += 1;
        self.sent.clear();
        self.encoded = None;
    }
}

/// A part to be made: the place of its stage, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) stage: usize,
    pub(super) part: usize,
}

impl Job {
    pub(super) fn new(
        id: JobId,
        title: String,
        settings: HashMap<String, String>,
        plan: Bytes,
        measure: bool,
        planned: Planned,
    ) -> Self {
        let mut job = Self {
            id,
            title,
            settings,
            plan,
            began: Instant::now(),
            frugal: false,
            planning: false,
            stages: Vec::new(),
            first_stage: 0,
            shunned: BTreeSet::new(),
            cuts: 0,
            unreached: 0,
            alone_since: None,
            measure,
            layers: None,
            state: watch::Sender::new(update::State::Running(Running::default())),
            ended: None,
        };
        job.take_plan(planned);
        job
    }

    /// Starts over with another plan.
    pub(super) fn take_plan(&mut self, planned: Planned) {
        self.planning = false;
        self.first_stage += self.stages.len() as u32;
        self.stages = planned
            .stages
            .into_iter()
            .zip(self.first_stage..)
            .map(|(plan, number)| Stage {
                number,
                tasks: Tasks::new(plan.parts),
                plan,
                edition: 0,
                sent: BTreeSet::new(),
                encoded: None,
                took: (0, 0),
                metrics: BTreeMap::new(),
            })
            .collect();
        self.look();
    }

    /// What becomes of it, as it becomes.
    pub(super) fn watch(&self) -> watch::Receiver<update::State> {
        self.state.subscribe()
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// What it is doing, in a word.
    pub(super) fn state(&self) -> &'static str {
        match self.ended {
            Some(Ended::Finished) => "finished",
            Some(Ended::Failed) => "failed",
            Some(Ended::Cancelled) => "cancelled",
            None if self.running() == 0 => "waiting",
            None => "running",
        }
    }

    pub(super) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// Tasks that are made, and all there are.
    pub(super) fn progress(&self) -> (usize, usize) {
        let count = |of: fn(&Tasks) -> usize| self.stages.iter().map(|s| of(&s.tasks)).sum();
        (count(|tasks| tasks.made().tasks), count(|tasks| tasks.all().len()))
    }

    /// Tasks that are still to be made, of stages that can be worked at, and the time of one core that all
    /// that is left will take. A task takes as long as those of its stage took; where none has been
    /// made, as those of the job did.
    pub(super) fn outstanding(&self, unknown: Duration) -> (usize, Duration) {
        if self.ended.is_some() {
            return (0, Duration::ZERO);
        }
        let mean = |times: (u64, u32)| match times {
            (_, 0) => None,
            (total, made) => Some(Duration::from_micros(total / u64::from(made))),
        };
        let all = self
            .stages
            .iter()
            .fold((0, 0), |sum: (u64, u32), stage| (sum.0 + stage.took.0, sum.1 + stage.took.1));
        let usual = mean(all).unwrap_or(unknown);
        let left = |stage: &Stage| stage.tasks.all().len() - stage.tasks.made().tasks;
        let work = self
            .stages
            .iter()
            .map(|stage| mean(stage.took).unwrap_or(usual).saturating_mul(left(stage) as u32));
        let tasks = self.ready().filter_map(|place| self.stages.get(place)).map(left).sum();
        (tasks, work.sum())
    }

    /// Tasks that run.
    pub(super) fn running(&self) -> usize {
        self.stages.iter().map(|stage| stage.tasks.running()).sum()
    }

    /// How many tasks of a worker's run.
    pub(super) fn running_on(&self, worker: WorkerId) -> usize {
        self.stages.iter().map(|stage| stage.tasks.running_on(worker)).sum()
    }

    /// Whether somebody may still ask a worker for what it made.
    pub(super) fn needs(&self, worker: WorkerId) -> bool {
        let needed = self.needed();
        let last = self.stages.len().saturating_sub(1);
        self.stages.iter().enumerate().any(|(place, stage)| {
            let read = place == last
                || needed.iter().any(|above| {
                    self.stages.get(*above).is_some_and(|above| above.plan.inputs.contains(&place))
                });
            read && stage.tasks.all().iter().any(|task| task.worker() == Some(worker))
        })
    }

    /// The stages that are to be worked at: the last one, until it is complete, and whatever one that
    /// is to be worked at reads.
    fn needed(&self) -> Vec<usize> {
        let mut needed = vec![false; self.stages.len()];
        if let Some(last) = needed.last_mut() {
            *last = true;
        }
        // Inputs stand before those that read them.
        for (place, stage) in self.stages.iter().enumerate().rev() {
            if needed.get(place) == Some(&true) {
                if stage.is_complete() {
                    if let Some(done) = needed.get_mut(place) {
                        *done = false;
                    }
                    continue;
                }
                for input in &stage.plan.inputs {
                    if let Some(input) = needed.get_mut(*input) {
                        *input = true;
                    }
                }
            }
        }
        needed.iter().enumerate().filter_map(|(place, needed)| needed.then_some(place)).collect()
    }

    /// The stages whose parts can be made now.
    fn ready(&self) -> impl Iterator<Item = usize> + '_ {
        self.needed().into_iter().filter(|place| {
            let inputs = self.stages.get(*place).map(|stage| &stage.plan.inputs);
            inputs.is_some_and(|inputs| {
                inputs.iter().all(|at| self.stages.get(*at).is_some_and(Stage::is_complete))
            })
        })
    }

    /// What a worker is to make next, if there is anything. `others` are the workers there are.
    pub(super) fn next(&self, worker: WorkerId, others: &[WorkerId]) -> Option<Place> {
        if self.ended.is_some() || self.planning || self.is_shunned(worker, others) {
            return None;
        }
        let mut second = None;
        for place in self.ready() {
            let Some(stage) = self.stages.get(place) else { continue };
            for (part, task) in stage.tasks.waiting() {
                // Not where it failed, while there is another who has not.
                if task.failed.contains(&worker)
                    && others.iter().any(|other| !task.failed.contains(other))
                {
                    continue;
                }
                let found = Place { stage: place, part };
                match self.home_of(stage, part) {
                    Some(home) if home != worker && others.contains(&home) => {
                        second.get_or_insert(found);
                    }
                    _ => return Some(found),
                }
            }
        }
        second
    }

    fn is_shunned(&self, worker: WorkerId, others: &[WorkerId]) -> bool {
        self.shunned.contains(&worker) && others.iter().any(|other| !self.shunned.contains(other))
    }

    /// Who has all that a part is made of.
    fn home_of(&self, stage: &Stage, part: usize) -> Option<WorkerId> {
        let [input] = stage.plan.inputs[..] else { return None };
        let below = self.stages.get(input)?;
        if below.plan.outputs() > 1 || below.tasks.all().len() != stage.tasks.all().len() {
            return None;
        }
        below.tasks.get(part)?.worker()
    }

    /// Has a worker make a part. `address` tells where workers are.
    pub(super) fn start(
        &mut self,
        place: Place,
        worker: WorkerId,
        wire: &Arc<Wire>,
        address: impl Fn(WorkerId) -> Option<String>,
    ) -> Result<Option<Run>> {
        let Some(stage) = self.stages.get(place.stage) else { return Ok(None) };
        if stage.encoded.is_none() {
            let made: Vec<(usize, Sources)> = stage
                .plan
                .inputs
                .iter()
                .filter_map(|at| Some((*at, self.sources(*at, &address)?)))
                .collect();
            let bytes = stage.plan.encoded(wire, &made)?;
            if let Some(stage) = self.stages.get_mut(place.stage) {
                stage.encoded = Some(bytes);
            }
        }
        let (job, last) = (self.id, place.stage + 1 == self.stages.len());
        let settings = &self.settings;
        let Some(stage) = self.stages.get_mut(place.stage) else { return Ok(None) };
        let known = !stage.sent.insert(worker);
        let Some(task) = stage.tasks.get_mut(place.part) else { return Ok(None) };
        let id = TaskId { part: place.part as u32, attempt: task.attempts };
        task.attempts += 1;
        stage.tasks.set(place.part, State::Running { worker, attempt: id.attempt });
        Ok(Some(Run {
            job,
            stage: stage.number,
            tasks: vec![id],
            plan: if known { Bytes::new() } else { stage.encoded.clone().unwrap_or_default() },
            edition: stage.edition,
            settings: if known { HashMap::new() } else { settings.clone() },
            whole: matches!(stage.plan.work, StageWork::Whole(_)),
            inline: if last { INLINE } else { 0 },
            measure: self.measure,
        }))
    }

    /// Where the rows of a stage lie.
    fn sources(
        &self,
        place: usize,
        address: &impl Fn(WorkerId) -> Option<String>,
    ) -> Option<Sources> {
        let stage = self.stages.get(place)?;
        let mut holders: Vec<Holder> = Vec::new();
        let tasks = stage.tasks.all().iter().enumerate().map(|(part, task)| {
            let State::Made { worker, attempt, done } = task.state() else { return None };
            let known = holders.iter().position(|holder| holder.worker == *worker);
            let at = match known {
                Some(at) => at,
                None => {
                    holders.push(Holder { worker: *worker, address: address(*worker)? });
                    holders.len() - 1
                }
            };
            Some(Made {
                task: Some(TaskId { part: part as u32, attempt: *attempt }),
                worker: at as u32,
                rows: done.rows.clone(),
            })
        });
        let tasks: Option<Vec<Made>> = tasks.collect();
        let shape = if stage.plan.outputs() > 1 { Shape::Spread } else { Shape::Each };
        Some(Sources {
            job: self.id,
            stage: stage.number,
            holders,
            tasks: tasks?,
            shape: shape as i32,
        })
    }

    /// What a worker says of a task. What is said of an attempt that does not count any more is not
    /// heard.
    pub(super) fn hear(&mut self, from: WorkerId, report: TaskReport) -> Remedy {
        let Some(id) = report.task else { return Remedy::None };
        let place = report.stage.checked_sub(self.first_stage).map(|place| place as usize);
        let Some(stage) = place.and_then(|place| self.stages.get_mut(place)) else {
            return Remedy::None;
        };
        let edition = stage.edition;
        let Some(task) = stage.tasks.get(id.part as usize) else { return Remedy::None };
        let counts = matches!(*task.state(),
            State::Running { worker, attempt } if worker == from && attempt == id.attempt);
        if !counts || self.planning || self.ended.is_some() {
            return Remedy::None;
        }
        match report.outcome {
            Some(task_report::Outcome::Done(mut done)) => {
                stage.took.0 = stage.took.0.saturating_add(done.microseconds);
                stage.took.1 += 1;
                let counted = std::mem::take(&mut done.metrics);
                match stage.plan.work {
                    StageWork::Whole(_) if self.measure => {
                        self.layers = LayerGraph::from_json(&counted).ok();
                    }
                    StageWork::Whole(_) => {}
                    StageWork::Parts { .. } => {
                        let counted = serde_json::from_str(&counted).unwrap_or_default();
                        stage.metrics.insert((from, edition), counted);
                    }
                }
                let made = State::Made { worker: from, attempt: id.attempt, done };
                stage.tasks.set(id.part as usize, made);
                self.look();
                Remedy::None
            }
            Some(task_report::Outcome::Failed(trouble)) => {
                let place = Place { stage: place.unwrap_or_default(), part: id.part as usize };
                self.fail_task(place, from, trouble)
            }
            None => Remedy::None,
        }
    }

    fn fail_task(&mut self, place: Place, worker: WorkerId, trouble: Trouble) -> Remedy {
        let kind = trouble.what();
        let Some(stage) = self.stages.get_mut(place.stage) else { return Remedy::None };
        let whole = matches!(stage.plan.work, StageWork::Whole(_));
        stage.tasks.set(place.part, State::Waiting);
        let Some(task) = stage.tasks.get_mut(place.part) else { return Remedy::None };
        match kind {
            Kind::Lost => {
                stage.renew();
                self.cut_off(trouble);
                Remedy::None
            }
            Kind::Io | Kind::Store if task.failed.len() + 1 < TRIES => {
                task.failed.push(worker);
                stage.renew();
                Remedy::None
            }
            Kind::Memory if !self.frugal && !whole => {
                self.frugal = true;
                self.planning = true;
                Remedy::PlanFrugally
            }
            _ => {
                self.fail(trouble);
                Remedy::None
            }
        }
    }

    /// A worker did not give its rows. If it is gone, that was said already, or is found out soon; if
    /// not, the two cannot talk, and the job goes on without it.
    fn cut_off(&mut self, trouble: Trouble) {
        let Some(silent) = trouble.lost else { return };
        self.cuts += 1;
        if self.cuts > CUTS {
            self.fail(trouble);
            return;
        }
        self.shunned.insert(silent);
        self.drop_parts(|worker| worker == silent);
    }

    /// A worker is gone, and with it what it made.
    pub(super) fn lose(&mut self, worker: WorkerId) {
        if self.ended.is_none_or(|ended| ended == Ended::Finished) {
            self.shunned.remove(&worker);
            let mut fatal = 0;
            for stage in &mut self.stages {
                for part in 0..stage.tasks.all().len() {
                    if let Some(task) = stage.tasks.get_mut(part).filter(|t| t.runs_on(worker)) {
                        task.fatal += 1;
                        fatal = fatal.max(task.fatal);
                    }
                }
            }
            if fatal > FATAL {
                self.fail(Trouble::said(format!(
                    "{fatal} workers were lost while they ran the same part of this query, which may \
                     be more than they can bear: see what ended them, or give them more memory"
                )));
                return;
            }
            self.drop_parts(|gone| gone == worker);
        }
    }

    /// The client could not fetch a part of the answer; `there` says whether the scheduler still has the
    /// worker.
    pub(super) fn miss(&mut self, source: &Source, there: bool) {
        self.unreached += usize::from(there);
        if self.unreached > UNREACHED {
            self.fail(Trouble::said(format!(
                "the worker at {0} has rows of the answer and cannot be reached from here, though the \
                 scheduler reaches it: start workers with a --host that clients reach",
                source.address
            )));
            return;
        }
        let last = self.stages.len().saturating_sub(1);
        let Some(stage) = self.stages.get_mut(last) else { return };
        let Some(id) = source.task else { return };
        if let Some(task) = stage.tasks.get(id.part as usize)
            && matches!(*task.state(), State::Made { worker, attempt, .. }
                if worker == source.worker && attempt == id.attempt)
        {
            stage.tasks.set(id.part as usize, State::Waiting);
            stage.renew();
            self.look();
        }
    }

    fn drop_parts(&mut self, gone: impl Fn(WorkerId) -> bool) {
        let last = self.stages.len().saturating_sub(1);
        let mut reopened = BTreeSet::new();
        for (place, stage) in self.stages.iter_mut().enumerate() {
            let lost = stage.tasks.reopen(|task| {
                let inline = place == last
                    && matches!(task.state(), State::Made { done, .. } if done.inline.is_some());
                task.worker().is_some_and(&gone) && !inline
            });
            stage.sent.retain(|worker| !gone(*worker));
            if lost {
                reopened.insert(place);
            }
        }
        // Who reads them is sent where they lie the next time; and starts over where the rows may not
        // be the same again.
        for place in 0..self.stages.len() {
            let Some(stage) = self.stages.get(place) else { continue };
            let below: Vec<usize> =
                stage.plan.inputs.iter().copied().filter(|at| reopened.contains(at)).collect();
            if below.is_empty() {
                continue;
            }
            let other_rows = below
                .iter()
                .any(|at| self.stages.get(*at).is_some_and(|below| !below.plan.repeats));
            if let Some(stage) = self.stages.get_mut(place) {
                stage.renew();
                if other_rows && !stage.is_complete() {
                    stage.tasks.reopen(|_| true);
                    reopened.insert(place);
                }
            }
        }
        self.look();
    }

    /// Fails when nobody has come for so long that nobody will.
    pub(super) fn give_up_alone(&mut self, nobody: bool) {
        if !nobody || self.ended.is_some() || self.planning || self.running() > 0 {
            self.alone_since = None;
        } else if self.alone_since.get_or_insert_with(Instant::now).elapsed() > ALONE {
            self.fail(Trouble::said(
                "no worker is left in the pool; start some with `strata worker`".to_string(),
            ));
        }
    }

    /// Ends it with an error.
    pub(super) fn fail(&mut self, trouble: Trouble) {
        let state = Failed { message: trouble.message, kind: trouble.kind };
        self.end(Ended::Failed, update::State::Failed(state));
    }

    /// Ends it because somebody asked for that.
    pub(super) fn cancel(&mut self, why: &str) {
        let state = Failed { message: why.to_string(), kind: Kind::Said as u32 };
        self.end(Ended::Cancelled, update::State::Failed(state));
    }

    fn end(&mut self, ended: Ended, state: update::State) {
        if self.ended.is_none_or(|before| before == Ended::Finished) {
            self.ended = Some(ended);
            self.state.send_replace(state);
        }
    }

    /// Tells whoever listens how far it is.
    fn look(&mut self) {
        let (done, tasks) = self.progress();
        let complete = self.stages.last().is_some_and(Stage::is_complete);
        if self.ended == Some(Ended::Finished) && !complete {
            self.ended = None;
        }
        if self.ended.is_some() {
            return;
        }
        if !complete {
            let (rows, bytes) = self.stages.iter().fold((0, 0), |(rows, bytes), stage| {
                (rows + stage.tasks.made().rows, bytes + stage.tasks.made().bytes)
            });
            let running = Running { tasks_done: done as u64, tasks: tasks as u64, rows, bytes };
            self.state.send_replace(update::State::Running(running));
        }
    }

    /// The layers, with what they came to.
    fn measured(&self) -> Option<LayerGraph> {
        let stages: Vec<_> = self.stages.iter().map(|s| (&s.plan, s.counted())).collect();
        match measured::layers(&stages) {
            Ok(Some(layers)) => Some(layers),
            // A worker planned the whole, and said what it came to.
            Ok(None) => self.layers.clone(),
            Err(_) => None,
        }
    }

    /// The answer, once it is there. `address` tells where workers are.
    pub(super) fn finish(&mut self, address: impl Fn(WorkerId) -> Option<String>) {
        let Some(last) = self.stages.last().filter(|stage| stage.is_complete()) else { return };
        if self.ended.is_some() {
            return;
        }
        let parts = last.tasks.all().iter().enumerate().filter_map(|(part, task)| {
            let State::Made { worker, attempt, done } = task.state() else { return None };
            Some(Part {
                source: Some(Source {
                    worker: *worker,
                    // Nobody has to go there for rows that are here.
                    address: match done.inline {
                        Some(_) => String::new(),
                        None => address(*worker)?,
                    },
                    task: Some(TaskId { part: part as u32, attempt: *attempt }),
                    output: 0,
                    rows: done.rows.iter().sum(),
                    bytes: done.bytes.iter().sum(),
                }),
                inline: done.inline.clone(),
            })
        });
        let finished = Finished {
            parts: parts.collect(),
            stage: last.number,
            layers: match self.measure {
                true => self.measured().map(|layers| layers.to_json()).unwrap_or_default(),
                false => String::new(),
            },
        };
        if finished.parts.len() == last.tasks.all().len() {
            self.end(Ended::Finished, update::State::Finished(finished));
        }
    }
}

#[cfg(test)]
mod tests;
