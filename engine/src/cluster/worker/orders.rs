//! What the scheduler orders, carried out.

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::exchange::Exchange;
use super::report::Reporter;
use super::task::{Stage, Task};
use crate::cluster::protocol::{Forget, Run, TaskReport, Trouble, order, task_report};

/// Carries out orders for one membership. Dropped, it stops all that runs.
pub(super) struct Orders {
    session: SessionContext,
    exchange: Arc<Exchange>,
    reporter: Arc<Reporter>,
    cores: Handle,
    jobs: HashMap<u64, Job>,
}

#[derive(Default)]
struct Job {
    /// Stages by number and edition.
    stages: HashMap<(u32, u32), Arc<Stage>>,
    running: JoinSet<()>,
}

impl Orders {
    pub(super) fn new(
        session: SessionContext,
        exchange: Arc<Exchange>,
        reporter: Arc<Reporter>,
        cores: Handle,
    ) -> Self {
        Self { session, exchange, reporter, cores, jobs: HashMap::new() }
    }

    pub(super) fn follow(&mut self, order: order::What) {
        match order {
            order::What::Run(run) => self.run(run),
            order::What::Forget(Forget { job }) => {
                // What runs for it stops here.
                self.jobs.remove(&job);
                self.exchange.outputs.forget(job);
            }
            order::What::Welcome(_) | order::What::Stop(_) => {}
        }
    }

    fn run(&mut self, run: Run) {
        let job = self.jobs.entry(run.job).or_default();
        while job.running.try_join_next().is_some() {}
        let tasks = run.tasks.clone();
        let (number, edition, of) = (run.stage, run.edition, run.job);
        let stage = Arc::clone(job.stages.entry((number, edition)).or_insert_with(|| {
            Arc::new(Stage::new(run, self.session.clone(), Arc::clone(&self.exchange)))
        }));
        for id in tasks {
            let (stage, reporter) = (Arc::clone(&stage), Arc::clone(&self.reporter));
            let task = Task { stage, id };
            let making = async move {
                // A panic ends its task and nothing else.
                let outcome = match AssertUnwindSafe(task.make()).catch_unwind().await {
                    Ok(Ok(done)) => task_report::Outcome::Done(done),
                    Ok(Err(error)) => task_report::Outcome::Failed(Trouble::of(&error)),
                    Err(panic) => {
                        task_report::Outcome::Failed(Trouble::panic(text_of(panic.as_ref())))
                    }
                };
                reporter.tell(TaskReport {
                    job: of,
                    stage: number,
                    task: Some(id),
                    edition,
                    outcome: Some(outcome),
                });
            };
            job.running.spawn_on(making, &self.cores);
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_string(),
        _ => "no reason given".to_string(),
    }
}
