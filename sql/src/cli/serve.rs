//! `strata serve`: the session of this process, for clients of Arrow Flight SQL.

use datafusion::error::DataFusionError;
use strata_engine::Settings;
use tokio::net::TcpListener;

use super::args::ServeArgs;
use super::batch::{self, Opened};
use super::roles::{broken, interrupted, threads};
use crate::RunText;
use crate::flight::{Serving, serve};
use crate::shell::{Ran, Stop, Workers};

/// Threads that answer clients, apart from those that compute.
const ANSWERING: usize = 2;

/// Serves until it is interrupted.
pub(crate) async fn run(args: &ServeArgs, workers: &Workers) -> Ran {
    let mut settings = Settings::from_process().map_err(crate::Error::from)?;
    args.settings.apply(&mut settings)?;
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
    let security = args.pool.security.read()?;
    let (token, quiet, listen) = (security.token, args.quiet, args.listen);
    if token.is_none() && !listen.ip().is_loopback() {
        return Err(Stop::usage(
            format!("without a token, {listen} would let anyone in who reaches it"),
            Some("give --token-file FILE, or listen on 127.0.0.1".to_string()),
        ));
    }
    let serving = Serving { session, runner, workers: workers.clone(), token };
    let threads = threads("serve", ANSWERING)?;
    let served = threads.handle()?.spawn(async move {
        let listener = TcpListener::bind(listen).await.map_err(DataFusionError::IoError)?;
        let address = listener.local_addr().map_err(DataFusionError::IoError)?;
        if !quiet {
            eprintln!("serving at grpc://{address}");
            if serving.token.is_none() {
                eprintln!("no token was given: anyone on this machine may use it, and nobody else");
            }
        }
        serve(listener, serving, interrupted()).await
    });
    let served = served.await.map_err(broken)?;
    drop(processes);
    served.map_err(|error| Stop::Error(Box::new(error)))
}
