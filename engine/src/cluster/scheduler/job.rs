//! A query on its way through the pool: which parts of which stages are made, by whom, and what is to
//! be made next. Nothing here talks to anyone: it is told what happened and asked what to do.
//!
//! There is no list of losses to recover from. A part is made or it is not; where it lies is read from
//! that when a plan is sent. A worker that is gone takes its parts with it, and they are not made any
//! more: whatever above still needs them waits until they are made again.

mod losses;
mod news;
#[cfg(test)]
mod tests;
mod there;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use datafusion::error::Result;
use tokio::sync::watch;

use super::plan::Planned;
use super::stage::Stage;
use super::tasks::State;
use crate::cluster::protocol::{Run, Running, TaskId, TaskReport, task_report, update};
use crate::cluster::worker::{Holder, Made, Shape, Sources};
use crate::layers::LayerGraph;
use crate::wire::Wire;
pub(super) use there::Known;

/// The number of a query.
pub(super) type JobId = u64;
/// The number of a membership.
pub(super) type WorkerId = u64;

/// A result as small as this comes with the news that it is there.
const INLINE: u64 = 1 << 20;

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
            .map(|(plan, number)| Stage::new(number, plan))
            .collect();
        self.look();
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

    /// What the tasks that a worker runs are expected to hold together, in bytes.
    pub(super) fn held_on(&self, worker: WorkerId) -> u64 {
        self.stages
            .iter()
            .map(|stage| stage.plan.held * stage.tasks.running_on(worker) as u64)
            .sum()
    }

    /// What a task at this place is expected to hold, in bytes.
    pub(super) fn held_at(&self, place: Place) -> u64 {
        self.stages.get(place.stage).map_or(0, |stage| stage.plan.held)
    }

    /// What a worker is to make next, if there is anything. `others` are the workers there are, and
    /// `room` the bytes that a task may hold, unless it is alone.
    pub(super) fn next(
        &self,
        worker: WorkerId,
        others: &[WorkerId],
        room: Option<u64>,
    ) -> Option<Place> {
        if self.ended.is_some() || self.planning || self.is_shunned(worker, others) {
            return None;
        }
        let mut second = None;
        for place in self.ready() {
            let Some(stage) = self.stages.get(place) else { continue };
            if room.is_some_and(|room| stage.plan.held > room) {
                continue;
            }
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
        if stage.is_unresolved() {
            let made: Vec<(usize, Sources)> = stage
                .plan
                .inputs
                .iter()
                .filter_map(|at| Some((*at, self.sources(*at, &address)?)))
                .collect();
            if let Some(stage) = self.stages.get_mut(place.stage) {
                stage.resolve(wire, &made)?;
            }
        }
        let last = place.stage + 1 == self.stages.len();
        let live = last && self.is_live();
        let Some(stage) = self.stages.get_mut(place.stage) else { return Ok(None) };
        let Some(task) = stage.tasks.get_mut(place.part) else { return Ok(None) };
        let id = TaskId { part: place.part as u32, attempt: task.attempts };
        task.attempts += 1;
        stage
            .tasks
            .set(place.part, State::Running { worker, attempt: id.attempt, since: Instant::now() });
        let plan = stage.plan_for(worker);
        Ok(Some(Run {
            job: self.id,
            stage: stage.number,
            tasks: vec![id],
            settings: plan.as_ref().map(|_| self.settings.clone()).unwrap_or_default(),
            plan: plan.unwrap_or_default(),
            edition: stage.edition,
            whole: stage.plan.is_whole(),
            inline: if last { INLINE } else { 0 },
            measure: self.measure,
            live,
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
        let Some(task) = stage.tasks.get(id.part as usize) else { return Remedy::None };
        let counts = matches!(*task.state(),
            State::Running { worker, attempt, .. } if worker == from && attempt == id.attempt);
        if !counts || self.planning || self.ended.is_some() {
            return Remedy::None;
        }
        match report.outcome {
            Some(task_report::Outcome::Done(mut done)) => {
                if stage.plan.is_whole() {
                    self.layers = LayerGraph::from_json(&done.metrics).ok();
                }
                stage.count(from, report.edition, &done);
                done.metrics = String::new();
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
}
