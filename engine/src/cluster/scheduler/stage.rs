//! A stage of a job: its plan as workers know it, its tasks, and what they came to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datafusion::error::Result;

use super::job::WorkerId;
use super::measured;
use super::plan::StagePlan;
use super::tasks::Tasks;
use crate::cluster::protocol::Done;
use crate::cluster::worker::Sources;
use crate::wire::Wire;

pub(super) struct Stage {
    pub(super) number: u32,
    pub(super) plan: StagePlan,
    pub(super) tasks: Tasks,
    /// Tells one plan of the stage from another: where its inputs lie may change.
    pub(super) edition: u32,
    /// Who was sent the plan of this edition.
    sent: BTreeSet<WorkerId>,
    encoded: Option<Bytes>,
    /// Its inputs may have other rows than those that its made parts are made of.
    pub(super) other_inputs: bool,
    /// What its tasks took together, in microseconds, and how many they were.
    took: (u64, u32),
    /// What the operators counted, by the worker that ran them and the edition it had.
    counted: BTreeMap<(WorkerId, u32), measured::Counted>,
}

impl Stage {
    pub(super) fn new(number: u32, plan: StagePlan) -> Self {
        Self {
            number,
            tasks: Tasks::new(plan.parts),
            encoded: plan.encoded_once.clone(),
            plan,
            edition: 0,
            sent: BTreeSet::new(),
            other_inputs: false,
            took: (0, 0),
            counted: BTreeMap::new(),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.tasks.are_complete()
    }

    /// How many of its tasks are not made.
    pub(super) fn left(&self) -> usize {
        self.tasks.all().len() - self.tasks.made().tasks
    }

    /// What its tasks took together, and how many they were.
    pub(super) fn took(&self) -> (Duration, u32) {
        (Duration::from_micros(self.took.0), self.took.1)
    }

    /// What its operators counted, on all workers.
    pub(super) fn counted(&self) -> measured::Counted {
        let mut sum: measured::Counted = Vec::new();
        for counted in self.counted.values() {
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

    /// Takes in what a task of an edition came to, besides its rows.
    pub(super) fn count(&mut self, worker: WorkerId, edition: u32, done: &Done) {
        self.took.0 = self.took.0.saturating_add(done.microseconds);
        self.took.1 += 1;
        if let Ok(counted) = serde_json::from_str(&done.metrics) {
            self.counted.insert((worker, edition), counted);
        }
    }

    /// Whether its plan has to be told where its inputs lie, before it can be sent.
    pub(super) fn is_unresolved(&self) -> bool {
        self.encoded.is_none()
    }

    /// Tells its plan where its inputs lie.
    pub(super) fn resolve(&mut self, wire: &Arc<Wire>, made: &[(usize, Sources)]) -> Result<()> {
        self.encoded = Some(self.plan.encoded(wire, made)?);
        Ok(())
    }

    /// The plan for a worker; nothing if it has this edition already.
    pub(super) fn plan_for(&mut self, worker: WorkerId) -> Option<Bytes> {
        self.sent.insert(worker).then(|| self.encoded.clone().unwrap_or_default())
    }

    /// A worker that is gone has no plan any more.
    pub(super) fn unsend(&mut self, gone: impl Fn(WorkerId) -> bool) {
        self.sent.retain(|worker| !gone(*worker));
    }

    /// Its plan is no more what was sent: to those who have it, it comes anew.
    pub(super) fn renew(&mut self) {
        self.edition += 1;
        self.sent.clear();
        // What reads no other stage stays the same.
        self.encoded.clone_from(&self.plan.encoded_once);
    }
}
