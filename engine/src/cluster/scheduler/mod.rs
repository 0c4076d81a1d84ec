//! The scheduler: plans what clients ask, and has it made by workers.

mod cut;
mod dispatch;
mod job;
mod measured;
mod plan;
mod pool;
mod rows;
mod stage;
mod tasks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::FlightData;
use async_trait::async_trait;
use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Status;

use super::link::Address;
use super::port::{self, Answers, Question, Role};
use super::protocol::{
    Ack, Cancel, Cancelled, Failed, Finished, Jobs, JobsAnswer, Join, Missing, Parts, Report,
    Submit, Trouble, Update, Workers, WorkersAnswer, update,
};
use super::provision::{Adaptive, adapt};
use super::security::Security;
use crate::error::{EngineError, Result};
use crate::layers::LayerGraph;
use job::{Job, JobId, Known, WorkerId};

pub(super) use pool::Members;
use pool::Question as PlanQuestion;
pub use rows::{JobRow, WorkerRow};

/// How often is looked for workers that have fallen silent.
const LOOK: Duration = Duration::from_millis(250);

/// What a scheduler is told when it starts.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// The port to listen on; 0 takes any.
    pub listen: SocketAddr,
    /// How long a worker may be silent before it is given up.
    pub patience: Duration,
    /// What it shows and asks for.
    pub security: Security,
    /// How the pool grows and shrinks; it is as large as it is where that is left open.
    pub adaptive: Option<Adaptive>,
}

impl Default for SchedulerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            patience: Duration::from_secs(5),
            security: Security::default(),
            adaptive: None,
        }
    }
}

/// The scheduler of a pool.
pub struct Scheduler {
    listener: TcpListener,
    address: Address,
    security: Security,
    members: Arc<Members>,
    adaptive: Option<Adaptive>,
    patience: Duration,
}

impl Scheduler {
    /// Opens the scheduler's port. `session` knows everything that plans may hold.
    pub async fn open(session: SessionContext, options: SchedulerOptions) -> Result<Self> {
        let listener = port::open(options.listen, &options.security).await?;
        let bound = listener.local_addr().map_err(|error| {
            EngineError::Pool(format!("cannot tell the address of the port: {error}"))
        })?;
        let members = Members::new(session, options.patience, options.adaptive.as_ref());
        let SchedulerOptions { security, mut adaptive, patience, .. } = options;
        let address = Address::from(bound);
        // A port that was free is known only now.
        if let Some(adaptive) = &mut adaptive {
            adaptive.worker.scheduler.take_port_of(&address);
        }
        Ok(Self { listener, address, security, members, adaptive, patience })
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Schedules until `stop`.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<()> {
        let Self { listener, security, members, adaptive, patience, .. } = self;
        let looking = {
            let members = Arc::clone(&members);
            async move {
                let mut ticks = tokio::time::interval(LOOK);
                loop {
                    ticks.tick().await;
                    members.look_after();
                }
            }
        };
        let adapting = {
            let members = Arc::clone(&members);
            async move {
                match adaptive {
                    Some(adaptive) => adapt(adaptive, members).await,
                    None => std::future::pending().await,
                }
            }
        };
        let role = Arc::new(SchedulerRole { members });
        // Workers and clients hold their answers open: nobody waits for them to end.
        tokio::select! {
            served = port::serve(listener, &security, role, patience / 2) => served,
            () = looking => Ok(()),
            () = adapting => Ok(()),
            () = stop => Ok(()),
        }
    }
}

struct SchedulerRole {
    members: Arc<Members>,
}

#[async_trait]
impl Role for SchedulerRole {
    async fn answer(&self, question: Question) -> Result<Answers, Status> {
        if let Some(report) = question.is::<Report>() {
            return Ok(port::one(&Ack { known: self.members.hear(report?) }));
        }
        if let Some(submit) = question.is::<Submit>() {
            return self.submit(submit?).await;
        }
        if let Some(join) = question.is::<Join>() {
            return self.join(join?);
        }
        if let Some(missing) = question.is::<Missing>() {
            let Missing { job, stage, source } = missing?;
            let known = source.is_some_and(|source| self.members.miss(job, stage, &source));
            return Ok(port::one(&Ack { known }));
        }
        if question.is::<Workers>().is_some() {
            let rows = self.members.worker_rows();
            return Ok(port::one(&WorkersAnswer {
                workers: json(&rows)?,
                cores: self.members.cores() as u32,
            }));
        }
        if question.is::<Jobs>().is_some() {
            return Ok(port::one(&JobsAnswer { jobs: json(&self.members.job_rows())? }));
        }
        if let Some(cancel) = question.is::<Cancel>() {
            let before = self.members.cancel(cancel?.job);
            return Ok(port::one(&Cancelled {
                found: before.is_some(),
                state: before.unwrap_or_default(),
            }));
        }
        Err(question.unknown())
    }

    async fn rows(
        &self,
        _: Parts,
    ) -> Result<BoxStream<'static, Result<FlightData, Status>>, Status> {
        Err(Status::not_found("a scheduler holds no rows"))
    }

    fn is_ready(&self) -> bool {
        self.members.cores() > 0
    }
}

fn json<T: serde::Serialize>(rows: &[T]) -> Result<Vec<String>, Status> {
    let texts = rows.iter().map(serde_json::to_string).collect::<Result<_, _>>();
    texts.map_err(|error| Status::internal(error.to_string()))
}

impl SchedulerRole {
    fn join(&self, join: Join) -> Result<Answers, Status> {
        let address: Result<Address> = join.address.parse();
        if address.is_err() || join.cores == 0 || join.cores > 4096 {
            return Err(Status::invalid_argument(
                "a worker needs an address that others reach, and between 1 and 4096 cores",
            ));
        }
        let (worker, mut orders) = self.members.join(join);
        let membership = Membership { members: Arc::clone(&self.members), worker };
        let orders = futures::stream::poll_fn(move |context| {
            // Whoever stops listening is gone.
            let _ = &membership;
            orders.poll_recv(context)
        });
        Ok(orders.map(|order| Ok(order.encode_to_vec().into())).boxed())
    }

    async fn submit(&self, submit: Submit) -> Result<Answers, Status> {
        let Submit { plan, settings, title, explain, measure } = submit;
        let Some(cores) = self.members.wait_for_cores().await else {
            return Ok(failed(Trouble::said(
                "the pool has no workers; start some with `strata worker --scheduler …`"
                    .to_string(),
            )));
        };
        let question = PlanQuestion { plan: plan.clone(), settings: settings.clone(), cores };
        let planned = match self.members.looked_at(&question) {
            Some(planned) => planned,
            None => match self.members.plan(question.clone(), false).await {
                Ok(planned) => planned,
                Err(trouble) => return Ok(failed(trouble)),
            },
        };
        if explain {
            let layers = planned.physical.as_ref().map(LayerGraph::of).transpose();
            let layers = match layers {
                Ok(layers) => layers.map(|layers| layers.to_json()).unwrap_or_default(),
                Err(error) => return Ok(failed(Trouble::of(&error.into()))),
            };
            self.members.look_at(question, planned);
            let state = Some(update::State::Finished(Finished { layers }));
            return Ok(port::one(&Update { state, ..Update::default() }));
        }
        let (job, mut watched) =
            self.members.submit(|id| Job::new(id, title, settings, plan, measure, planned));
        watched.mark_changed();
        let members = Arc::clone(&self.members);
        let listening = Listening { members, job, watched, known: Known::default() };
        let updates = futures::stream::unfold(listening, |mut listening| async move {
            let update = listening.next().await?;
            Some((Ok(update.encode_to_vec().into()), listening))
        });
        Ok(updates.boxed())
    }
}

fn failed(trouble: Trouble) -> Answers {
    let state = Failed { message: trouble.message, kind: trouble.kind };
    port::one(&Update { state: Some(update::State::Failed(state)), ..Update::default() })
}

/// Ends a membership when its orders are not listened to any more.
struct Membership {
    members: Arc<Members>,
    worker: WorkerId,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.members.lose(self.worker);
    }
}

/// A client that listens to a job, which ends when it does so no more.
struct Listening {
    members: Arc<Members>,
    job: JobId,
    watched: watch::Receiver<update::State>,
    known: Known,
}

impl Listening {
    /// What has changed: once, as it is, whatever happened while nobody looked.
    async fn next(&mut self) -> Option<Update> {
        self.watched.changed().await.ok()?;
        self.watched.mark_unchanged();
        let there = self.members.there(self.job, &mut self.known);
        // No older than where rows are: whoever has read all of them hears no more.
        let state = Some(self.watched.borrow().clone());
        Some(Update { job: self.job, state, there })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.members.close(self.job);
    }
}
