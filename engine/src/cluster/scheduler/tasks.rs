//! The tasks of a stage. What is asked of them all the time (what waits, who runs how many, whether all
//! are made) is kept in step with their states in one place, [`Tasks::set`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::job::WorkerId;
use crate::cluster::protocol::Done;

/// One part of a stage, to be made.
#[derive(Default)]
pub(super) struct Task {
    /// How many attempts were made: the number of the next one.
    pub(super) attempts: u32,
    state: State,
    /// Who failed at it.
    pub(super) failed: Vec<WorkerId>,
    /// How many workers were lost while they ran it.
    pub(super) fatal: usize,
    /// How often its rows were made and its worker there, and the client could not fetch them.
    pub(super) unreached: usize,
}

#[derive(Default)]
pub(super) enum State {
    #[default]
    Waiting,
    Running {
        worker: WorkerId,
        attempt: u32,
        since: Instant,
    },
    Made {
        worker: WorkerId,
        attempt: u32,
        done: Done,
    },
}

impl Task {
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn is_made(&self) -> bool {
        matches!(self.state, State::Made { .. })
    }

    /// Whether this worker runs it.
    pub(super) fn runs_on(&self, wanted: WorkerId) -> bool {
        matches!(self.state, State::Running { worker, .. } if worker == wanted)
    }

    /// Who runs it, or has made it.
    pub(super) fn worker(&self) -> Option<WorkerId> {
        match self.state {
            State::Waiting => None,
            State::Running { worker, .. } | State::Made { worker, .. } => Some(worker),
        }
    }
}

/// All tasks of a stage, by the numbers of their parts.
pub(super) struct Tasks {
    all: Vec<Task>,
    waiting: BTreeSet<usize>,
    running: BTreeMap<WorkerId, usize>,
    made: Totals,
}

/// What those that are made came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) tasks: usize,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl Tasks {
    pub(super) fn new(parts: usize) -> Self {
        Self {
            all: (0..parts).map(|_| Task::default()).collect(),
            waiting: (0..parts).collect(),
            running: BTreeMap::new(),
            made: Totals::default(),
        }
    }

    pub(super) fn all(&self) -> &[Task] {
        &self.all
    }

    pub(super) fn get(&self, part: usize) -> Option<&Task> {
        self.all.get(part)
    }

    /// A task, for what is counted of nothing.
    pub(super) fn get_mut(&mut self, part: usize) -> Option<&mut Task> {
        self.all.get_mut(part)
    }

    /// Those that wait, from the first part on.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (usize, &Task)> {
        self.waiting.iter().filter_map(|part| Some((*part, self.all.get(*part)?)))
    }

    pub(super) fn running(&self) -> usize {
        self.running.values().sum()
    }

    pub(super) fn running_on(&self, worker: WorkerId) -> usize {
        self.running.get(&worker).copied().unwrap_or_default()
    }

    pub(super) fn made(&self) -> Totals {
        self.made
    }

    /// Whether any of them was ever started.
    pub(super) fn have_begun(&self) -> bool {
        self.all.iter().any(|task| task.attempts > 0)
    }

    pub(super) fn are_complete(&self) -> bool {
        self.made.tasks == self.all.len()
    }

    /// The only way to another state.
    pub(super) fn set(&mut self, part: usize, state: State) {
        let Some(task) = self.all.get_mut(part) else { return };
        match &task.state {
            State::Waiting => {
                self.waiting.remove(&part);
            }
            State::Running { worker, .. } => {
                if let Some(count) = self.running.get_mut(worker) {
                    *count -= 1;
                }
                self.running.retain(|_, count| *count > 0);
            }
            State::Made { done, .. } => {
                self.made.tasks -= 1;
                self.made.rows -= done.rows.iter().sum::<u64>();
                self.made.bytes -= done.bytes.iter().sum::<u64>();
            }
        }
        match &state {
            State::Waiting => {
                self.waiting.insert(part);
            }
            State::Running { worker, .. } => *self.running.entry(*worker).or_default() += 1,
            State::Made { done, .. } => {
                self.made.tasks += 1;
                self.made.rows += done.rows.iter().sum::<u64>();
                self.made.bytes += done.bytes.iter().sum::<u64>();
            }
        }
        task.state = state;
    }

    /// Has those made again of which this is so; whether any of them was made already.
    pub(super) fn reopen(&mut self, which: impl Fn(&Task) -> bool) -> bool {
        let found: Vec<usize> =
            (0..self.all.len()).filter(|part| self.all.get(*part).is_some_and(&which)).collect();
        let lost = found.iter().any(|part| self.all.get(*part).is_some_and(Task::is_made));
        for part in found {
            self.set(part, State::Waiting);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(rows: u64) -> Done {
        Done { rows: vec![rows, 1], bytes: vec![8, 8], ..Done::default() }
    }

    #[test]
    fn what_is_counted_follows_the_states() {
        let mut tasks = Tasks::new(3);
        for part in [0, 1] {
            tasks.set(part, State::Running { worker: 7, attempt: 0, since: Instant::now() });
        }
        tasks.set(1, State::Made { worker: 7, attempt: 0, done: done(10) });
        assert_eq!((tasks.running(), tasks.running_on(7), tasks.running_on(8)), (1, 1, 0));
        assert_eq!((tasks.made().tasks, tasks.made().rows, tasks.made().bytes), (1, 11, 16));
        assert_eq!(tasks.waiting().map(|(part, _)| part).collect::<Vec<_>>(), [2]);
        // The worker is lost, and with it what it ran and what it had made.
        assert!(tasks.reopen(|task| task.worker() == Some(7)));
        assert_eq!((tasks.running(), tasks.made().tasks, tasks.made().rows), (0, 0, 0));
        assert_eq!(tasks.waiting().count(), 3);
        for part in 0..3 {
            tasks.set(part, State::Made { worker: 8, attempt: 1, done: done(1) });
        }
        assert!(tasks.are_complete());
        assert!(!tasks.reopen(|task| task.worker() == Some(7)));
        assert!(tasks.are_complete());
        // Nothing has no tasks to be made.
        assert!(Tasks::new(0).are_complete());
    }
}
