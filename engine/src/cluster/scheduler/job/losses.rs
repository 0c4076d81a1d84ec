//! What a job does about tasks that fail, and about workers that are gone or silent.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Ended, Job, Place, Remedy, WorkerId};
use crate::cluster::protocol::{Source, Trouble};
use crate::cluster::scheduler::tasks::State;
use crate::cluster::trouble::Kind;

/// How often a task is tried elsewhere when a machine, and not the query, is at fault.
const TRIES: usize = 3;
/// How long a job waits for a worker when the last one has gone.
const ALONE: Duration = Duration::from_secs(10);
/// How many workers a task may take along.
pub(super) const FATAL: usize = 4;
/// How often a client may not reach a part whose worker the scheduler reaches.
const UNREACHED: usize = 3;
/// How many pairs of workers may be unable to talk before the job gives up.
const CUTS: usize = 16;

impl Job {
    pub(super) fn fail_task(&mut self, place: Place, worker: WorkerId, trouble: Trouble) -> Remedy {
        let kind = trouble.what();
        let Some(stage) = self.stages.get_mut(place.stage) else { return Remedy::None };
        let whole = stage.plan.is_whole();
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
            // Another plan's rows would not go with those that were handed out.
            Kind::Memory if !self.frugal && !whole && !self.is_handed_out() => {
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
    pub(in super::super) fn lose(&mut self, worker: WorkerId) {
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
            if fatal >= FATAL {
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
    pub(in super::super) fn miss(&mut self, number: u32, source: &Source, there: bool) {
        let last = self.stages.len().saturating_sub(1);
        let Some(stage) = self.stages.get_mut(last).filter(|stage| stage.number == number) else {
            return;
        };
        let Some(id) = source.task else { return };
        // Others may have missed it already, or its worker be known to be gone.
        if let Some(task) = stage.tasks.get_mut(id.part as usize)
            && matches!(*task.state(), State::Made { worker, attempt, .. }
                if worker == source.worker && attempt == id.attempt)
        {
            task.unreached += usize::from(there);
            if task.unreached > UNREACHED {
                self.fail(Trouble::said(format!(
                    "the worker at {0} has rows of the answer and cannot be reached from here, though the \
                     scheduler reaches it: start workers with a --host that clients reach",
                    source.address
                )));
                return;
            }
            stage.tasks.set(id.part as usize, State::Waiting);
            stage.renew();
            self.settle(&BTreeSet::from([last]));
        }
    }

    fn drop_parts(&mut self, gone: impl Fn(WorkerId) -> bool) {
        let last = self.stages.len().saturating_sub(1);
        let mut lost = BTreeSet::new();
        for (place, stage) in self.stages.iter_mut().enumerate() {
            stage.unsend(&gone);
            let made = stage.tasks.reopen(|task| {
                let inline = place == last
                    && matches!(task.state(), State::Made { done, .. } if done.inline.is_some());
                task.worker().is_some_and(&gone) && !inline
            });
            if made {
                lost.insert(place);
            }
        }
        self.settle(&lost);
    }

    /// What follows from the loss of parts of these stages.
    ///
    /// Whoever reads them is sent where they lie the next time. Where they may have other rows when they
    /// are made again, parts made of the old rows and parts made of the new must not meet: a stage that
    /// is not complete then starts over, and its rows are others, too. One that is complete has all its
    /// parts of the old rows; it starts over should it ever lose one of them.
    fn settle(&mut self, lost: &BTreeSet<usize>) {
        let mut changed = BTreeSet::new();
        // Inputs stand before those that read them.
        for (place, stage) in self.stages.iter_mut().enumerate() {
            let reads = |of: &BTreeSet<usize>| stage.plan.inputs.iter().any(|at| of.contains(at));
            let (moved, others) = (reads(lost), reads(&changed));
            if moved || others {
                stage.renew();
            }
            stage.other_inputs |= others;
            if stage.other_inputs && !stage.is_complete() {
                stage.tasks.reopen(|_| true);
                stage.other_inputs = false;
                changed.insert(place);
            } else if lost.contains(&place) && !stage.plan.repeats {
                changed.insert(place);
            }
        }
        self.look();
    }

    /// Fails when nobody has come for so long that nobody will.
    pub(in super::super) fn give_up_alone(&mut self, nobody: bool) {
        if !nobody || self.ended.is_some() || self.planning || self.running() > 0 {
            self.alone_since = None;
        } else if self.alone_since.get_or_insert_with(Instant::now).elapsed() > ALONE {
            self.fail(Trouble::said(
                "no worker is left in the pool; start some with `strata worker`".to_string(),
            ));
        }
    }
}
