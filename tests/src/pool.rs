//! Pools for tests: scheduler and workers in this process, or workers as processes that can be killed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::context::SessionContext;
use strata::Settings;
use strata_engine::{
    Address, LocalWorkers, Origin, Pool, Processes, Scheduler, SchedulerOptions, Security, Token,
    Worker, WorkerOptions,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How many workers, and of how many cores each.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Workers.
    pub workers: usize,
    /// Tasks each runs at once.
    pub cores: usize,
}

/// A pool that ends with the test.
pub struct TestPool {
    /// The pool, as clients see it.
    pub pool: Arc<Pool>,
    /// What it asks of callers.
    pub security: Security,
    /// Where its scheduler is.
    pub scheduler: Address,
    /// What its processes know beside what all know.
    install: fn(&SessionContext),
    tasks: Vec<JoinHandle<()>>,
    processes: Option<Processes>,
}

impl Drop for TestPool {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl TestPool {
    /// A scheduler in this process, and nobody who works.
    pub async fn empty(patience: Duration) -> Self {
        Self::open(Ipv4Addr::LOCALHOST, patience, |_| ()).await
    }

    /// A scheduler in this process that listens at this host.
    pub async fn listening(host: Ipv4Addr, patience: Duration) -> Self {
        Self::open(host, patience, |_| ()).await
    }

    /// All in this process, and all that know what this adds to a session.
    pub async fn knowing(install: fn(&SessionContext), shape: Shape) -> Self {
        let pool = Self::open(Ipv4Addr::LOCALHOST, Duration::from_secs(30), install).await;
        pool.of_shape(shape).await
    }

    async fn open(host: Ipv4Addr, patience: Duration, install: fn(&SessionContext)) -> Self {
        let security = Security { token: Some(Token::random()), tls: None };
        let listen = SocketAddr::from((host, 0));
        let options =
            SchedulerOptions { listen, patience, security: security.clone(), ..Default::default() };
        let session = strata::session(Settings::default()).unwrap();
        install(&session);
        let scheduler = Scheduler::open(session, options).await.unwrap();
        let address = scheduler.address().clone();
        let serving = tokio::spawn(async move {
            scheduler.run(std::future::pending()).await.unwrap();
        });
        let pool = Pool::find(address.clone(), security.clone()).await.unwrap();
        let tasks = vec![serving];
        Self { pool, security, scheduler: address, install, tasks, processes: None }
    }

    /// All in this process.
    pub async fn here(shape: Shape) -> Self {
        Self::empty(Duration::from_secs(30)).await.of_shape(shape).await
    }

    async fn of_shape(mut self, shape: Shape) -> Self {
        for _ in 0..shape.workers {
            self.add_worker(shape.cores).await;
        }
        while self.pool.workers().await.unwrap().len() < shape.workers {
            tokio::task::yield_now().await;
        }
        self
    }

    /// A worker in this process.
    pub async fn add_worker(&mut self, cores: usize) {
        self.add(cores, &[], None).await;
    }

    /// A worker in this process, with settings of its own.
    pub async fn add_worker_with(&mut self, cores: usize, chosen: &[(&str, &str)]) {
        self.add(cores, chosen, None).await;
    }

    /// A worker in this process, which leaves after a while.
    pub async fn add_worker_for(&mut self, cores: usize, lifetime: Option<Duration>) {
        self.add(cores, &[], lifetime).await;
    }

    /// A worker in this process, which tells others that it is at another host.
    pub async fn add_unreachable_worker(&mut self, host: &str) {
        let mut options = WorkerOptions::new(self.scheduler.clone());
        options.host = Some(host.to_string());
        options.cores = 1;
        self.run(options, Settings::default()).await;
    }

    async fn add(&mut self, cores: usize, chosen: &[(&str, &str)], lifetime: Option<Duration>) {
        let mut options = WorkerOptions::new(self.scheduler.clone());
        options.cores = cores;
        options.lifetime = lifetime;
        let mut settings = Settings::default();
        for (name, value) in chosen {
            settings.set(name, value, Origin::Session).unwrap();
        }
        self.run(options, settings).await;
    }

    async fn run(&mut self, mut options: WorkerOptions, settings: Settings) {
        options.security = self.security.clone();
        let session = strata::session(settings).unwrap();
        (self.install)(&session);
        let worker = Worker::open(session, options).await.unwrap();
        self.tasks.push(tokio::spawn(async move {
            let never = std::future::pending;
            worker.run(Handle::current(), never(), never()).await.unwrap();
        }));
    }

    /// A scheduler in this process, and workers as processes of `program`.
    pub async fn of_processes(program: &str, shape: Shape, patience: Duration) -> Self {
        let mut pool = Self::empty(patience).await;
        let processes = pool.local(program, shape).start(&pool.pool).await.unwrap();
        pool.processes = Some(processes);
        pool
    }

    /// How workers of a program are started for this pool.
    pub fn local(&self, program: &str, shape: Shape) -> LocalWorkers {
        LocalWorkers {
            program: PathBuf::from(program),
            scheduler: self.scheduler.clone(),
            token: self.security.token.clone().unwrap(),
            workers: shape.workers,
            cores: shape.cores,
            memory: 1 << 30,
            spill: None,
        }
    }

    /// A session whose queries run on the pool, however small they are.
    pub fn session(&self, chosen: &[(&str, &str)]) -> SessionContext {
        let mut settings = Settings::default();
        for (name, value) in [("pool.small", "0B")].iter().chain(chosen) {
            settings.set(name, value, Origin::Session).unwrap();
        }
        let session = strata::session_on(Arc::clone(&self.pool), settings).unwrap();
        (self.install)(&session);
        session
    }
}
