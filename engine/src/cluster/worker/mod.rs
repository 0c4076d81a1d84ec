//! A worker: joins a scheduler, makes the parts it is told to make, keeps them for those who ask, and
//! says what became of them.

mod exchange;
mod live;
mod options;
mod orders;
mod outputs;
mod read;
mod report;
mod serve;
mod task;

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

pub(super) use exchange::LostRows;
pub(super) use live::CutOff;
pub use options::WorkerOptions;
pub(super) use outputs::{Output, OutputId, Outputs};
pub(super) use read::ReadStageWire;
pub(super) use read::{Holder, Made, ReadStageExec, Shape, Sources};

use super::link::{Address, Link, Links};
use super::port;
use super::protocol::{Join, order};
use crate::config::options_of;
use crate::error::{EngineError, Result};
use crate::run::SpillFolder;
use exchange::Exchange;
use orders::Orders;
use report::Reporter;
use serve::WorkerRole;

/// How often a silent caller is asked whether it is still there.
const PING: Duration = Duration::from_secs(2);
/// How long a worker waits before it knocks again.
const AGAIN: Duration = Duration::from_millis(100);

/// A worker of a pool.
pub struct Worker {
    options: WorkerOptions,
    session: SessionContext,
    listener: TcpListener,
    address: Address,
    exchange: Arc<Exchange>,
}

/// Why a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to go, or its time was over.
    Stopped(String),
}

impl Worker {
    /// Opens the worker's port. `session` knows everything that plans may hold; its memory limit and
    /// spill folder are the worker's.
    pub async fn open(session: SessionContext, options: WorkerOptions) -> Result<Self> {
        let listener = port::open(options.listen, &options.security).await?;
        let bound = listener.local_addr().map_err(|error| {
            EngineError::Pool(format!("cannot tell the address of the port: {error}"))
        })?;
        let address = options.advertised(bound)?;
        let strata = options_of(session.state_ref().read().config_options());
        let outputs = Outputs::new(
            Arc::clone(&session.runtime_env().memory_pool),
            strata.memory.limit.pool_bytes(),
            SpillFolder::of(session.state_ref().read().config())?,
        );
        let exchange = Arc::new(Exchange::new(outputs, Links::new(options.security.clone())));
        Ok(Self { options, session, listener, address, exchange })
    }

    /// Where it serves its rows.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Works until it is asked to go, its lifetime is over, or no scheduler has been there for as long
    /// as its patience lasts. Tasks run on `cores`, so that a busy worker still answers.
    ///
    /// On `leave` it takes nothing more, and goes when nobody needs what it has made; on `stop` it goes.
    pub async fn run(
        self,
        cores: Handle,
        leave: impl Future<Output = ()> + Send + 'static,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Ended> {
        let Self { options, session, listener, address, exchange } = self;
        let role = Arc::new(WorkerRole::new(Arc::clone(&exchange)));
        let security = options.security.clone();
        let serving = port::serve(listener, &security, Arc::clone(&role), PING);
        let (asked, asked_to_leave) = watch::channel(false);
        let leaving = async move {
            leave.await;
            asked.send_replace(true);
            std::future::pending::<()>().await;
        };
        let worker =
            Membership { options, session, address, exchange, role, cores, asked_to_leave };
        tokio::select! {
            ended = worker.keep_joining() => ended,
            served = serving => served.map(|()| Ended::Stopped("its port was closed".to_string())),
            () = leaving => Ok(Ended::Stopped("it was asked to leave".to_string())),
            () = stop => Ok(Ended::Stopped("it was interrupted".to_string())),
        }
    }
}

struct Membership {
    options: WorkerOptions,
    session: SessionContext,
    address: Address,
    exchange: Arc<Exchange>,
    role: Arc<WorkerRole>,
    cores: Handle,
    /// Whether it was asked to leave.
    asked_to_leave: watch::Receiver<bool>,
}

/// How a membership came to its end.
enum Left {
    /// The scheduler is gone, or does not know us any more.
    Broken(EngineError),
    /// The worker was sent away, or its time was over.
    Over(String),
}

impl Membership {
    async fn keep_joining(&self) -> Result<Ended> {
        let scheduler = Link::to(self.options.scheduler.clone(), &self.options.security)?;
        let until_over = self.options.lifetime.map(|lifetime| Instant::now() + lifetime);
        let mut alone_since = Instant::now();
        loop {
            let joined = self.join(&scheduler, until_over, &mut alone_since).await;
            self.exchange.set_member(0);
            self.exchange.outputs.clear();
            self.role.set_ready(false);
            match joined {
                Left::Over(reason) => return Ok(Ended::Stopped(reason)),
                Left::Broken(_) if *self.asked_to_leave.borrow() => {
                    return Ok(Ended::Stopped("it was asked to leave".to_string()));
                }
                Left::Broken(error @ EngineError::NotLetIn { .. }) => return Err(error),
                Left::Broken(error) if alone_since.elapsed() >= self.options.death_timeout => {
                    return Err(error);
                }
                Left::Broken(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    async fn join(
        &self,
        scheduler: &Link,
        until_over: Option<Instant>,
        alone_since: &mut Instant,
    ) -> Left {
        let question = Join {
            name: self.options.name.clone(),
            address: self.address.to_string(),
            cores: self.options.cores as u32,
            memory: options_of(self.session.state_ref().read().config_options())
                .memory
                .limit
                .bytes(),
            process: std::process::id(),
        };
        let mut orders = match scheduler.listen(&question).await {
            Ok(orders) => orders,
            Err(error) => return Left::Broken(error),
        };
        let welcome = match orders.next().await {
            Some(Ok(order)) => order.what,
            Some(Err(error)) => return Left::Broken(error),
            None => None,
        };
        let Some(order::What::Welcome(welcome)) = welcome else {
            return Left::Broken(EngineError::Pool(format!(
                "{} did not welcome this worker",
                scheduler.address()
            )));
        };
        self.exchange.set_member(welcome.worker);
        self.role.set_ready(true);
        let reporter = Reporter::new(
            welcome.worker,
            Duration::from_millis(welcome.report_every.max(10)),
            scheduler.clone(),
            Arc::clone(&self.session.runtime_env().memory_pool),
            self.exchange.live.clone(),
        );
        let mut hands = Orders::new(
            self.session.clone(),
            Arc::clone(&self.exchange),
            Arc::clone(&reporter),
            self.cores.clone(),
        );
        let reporting = reporter.run();
        tokio::pin!(reporting);
        let over = async {
            match until_over {
                Some(over) => tokio::time::sleep_until(over.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        let mut asked = self.asked_to_leave.clone();
        let asked = asked.wait_for(|asked| *asked);
        tokio::pin!(asked);
        loop {
            tokio::select! {
                biased;
                order = orders.next() => match order {
                    Some(Ok(order)) => match order.what {
                        Some(order::What::Stop(stop)) => reporter.leave(stop.reason),
                        Some(order) => hands.follow(order),
                        None => {}
                    },
                    Some(Err(error)) => {
                        *alone_since = Instant::now();
                        return Left::Broken(error);
                    }
                    None => {
                        *alone_since = Instant::now();
                        return if reporter.is_leaving() {
                            Left::Over(reporter.reason())
                        } else {
                            Left::Broken(EngineError::Pool(format!(
                                "the scheduler at {} has gone",
                                scheduler.address()
                            )))
                        };
                    }
                },
                error = &mut reporting => {
                    *alone_since = Instant::now();
                    return Left::Broken(error);
                }
                () = &mut over, if !reporter.is_leaving() => {
                    reporter.leave("its lifetime is over".to_string());
                }
                _ = &mut asked, if !reporter.is_leaving() => {
                    reporter.leave("it was asked to leave".to_string());
                }
            }
        }
    }
}
