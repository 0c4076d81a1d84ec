//! As many workers as the outstanding work asks for: enough to finish it within a target time, never
//! fewer than a minimum or more than a maximum. More are started at once; one is sent away only when
//! fewer have been enough for a while, so that bursts do not make the pool bounce. Who is sent away
//! stays for as long as somebody needs what it has made.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::{Provision, WorkerCommand};
use crate::cluster::scheduler::Members;

/// How often is looked at the work.
const LOOK: Duration = Duration::from_millis(250);
/// A worker that has not joined by then will not.
const STARTS_WITHIN: Duration = Duration::from_secs(120);
/// How long a way to start workers is left alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How a pool grows and shrinks.
#[derive(Debug, Clone)]
pub struct Adaptive {
    /// So many are always there.
    pub minimum: usize,
    /// There are never more.
    pub maximum: usize,
    /// Outstanding work is to be done in this time.
    pub target: Duration,
    /// How long fewer must have been enough before one is sent away.
    pub idle: Duration,
    /// What each of them is; its name gets a number.
    pub worker: WorkerCommand,
    /// How they are started.
    pub provision: Arc<dyn Provision>,
}

/// What a pool has to do, and who does it.
#[derive(Debug, Clone, Default)]
pub(in crate::cluster) struct Outlook {
    /// Time of one core that the outstanding tasks will take, as far as is known.
    pub(in crate::cluster) work: Duration,
    /// Tasks that could run now if there were cores for them.
    pub(in crate::cluster) tasks: usize,
    /// Those who are there and stay: their numbers, names and cores, those of least use first.
    pub(in crate::cluster) workers: Vec<(u64, String, usize)>,
}

/// Grows and shrinks a pool, for ever.
pub(in crate::cluster) async fn adapt(adaptive: Adaptive, members: Arc<Members>) {
    let mut size = Size::default();
    let mut ticks = tokio::time::interval(LOOK);
    let mut wait_until = Instant::now();
    loop {
        ticks.tick().await;
        let outlook = members.outlook();
        let now = Instant::now();
        match size.decide(&adaptive, &outlook, now) {
            Step::Stay => {}
            Step::Leave(worker) => members.stop(worker, "the pool has less to do"),
            Step::Start(_) if now < wait_until => {}
            Step::Start(count) => {
                let starts = (0..count).map(|_| {
                    let name = size.begin(now, &adaptive.worker.name);
                    let worker = WorkerCommand { name, ..adaptive.worker.clone() };
                    let provision = Arc::clone(&adaptive.provision);
                    async move { (provision.start(&worker).await, worker.name) }
                });
                for (started, name) in join_all(starts).await {
                    if let Err(error) = started {
                        size.starting.remove(&name);
                        members.say(&error.to_string());
                        wait_until = Instant::now() + AFTER_FAILURE;
                    }
                }
            }
        }
    }
}

/// How many there are and are to be.
#[derive(Debug, Default)]
struct Size {
    /// Those that were started and have not joined, by their names.
    starting: HashMap<String, Instant>,
    started: u64,
    /// Since when fewer would have been enough.
    enough_since: Option<Instant>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Stay,
    Start(usize),
    Leave(u64),
}

impl Size {
    fn begin(&mut self, now: Instant, prefix: &str) -> String {
        self.started += 1;
        let name = format!("{prefix}-{}", self.started);
        self.starting.insert(name.clone(), now);
        name
    }

    fn decide(&mut self, adaptive: &Adaptive, outlook: &Outlook, now: Instant) -> Step {
        let joined = |name: &str| outlook.workers.iter().any(|(_, worker, _)| worker == name);
        self.starting
            .retain(|name, began| !joined(name) && now.duration_since(*began) < STARTS_WITHIN);
        let there = outlook.workers.len();
        let wanted = wanted(adaptive, outlook);
        if wanted > there + self.starting.len() {
            self.enough_since = None;
            return Step::Start(wanted - there - self.starting.len());
        }
        if wanted >= there {
            self.enough_since = None;
            return Step::Stay;
        }
        let since = *self.enough_since.get_or_insert(now);
        if now.duration_since(since) < adaptive.idle {
            return Step::Stay;
        }
        match outlook.workers.first() {
            Some((worker, ..)) => Step::Leave(*worker),
            None => Step::Stay,
        }
    }
}

/// How many workers the work asks for.
fn wanted(adaptive: &Adaptive, outlook: &Outlook) -> usize {
    let target = adaptive.target.as_secs_f64().max(0.001);
    let cores = (outlook.work.as_secs_f64() / target).ceil() as usize;
    // More cores than tasks are of no use; and who has a task has a core.
    let cores = cores.min(outlook.tasks).max(usize::from(outlook.tasks > 0));
    let known = outlook.workers.iter().map(|(.., cores)| *cores).max();
    let each = adaptive.worker.cores.or(known).unwrap_or(1).max(1);
    cores.div_ceil(each).clamp(adaptive.minimum, adaptive.maximum.max(adaptive.minimum))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    #[derive(Debug)]
    struct Nobody;

    #[async_trait]
    impl Provision for Nobody {
        async fn start(&self, _: &WorkerCommand) -> crate::Result<()> {
            Ok(())
        }
    }

    fn adaptive() -> Adaptive {
        Adaptive {
            minimum: 1,
            maximum: 8,
            target: Duration::from_secs(5),
            idle: Duration::from_secs(10),
            worker: WorkerCommand {
                program: "strata".into(),
                scheduler: "head:1".parse().unwrap(),
                token: None,
                name: "auto".to_string(),
                cores: Some(2),
                memory: None,
                more: Vec::new(),
            },
            provision: Arc::new(Nobody),
        }
    }

    fn outlook(work: u64, tasks: usize, workers: usize) -> Outlook {
        let worker = |number| (number as u64, format!("auto-{number}"), 2);
        Outlook {
            work: Duration::from_secs(work),
            tasks,
            workers: (1..=workers).map(worker).collect(),
        }
    }

    #[test]
    fn work_is_to_be_done_in_the_target_time() {
        for (work, tasks, workers) in
            [(0, 0, 1), (1, 1, 1), (20, 100, 2), (60, 100, 6), (60, 3, 2), (6000, 9000, 8)]
        {
            assert_eq!(wanted(&adaptive(), &outlook(work, tasks, 1)), workers, "{work} s, {tasks}");
        }
    }

    #[test]
    fn bursts_do_not_make_it_bounce() {
        let (adaptive, mut size) = (adaptive(), Size::default());
        let mut now = Instant::now();
        let mut workers = 1;
        let (mut started, mut left) = (0, 0);
        // A burst of four seconds, and a pause of four, for two minutes: the pause is shorter than
        // what it takes to be sent away.
        for tick in 0..480 {
            now += Duration::from_millis(250);
            let busy = (tick / 16) % 2 == 0;
            let seen = if busy { outlook(40, 100, workers) } else { outlook(0, 0, workers) };
            match size.decide(&adaptive, &seen, now) {
                Step::Stay => {}
                Step::Start(count) => {
                    for _ in 0..count {
                        size.begin(now, "auto");
                    }
                    started += count;
                    workers += count;
                }
                Step::Leave(_) => {
                    left += 1;
                    workers -= 1;
                }
            }
        }
        assert_eq!((started, left, workers), (3, 0, 4));
        // When all is done, they leave one after the other, down to the minimum.
        for _ in 0..400 {
            now += Duration::from_millis(250);
            if let Step::Leave(_) = size.decide(&adaptive, &outlook(0, 0, workers), now) {
                workers -= 1;
            }
        }
        assert_eq!(workers, 1);
    }

    #[test]
    fn those_that_are_starting_are_counted_once() {
        let (adaptive, mut size) = (adaptive(), Size::default());
        let now = Instant::now();
        assert_eq!(size.decide(&adaptive, &outlook(60, 100, 0), now), Step::Start(6));
        for _ in 0..6 {
            size.begin(now, "auto");
        }
        assert_eq!(size.decide(&adaptive, &outlook(60, 100, 0), now), Step::Stay);
        assert_eq!(size.decide(&adaptive, &outlook(60, 100, 4), now), Step::Stay);
        let later = now + STARTS_WITHIN;
        assert_eq!(size.decide(&adaptive, &outlook(60, 100, 4), later), Step::Start(2));
    }
}
