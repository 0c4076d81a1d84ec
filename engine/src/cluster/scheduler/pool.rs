//! Who works, and at what. One lock holds it all; what is decided under it is sent without waiting.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;

use super::job::{Job, JobId, Known, Remedy, WorkerId};
use super::plan::{Planned, Planner};
use super::rows::{JobRow, WorkerRow};
use crate::cluster::protocol::{
    Forget, Join, Order, Report, Source, Stopped, There, Trouble, Welcome, order, update,
};
use crate::cluster::provision::{Adaptive, Outlook};
use crate::wire::Wire;

/// How long a client waits for the first worker, where workers come by themselves.
const FIRST_WORKER: Duration = Duration::from_secs(3);
/// The same where they are started.
const STARTED_WORKER: Duration = Duration::from_secs(120);
/// What a task takes of which nothing is known.
const UNKNOWN_TASK: Duration = Duration::from_secs(1);
/// How many plans are kept that somebody has looked at.
const LOOKED_AT: usize = 16;
/// The bytes of the largest of them, as clients send it.
const LOOKED_AT_BYTES: usize = 1 << 20;
/// How many ended queries are remembered.
const REMEMBERED: usize = 100;

pub(super) struct Member {
    pub(super) joined: Join,
    pub(super) orders: UnboundedSender<Order>,
    since: Instant,
    heard: Instant,
    memory: u64,
    /// Tasks that compute nothing until their rows are read on.
    pub(super) parked: usize,
    pub(super) leaving: bool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) members: BTreeMap<WorkerId, Member>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// Those that have ended, the latest last.
    ended: VecDeque<JobRow>,
    last_member: WorkerId,
    last_job: JobId,
}

/// The members and the jobs of a pool.
pub(in crate::cluster) struct Members {
    state: Mutex<State>,
    session: SessionContext,
    wire: Arc<Wire>,
    /// A worker has joined.
    joined: Notify,
    /// Clients that wait for the first worker.
    waiting: AtomicUsize,
    /// How many cores there may come to be, and how long the first worker may take.
    expected: usize,
    first_worker: Duration,
    patience: Duration,
    report_every: Duration,
    /// Plans that somebody has looked at and may have run next.
    looked_at: Mutex<VecDeque<(Question, Planned)>>,
}

/// What a plan is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) plan: Bytes,
    pub(super) settings: HashMap<String, String>,
    pub(super) cores: usize,
}

/// One who waits for the first worker.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Members {
    pub(super) fn new(
        session: SessionContext,
        patience: Duration,
        adaptive: Option<&Adaptive>,
    ) -> Arc<Self> {
        let expected = |a: &Adaptive| a.maximum * a.worker.cores.unwrap_or(1);
        Arc::new(Self {
            waiting: AtomicUsize::new(0),
            expected: adaptive.map_or(0, expected),
            first_worker: if adaptive.is_some() { STARTED_WORKER } else { FIRST_WORKER },
            state: Mutex::default(),
            wire: Wire::of(&session),
            session,
            joined: Notify::new(),
            patience,
            looked_at: Mutex::default(),
            report_every: (patience / 4).min(Duration::from_secs(1)),
        })
    }

    /// Takes a worker in; its orders come by what is returned.
    pub(super) fn join(&self, joined: Join) -> (WorkerId, UnboundedReceiver<Order>) {
        let (orders, received) = unbounded_channel();
        let mut state = self.state.lock();
        // Who comes again from the same place has lost its membership, and what it had made.
        let before: Vec<_> = state
            .members
            .iter()
            .filter(|(_, member)| member.joined.address == joined.address)
            .map(|(worker, _)| *worker)
            .collect();
        for worker in before {
            state.lose(worker);
        }
        state.last_member += 1;
        let worker = state.last_member;
        let welcome = Welcome { worker, report_every: self.report_every.as_millis() as u64 };
        let _ = orders.send(Order { what: Some(order::What::Welcome(welcome)) });
        let now = Instant::now();
        let member =
            Member { joined, orders, since: now, heard: now, memory: 0, parked: 0, leaving: false };
        state.members.insert(worker, member);
        state.dispatch(&self.wire);
        drop(state);
        self.joined.notify_waiters();
        (worker, received)
    }

    /// A worker is gone.
    pub(super) fn lose(&self, worker: WorkerId) {
        let mut state = self.state.lock();
        if state.lose(worker) {
            state.dispatch(&self.wire);
        }
    }

    /// Gives up those that were silent for too long.
    pub(super) fn look_after(&self) {
        let mut state = self.state.lock();
        let silent: Vec<_> = state
            .members
            .iter()
            .filter(|(_, member)| member.heard.elapsed() > self.patience)
            .map(|(worker, _)| *worker)
            .collect();
        for worker in silent {
            state.lose(worker);
        }
        state.let_go();
        state.dispatch(&self.wire);
        for job in state.jobs.values_mut() {
            job.show();
        }
    }

    /// Hears a worker; false if it is none of ours.
    pub(super) fn hear(self: &Arc<Self>, report: Report) -> bool {
        let mut state = self.state.lock();
        let Some(member) = state.members.get_mut(&report.worker) else { return false };
        member.heard = Instant::now();
        member.memory = report.memory;
        member.parked = report.parked as usize;
        member.leaving |= report.leaving;
        let mut again = Vec::new();
        for task in report.tasks {
            let job = task.job;
            if let Some(found) = state.jobs.get_mut(&job)
                && matches!(found.hear(report.worker, task), Remedy::PlanFrugally)
            {
                again.push(job);
            }
        }
        for job in &again {
            // What runs by the plan that failed stops, and what was made by it goes.
            state.forget(*job);
        }
        state.let_go();
        state.dispatch(&self.wire);
        drop(state);
        for job in again {
            tokio::spawn(Arc::clone(self).plan_again(job));
        }
        true
    }

    /// Plans a job again that was refused memory.
    async fn plan_again(self: Arc<Self>, job: JobId) {
        let asked =
            self.state.lock().jobs.get(&job).map(|job| (job.plan.clone(), job.settings.clone()));
        let Some((plan, settings)) = asked else { return };
        let cores = self.cores();
        let planned = self.plan(Question { plan, settings, cores }, true).await;
        let mut state = self.state.lock();
        if let Some(job) = state.jobs.get_mut(&job) {
            match planned {
                Ok(planned) => job.take_plan(planned),
                Err(trouble) => job.fail(trouble),
            }
        }
        state.dispatch(&self.wire);
    }

    /// All cores there are.
    pub(super) fn cores(&self) -> usize {
        let state = self.state.lock();
        state.members.values().filter(|m| !m.leaving).map(|m| m.joined.cores as usize).sum()
    }

    /// All cores there are or may come to be, once there are some; none if nobody comes in time.
    pub(super) async fn wait_for_cores(&self) -> Option<usize> {
        // Counted for as long as somebody waits, however that ends.
        let _waiting = Waiting::of(&self.waiting);
        let waited = tokio::time::timeout(self.first_worker, async {
            loop {
                let joined = self.joined.notified();
                match self.cores() {
                    0 => joined.await,
                    cores => return cores.max(self.expected),
                }
            }
        });
        waited.await.ok()
    }

    /// Plans what a client sent. Planning computes, and is kept off the threads that hear workers: they
    /// must not seem silent meanwhile.
    pub(super) async fn plan(
        &self,
        Question { plan, settings, cores }: Question,
        frugal: bool,
    ) -> Result<Planned, Trouble> {
        let planner = Planner { session: self.session.clone(), settings, cores, frugal };
        let here = Handle::current();
        let planned = spawn_blocking(move || here.block_on(planner.plan(&plan))).await;
        match planned {
            Ok(planned) => planned.map_err(|error| Trouble::of(&error)),
            Err(broken) => Err(Trouble::panic(broken.to_string())),
        }
    }

    /// Keeps a plan that was looked at, for when it is to be run.
    pub(super) fn look_at(&self, question: Question, planned: Planned) {
        // One that brings rows along is planned again rather than kept.
        if question.plan.len() > LOOKED_AT_BYTES {
            return;
        }
        let mut looked_at = self.looked_at.lock();
        looked_at.truncate(LOOKED_AT - 1);
        looked_at.push_front((question, planned));
    }

    /// The plan that was looked at, if it was; it is run once.
    pub(super) fn looked_at(&self, question: &Question) -> Option<Planned> {
        let mut looked_at = self.looked_at.lock();
        let at = looked_at.iter().position(|(before, _)| before == question)?;
        Some(looked_at.remove(at)?.1)
    }

    /// What there is to do, and who does it.
    pub(in crate::cluster) fn outlook(&self) -> Outlook {
        let state = self.state.lock();
        let waiting = self.waiting.load(Ordering::Relaxed);
        let mut outlook =
            Outlook { work: UNKNOWN_TASK * waiting as u32, tasks: waiting, workers: Vec::new() };
        for job in state.jobs.values() {
            let (tasks, work) = job.outstanding(UNKNOWN_TASK);
            outlook.tasks += tasks;
            outlook.work += work;
        }
        let mut workers: Vec<_> = state
            .members
            .iter()
            .filter(|(_, member)| !member.leaving)
            .map(|(worker, member)| {
                let busy: usize = state.jobs.values().map(|job| job.running_on(*worker)).sum();
                let needed = state.jobs.values().any(|job| job.needs(*worker));
                (busy, needed, *worker, member)
            })
            .collect();
        workers
            .sort_by_key(|(busy, needed, worker, _)| (*busy, *needed, std::cmp::Reverse(*worker)));
        outlook.workers = workers
            .into_iter()
            .map(|(_, _, worker, member)| {
                (worker, member.joined.name.clone(), member.joined.cores as usize)
            })
            .collect();
        outlook
    }

    /// Sends a worker away; it goes once nobody needs it.
    pub(in crate::cluster) fn stop(&self, worker: WorkerId, reason: &str) {
        let mut state = self.state.lock();
        if let Some(member) = state.members.get_mut(&worker) {
            member.leaving = true;
            let stopped = Stopped { reason: reason.to_string() };
            let _ = member.orders.send(Order { what: Some(order::What::Stop(stopped)) });
        }
        state.let_go();
    }

    /// Says something to whoever reads along.
    pub(in crate::cluster) fn say(&self, what: &str) {
        eprintln!("{what}");
    }

    /// Takes a planned job on.
    pub(super) fn submit(
        &self,
        make: impl FnOnce(JobId) -> Job,
    ) -> (JobId, watch::Receiver<update::State>) {
        let mut state = self.state.lock();
        state.last_job += 1;
        let id = state.last_job;
        let job = make(id);
        let watched = job.watch();
        state.jobs.insert(id, job);
        state.dispatch(&self.wire);
        (id, watched)
    }

    /// Where a job's answer is, as far as its client does not know.
    pub(super) fn there(&self, job: JobId, known: &mut Known) -> Option<There> {
        let State { members, jobs, .. } = &*self.state.lock();
        let address = |worker: WorkerId| members.get(&worker).map(|m| m.joined.address.clone());
        jobs.get(&job)?.there(known, address)
    }

    /// A client could not fetch a part of a job's answer; false if there is no such job.
    pub(super) fn miss(&self, job: JobId, stage: u32, source: &Source) -> bool {
        let mut state = self.state.lock();
        let there = state.members.contains_key(&source.worker);
        let Some(found) = state.jobs.get_mut(&job) else { return false };
        found.miss(stage, source, there);
        state.dispatch(&self.wire);
        true
    }

    /// Ends a job; tells what it was doing.
    pub(super) fn cancel(&self, job: JobId) -> Option<String> {
        let mut state = self.state.lock();
        let before = match state.jobs.get_mut(&job) {
            Some(found) => {
                let before = found.state().to_string();
                found.cancel(&format!("job {job} was cancelled"));
                before
            }
            None => {
                let ended = state.ended.iter().find(|row| row.job == job);
                return ended.map(|row| row.state.clone());
            }
        };
        state.forget(job);
        state.dispatch(&self.wire);
        Some(before)
    }

    /// Nobody listens to a job any more.
    pub(super) fn close(&self, job: JobId) {
        let mut state = self.state.lock();
        let Some(mut found) = state.jobs.remove(&job) else { return };
        if found.ended().is_none() {
            found.cancel("its client has gone");
        }
        let row = JobRow::of(&found);
        state.ended.push_back(row);
        while state.ended.len() > REMEMBERED {
            state.ended.pop_front();
        }
        state.forget(job);
        state.let_go();
        state.dispatch(&self.wire);
    }

    pub(super) fn worker_rows(&self) -> Vec<WorkerRow> {
        let state = self.state.lock();
        let row = |(worker, member): (&WorkerId, &Member)| {
            let tasks = state.jobs.values().map(|job| job.running_on(*worker)).sum();
            WorkerRow {
                name: member.joined.name.clone(),
                address: member.joined.address.clone(),
                state: match (member.leaving, tasks) {
                    (true, _) => "leaving",
                    (false, 0) => "idle",
                    (false, _) => "working",
                }
                .to_string(),
                cores: member.joined.cores as usize,
                tasks,
                memory_used: member.memory,
                memory: member.joined.memory,
                seconds: member.since.elapsed().as_secs_f64(),
                process: member.joined.process,
            }
        };
        state.members.iter().map(row).collect()
    }

    pub(super) fn job_rows(&self) -> Vec<JobRow> {
        let state = self.state.lock();
        state.ended.iter().cloned().chain(state.jobs.values().map(JobRow::of)).collect()
    }
}

impl State {
    fn lose(&mut self, worker: WorkerId) -> bool {
        let found = self.members.remove(&worker).is_some();
        if found {
            for job in self.jobs.values_mut() {
                job.lose(worker);
            }
        }
        found
    }

    /// Lets those go that wanted to, once nobody needs what they have.
    fn let_go(&mut self) {
        let jobs = &self.jobs;
        self.members.retain(|worker, member| {
            !member.leaving
                || jobs.values().any(|job| job.running_on(*worker) > 0 || job.needs(*worker))
        });
    }

    fn forget(&mut self, job: JobId) {
        for member in self.members.values() {
            let _ = member.orders.send(Order { what: Some(order::What::Forget(Forget { job })) });
        }
    }
}
