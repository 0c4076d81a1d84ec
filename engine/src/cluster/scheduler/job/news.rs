//! What a job tells: its client what becomes of it, people how far it is, and the pool what is left of it.

use std::time::Duration;

use tokio::sync::watch;

use super::{Ended, Job, WorkerId};
use crate::cluster::protocol::{Failed, Finished, Running, Trouble, update};
use crate::cluster::scheduler::measured;
use crate::cluster::scheduler::stage::Stage;
use crate::cluster::scheduler::tasks::{State, Task, Tasks};
use crate::cluster::trouble::Kind;
use crate::layers::LayerGraph;

impl Job {
    /// What becomes of it, as it becomes.
    pub(in super::super) fn watch(&self) -> watch::Receiver<update::State> {
        self.state.subscribe()
    }

    pub(in super::super) fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// What it is doing, in a word.
    pub(in super::super) fn state(&self) -> &'static str {
        match self.ended {
            Some(Ended::Finished) => "finished",
            Some(Ended::Failed) => "failed",
            Some(Ended::Cancelled) => "cancelled",
            None if self.running() == 0 => "waiting",
            None => "running",
        }
    }

    pub(in super::super) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// Tasks that are made, and all there are.
    pub(in super::super) fn progress(&self) -> (usize, usize) {
        let count = |of: fn(&Tasks) -> usize| self.stages.iter().map(|s| of(&s.tasks)).sum();
        (count(|tasks| tasks.made().tasks), count(|tasks| tasks.all().len()))
    }

    /// Tasks that are still to be made, of stages that can be worked at, and the time of one core that all
    /// that is left will take. A task takes as long as those of its stage took; where none has been
    /// made, as those of the job did.
    pub(in super::super) fn outstanding(&self, unknown: Duration) -> (usize, Duration) {
        if self.ended.is_some() {
            return (0, Duration::ZERO);
        }
        let mean = |(total, made): (Duration, u32)| total.checked_div(made);
        let took = self.stages.iter().map(Stage::took);
        let all = took.fold((Duration::ZERO, 0), |sum, took| (sum.0 + took.0, sum.1 + took.1));
        let usual = mean(all).unwrap_or(unknown);
        let work = self
            .stages
            .iter()
            .map(|stage| mean(stage.took()).unwrap_or(usual).saturating_mul(stage.left() as u32));
        let ready = self.ready().filter_map(|place| self.stages.get(place));
        (ready.map(Stage::left).sum(), work.sum())
    }

    /// Ends it with an error.
    pub(in super::super) fn fail(&mut self, trouble: Trouble) {
        let state = Failed { message: trouble.message, kind: trouble.kind };
        self.end(Ended::Failed, update::State::Failed(state));
    }

    /// Ends it because somebody asked for that.
    pub(in super::super) fn cancel(&mut self, why: &str) {
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
    pub(super) fn look(&mut self) {
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

    /// Ends it once its answer is there. `address` tells where workers are.
    pub(in super::super) fn finish(&mut self, address: impl Fn(WorkerId) -> Option<String>) {
        let Some(last) = self.stages.last().filter(|stage| stage.is_complete()) else { return };
        let is_there = |task: &Task| match task.state() {
            State::Made { worker, done, .. } => done.inline.is_some() || address(*worker).is_some(),
            State::Waiting | State::Running { .. } => false,
        };
        if self.ended.is_some() || !last.tasks.all().iter().all(is_there) {
            return;
        }
        let layers = match self.measure {
            true => self.measured().map(|layers| layers.to_json()).unwrap_or_default(),
            false => String::new(),
        };
        self.end(Ended::Finished, update::State::Finished(Finished { layers }));
    }
}
