//! `strata serve`: the session of this process, for clients of Arrow Flight SQL.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use datafusion::error::DataFusionError;
use strata_engine::{Origin, Settings};
use tokio::net::TcpListener;

use super::args::ServeArgs;
use super::batch::{self, Opened};
use super::roles::{broken, interrupted, threads};
use crate::RunText;
use crate::flight::locks::Locks;
use crate::flight::locks::config::ServeConfig;
use crate::flight::{Serving, serve};
use crate::shell::{Ran, Stop, Workers};

/// Threads that answer clients, apart from those that compute.
const ANSWERING: usize = 2;
/// Where it listens, if nobody says.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 31337);

/// Serves until it is interrupted.
pub(crate) async fn run(args: &ServeArgs, workers: &Workers) -> Ran {
    let mut settings = Settings::from_process().map_err(crate::Error::from)?;
    let mut config = match &args.config {
        Some(path) => ServeConfig::from_file(path)?,
        None => ServeConfig::default(),
    };
    if let Some(idle) = config.limits.idle {
        let origin = Origin::File(config.path.clone());
        settings.set("flight.idle", &idle.to_string(), origin).map_err(crate::Error::from)?;
    }
    args.settings.apply(&mut settings)?;
    config.limits.idle = Some(settings.strata().flight.idle);
    let security = args.pool.security.read()?;
    let locks = Locks::new(&config)?;
    let locks = Arc::new(match &security.token {
        Some(token) => locks.and_token(token),
        None => locks,
    });
    let tls = config.tls()?.or(security.tls);
    let (quiet, listen) = (args.quiet, args.listen.or(config.listen).unwrap_or(LISTEN));
    locks.allow_listening(listen, tls.as_ref())?;
    let database = args.database.as_deref();
    let opened = batch::session(settings, &args.pool, database, workers).await?;
    let Opened { session, runner, processes } = opened;
    for path in &args.files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Stop::file(&name, error))?;
        let prepared = session.clone();
        let ran = workers.run(async move { prepared.run(&text).await.map(drop) });
        ran.await.map_err(DataFusionError::IoError)??;
    }
    let message = usize::try_from(config.limits.message.0).unwrap_or(usize::MAX);
    let scheme = if tls.is_some() { "grpc+tls" } else { "grpc" };
    let workers = workers.clone();
    let serving = Serving { session, runner, workers, locks, tls, message };
    let threads = threads("serve", ANSWERING)?;
    let served = threads.handle()?.spawn(async move {
        let listener = TcpListener::bind(listen).await.map_err(DataFusionError::IoError)?;
        let address = listener.local_addr().map_err(DataFusionError::IoError)?;
        if !quiet {
            eprintln!("serving at {scheme}://{address}");
            if serving.locks.are_open() {
                eprintln!("nothing is locked: anyone on this machine may use it, and nobody else");
            }
        }
        serve(listener, serving, interrupted()).await
    });
    let served = served.await.map_err(broken)?;
    drop(processes);
    served.map_err(|error| Stop::Error(Box::new(error)))
}
