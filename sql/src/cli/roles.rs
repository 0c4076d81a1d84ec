//! `strata scheduler` and `strata worker`: the processes of a pool.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use strata_engine::{
    Adaptive, Address, ByCommand, BySsh, Local, Origin, Provision, Scheduler, SchedulerOptions,
    Settings, Span, Worker, WorkerCommand, WorkerOptions,
};
use tokio::runtime::{Builder, Handle, Runtime};

use super::args::{SchedulerArgs, WorkerArgs};
use crate::Error;
use crate::shell::{Ran, STACK, Stop};

/// Threads that answer others, apart from those that compute.
const ANSWERING: usize = 2;

/// Runs a scheduler until it is interrupted.
pub(crate) async fn scheduler(args: &SchedulerArgs) -> Ran {
    let mut settings = Settings::from_process().map_err(Error::from)?;
    args.settings.apply(&mut settings)?;
    let session = crate::session(settings)?;
    let options = SchedulerOptions {
        listen: args.listen,
        patience: args.patience,
        security: args.security.read()?,
        adaptive: None,
    };
    let adaptive = adaptive(args, &options)?;
    let options = SchedulerOptions { adaptive, ..options };
    let guarded = options.security.token.is_some() || options.security.tls.is_some();
    let quiet = args.quiet;
    let threads = threads("scheduler", ANSWERING)?;
    let ran = threads.handle()?.spawn(async move {
        let scheduler = Scheduler::open(session, options).await?;
        if !quiet {
            eprintln!("scheduler at {}", scheduler.address());
            if !guarded {
                eprintln!("no token was given: anyone on this machine may use it, and nobody else");
            }
        }
        scheduler.run(interrupted()).await
    });
    ran.await.map_err(broken)?.map_err(|error| Stop::Error(Box::new(error.into())))
}

/// How the pool grows and shrinks, where that was asked for.
fn adaptive(args: &SchedulerArgs, options: &SchedulerOptions) -> Ran<Option<Adaptive>> {
    let provision = &args.provision;
    let Some(maximum) = provision.max_workers else { return Ok(None) };
    let scheduler = match &provision.reach {
        Some(reach) => reach.parse().map_err(Error::from)?,
        None => Address::from(options.listen),
    };
    let starts: Arc<dyn Provision> = match &provision.provision_command {
        Some(line) => Arc::new(ByCommand::new(line).map_err(Error::from)?),
        None if provision.provision_ssh.is_empty() => Arc::new(Local::default()),
        None => {
            let hosts = provision.provision_ssh.clone();
            Arc::new(BySsh::new(hosts, &provision.ssh).map_err(Error::from)?)
        }
    };
    let program = match &provision.worker_program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(DataFusionError::IoError)?,
    };
    Ok(Some(Adaptive {
        minimum: provision.min_workers,
        maximum,
        target: provision.target,
        idle: provision.idle,
        worker: WorkerCommand {
            program,
            scheduler,
            token: options.security.token.clone(),
            name: "auto".to_string(),
            cores: provision.worker_cores.map(NonZeroUsize::get),
            memory: provision.worker_memory.clone(),
            more: provision.worker_arg.clone(),
        },
        provision: starts,
    }))
}

/// Runs a worker until it is interrupted, sent away, or left alone.
pub(crate) async fn worker(args: &WorkerArgs) -> Ran {
    let mut settings = Settings::from_process().map_err(Error::from)?;
    args.settings.apply(&mut settings)?;
    let scheduler = args.scheduler.parse().map_err(Error::from)?;
    let mut options = WorkerOptions::new(scheduler);
    if let Some(cores) = args.cores {
        options.cores = cores.get();
    }
    if let Some(listen) = args.listen {
        options.listen = listen;
    }
    if let Some(name) = &args.name {
        options.name.clone_from(name);
    }
    // A query that is planned here is planned for as many.
    let cores = options.cores.to_string();
    let origin = Origin::CommandLine("--cores".to_string());
    let partitions = "datafusion.execution.target_partitions";
    settings.set(partitions, &cores, origin).map_err(Error::from)?;
    options.host.clone_from(&args.host);
    options.lifetime = args.lifetime;
    options.death_timeout = args.death_timeout;
    options.security = args.security.read()?;
    let session = crate::session(settings)?;
    let quiet = args.quiet;
    let computing = threads("task", options.cores)?;
    let cores = computing.handle()?.clone();
    let answering = threads("worker", ANSWERING)?;
    let ran = answering.handle()?.spawn(async move {
        let name = options.name.clone();
        let worker = Worker::open(session, options).await?;
        if !quiet {
            eprintln!("{name} at {}", worker.address());
        }
        worker.run(cores, ended(), pressed()).await
    });
    let ended = ran.await.map_err(broken)?.map_err(Error::from)?;
    if !quiet {
        let strata_engine::Ended::Stopped(reason) = ended;
        eprintln!("left: {reason}");
    }
    Ok(())
}

/// Waits for Ctrl-C, or for the system to end this process.
pub(super) async fn interrupted() {
    tokio::select! {
        () = pressed() => {}
        () = ended() => {}
    }
}

/// Waits for Ctrl-C.
async fn pressed() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for the system to end this process, politely.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            ended.recv().await;
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Threads that nobody waits for at the end.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn handle(&self) -> Ran<&Handle> {
        let runtime = self.0.as_ref().map(Runtime::handle);
        Ok(runtime.ok_or_else(|| DataFusionError::Internal("threads are gone".to_string()))?)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

pub(super) fn threads(name: &str, count: usize) -> Ran<Threads> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(count)
        .thread_name(name)
        .thread_stack_size(STACK)
        .enable_all()
        .build();
    Ok(Threads(Some(runtime.map_err(DataFusionError::IoError)?)))
}

/// A length of time, as flags take it: `30s`, `5min`, `2h`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0)
}

pub(super) fn broken(error: tokio::task::JoinError) -> DataFusionError {
    DataFusionError::IoError(io::Error::other(error))
}
