//! Where the rows of a job's answer are, as its client is told. Rows are handed out before all are made, and while they
//! are made, where nothing can happen to the job that would have them be others: a part that is lost is made again,
//! and whoever has read half of it reads on from there. Operators that keep rows are not among those that make them
//! so: they may be refused the memory for it, and then all is planned anew.

use std::time::Duration;

use super::{Job, WorkerId};
use crate::cluster::protocol::{Part, Source, TaskId, There};
use crate::cluster::scheduler::stage::Stage;
use crate::cluster::scheduler::tasks::{State, Task};

/// A part that takes longer than this is shown while it is made; one that is quicker comes whole.
const SHOWN: Duration = Duration::from_millis(100);

/// What a client knows of an answer.
#[derive(Debug, Default)]
pub(in super::super) struct Known {
    stage: Option<u32>,
    parts: Vec<Option<(TaskId, bool)>>,
}

impl Job {
    /// Whether parts of the answer are handed out before all are made.
    pub(super) fn is_live(&self) -> bool {
        !self.measure
            && self.stages.iter().all(|stage| stage.plan.repeats)
            && self.stages.last().is_some_and(|stage| stage.plan.in_order)
    }

    /// Whether parts of the answer may have been handed out before all were made.
    pub(super) fn is_handed_out(&self) -> bool {
        self.is_live() && self.stages.last().is_some_and(|stage| stage.tasks.have_begun())
    }

    /// Has its client look for parts that can be read while they are made.
    pub(in super::super) fn show(&mut self) {
        let runs = |stage: &Stage| stage.tasks.running() > 0;
        if self.ended.is_none() && self.stages.last().is_some_and(runs) && self.is_live() {
            self.state.send_modify(|_| ());
        }
    }

    /// Where the answer is, as far as that is news. `address` tells where workers are.
    pub(in super::super) fn there(
        &self,
        known: &mut Known,
        address: impl Fn(WorkerId) -> Option<String>,
    ) -> Option<There> {
        let last = self.stages.last()?;
        // Whoever has read all rows knows all else: what was counted is told when the query has ended.
        let is_counted = !self.measure || self.ended.is_some();
        if self.planning || !is_counted || !(last.is_complete() || self.is_live()) {
            return None;
        }
        let of = last.tasks.all().len();
        if known.stage.replace(last.number) != Some(last.number) {
            known.parts = vec![None; of];
        }
        let live = self.is_live();
        let mut parts = Vec::new();
        for ((at, task), known) in last.tasks.all().iter().enumerate().zip(&mut known.parts) {
            let Some(part) = part(at, task, live, &address) else { continue };
            let now = part.source.as_ref().and_then(|source| source.task).map(|id| (id, part.live));
            if *known != now {
                *known = now;
                parts.push(part);
            }
        }
        let repeats = self.stages.iter().all(|stage| stage.plan.repeats);
        Some(There { stage: last.number, of: of as u32, repeats, parts })
    }
}

/// Where a part is, if it can be read.
fn part(
    at: usize,
    task: &Task,
    live: bool,
    address: impl Fn(WorkerId) -> Option<String>,
) -> Option<Part> {
    let source = |worker, attempt, address| Source {
        worker,
        address,
        task: Some(TaskId { part: at as u32, attempt }),
        ..Source::default()
    };
    let part = |source, inline, live| Part { source: Some(source), inline, at: at as u32, live };
    Some(match task.state() {
        State::Made { worker, attempt, done } => {
            // Nobody has to go there for rows that are here.
            let place = if done.inline.is_some() { String::new() } else { address(*worker)? };
            let (rows, bytes) = (done.rows.iter().sum(), done.bytes.iter().sum());
            let source = Source { rows, bytes, ..source(*worker, *attempt, place) };
            part(source, done.inline.clone(), false)
        }
        State::Running { worker, attempt, since } if live && since.elapsed() >= SHOWN => {
            part(source(*worker, *attempt, address(*worker)?), None, true)
        }
        State::Running { .. } | State::Waiting => return None,
    })
}
