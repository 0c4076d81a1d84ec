//! Who does what next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::job::{JobId, WorkerId};
use super::pool::State;
use crate::cluster::protocol::{Order, Run, Trouble, order};
use crate::wire::Wire;

/// What a worker has to give.
struct Free {
    worker: WorkerId,
    cores: usize,
    memory: u64,
    /// What its tasks do not hold of its memory; all there is, and more, where none computes.
    room: Option<u64>,
}

impl State {
    /// Gives every free core something to do, and tells clients whose answers are there.
    pub(super) fn dispatch(&mut self, wire: &Arc<Wire>) {
        let Self { members, jobs, .. } = self;
        let address = |worker: WorkerId| members.get(&worker).map(|m| m.joined.address.clone());
        let mut free: Vec<Free> = members
            .iter()
            .filter(|(_, member)| !member.leaving)
            .map(|(worker, member)| {
                let busy: usize = jobs.values().map(|job| job.running_on(*worker)).sum();
                let held: u64 = jobs.values().map(|job| job.held_on(*worker)).sum();
                let memory = member.joined.memory;
                Free {
                    worker: *worker,
                    // One that waits for its reader needs no core.
                    cores: (member.joined.cores as usize)
                        .saturating_sub(busy.saturating_sub(member.parked)),
                    memory,
                    room: (busy > member.parked).then(|| memory.saturating_sub(held)),
                }
            })
            .collect();
        let all: Vec<WorkerId> = free.iter().map(|free| free.worker).collect();
        let mut runs: BTreeMap<(WorkerId, JobId, u32, u32), Run> = BTreeMap::new();
        // A task each in turn, so that work is spread before it is piled up.
        loop {
            let mut given = false;
            for Free { worker, cores, memory, room } in &mut free {
                if *cores == 0 {
                    continue;
                }
                let mut left = *room;
                // Who has the least running comes first.
                let mut order: Vec<(usize, JobId)> =
                    jobs.iter().map(|(id, job)| (job.running(), *id)).collect();
                order.sort_unstable();
                for (_, id) in order {
                    let Some(job) = jobs.get_mut(&id) else { continue };
                    let Some(place) = job.next(*worker, &all, left) else {
                        // Who waits for room gets the next there is.
                        if job.next(*worker, &all, None).is_some() {
                            left = Some(0);
                        }
                        continue;
                    };
                    let held = job.held_at(place);
                    match job.start(place, *worker, wire, address) {
                        Ok(Some(run)) => {
                            let key = (*worker, run.job, run.stage, run.edition);
                            match runs.get_mut(&key) {
                                Some(before) => before.tasks.extend(run.tasks),
                                None => drop(runs.insert(key, run)),
                            }
                            *cores -= 1;
                            *room = Some(room.unwrap_or(*memory).saturating_sub(held));
                            given = true;
                        }
                        Ok(None) => continue,
                        Err(error) => {
                            job.fail(Trouble::of(&error));
                            continue;
                        }
                    }
                    break;
                }
            }
            if !given {
                break;
            }
        }
        for ((worker, ..), run) in runs {
            if let Some(member) = members.get(&worker) {
                let _ = member.orders.send(Order { what: Some(order::What::Run(run)) });
            }
        }
        let nobody = all.is_empty();
        for job in jobs.values_mut() {
            job.finish(address);
            job.give_up_alone(nobody);
        }
    }
}
