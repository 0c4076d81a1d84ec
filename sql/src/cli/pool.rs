//! The pool a session runs on: one that is there, or one of this process's own.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use strata_engine::{
    ByteSize, EngineError, LocalWorkers, Origin, Pool, Processes, Scheduler, SchedulerOptions,
    Security, Settings, Tls, Token,
};

use super::args::{PoolArgs, SecurityArgs};
use crate::error::Result;
use crate::shell::{Ran, Workers};

/// How long the workers of this process's own pool may be silent. They are on the same machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pool, and what it is kept up by.
pub(crate) struct Joined {
    pub(crate) pool: Arc<Pool>,
    /// The workers of this process's own.
    pub(crate) processes: Option<Processes>,
}

/// Finds or starts the pool that was asked for.
pub(crate) async fn join(
    args: &PoolArgs,
    settings: &mut Settings,
    workers: &Workers,
) -> Ran<Option<Joined>> {
    if let Some(address) = &args.cluster {
        let address = address.parse().map_err(crate::Error::from)?;
        let security = args.security.read()?;
        let found = workers.run(async move { Pool::find(address, security).await });
        let pool = found.await.map_err(DataFusionError::IoError)?.map_err(crate::Error::from)?;
        return Ok(Some(Joined { pool, processes: None }));
    }
    match args.workers {
        Some(count) => Ok(Some(start(count, settings, workers).await?)),
        None => Ok(None),
    }
}

/// Starts a scheduler here, and workers as processes that end with this one.
async fn start(count: NonZeroUsize, settings: &mut Settings, workers: &Workers) -> Ran<Joined> {
    let count = count.get();
    let security = Security { token: Some(Token::random()), tls: None };
    let options =
        SchedulerOptions { patience: PATIENCE, security: security.clone(), ..Default::default() };
    let session = crate::session(settings.clone())?;
    let opened = workers.run(Scheduler::open(session, options)).await;
    let scheduler = opened.map_err(DataFusionError::IoError)?.map_err(crate::Error::from)?;
    let address = scheduler.address().clone();
    // It ends with the threads it runs on.
    drop(workers.spawn(scheduler.run(std::future::pending())).map_err(DataFusionError::IoError)?);

    let options = settings.strata();
    // This process is one that uses memory, too.
    let memory = options.memory.limit.bytes() / (count as u64 + 1);
    let least = ByteSize(64 << 20);
    if memory < least.0 {
        let reason = format!(
            "{} is too little for {count} workers and this process: each needs at least {least}",
            ByteSize(options.memory.limit.bytes())
        );
        let (name, origin) = ("memory.limit".to_string(), "--workers".to_string());
        return Err(crate::Error::from(EngineError::Setting { name, origin, reason }).into());
    }
    let spill = options.spill.directory.clone();
    let origin = Origin::CommandLine("--workers".to_string());
    settings
        .set("memory.limit", &ByteSize(memory).to_string(), origin)
        .map_err(crate::Error::from)?;
    let local = LocalWorkers {
        program: std::env::current_exe().map_err(DataFusionError::IoError)?,
        scheduler: address.clone(),
        token: security.token.clone().unwrap_or_else(Token::random),
        workers: count,
        cores: (settings.options().execution.target_partitions / count).max(1),
        memory,
        spill: (!spill.is_empty()).then(|| spill.into()),
    };
    let started = workers.run(async move {
        let pool = Pool::find(address, security).await?;
        let processes = local.start(&pool).await?;
        Ok::<_, strata_engine::EngineError>(Joined { pool, processes: Some(processes) })
    });
    Ok(started.await.map_err(DataFusionError::IoError)?.map_err(crate::Error::from)?)
}

impl SecurityArgs {
    /// The token and the certificates that were given. In a pool, both sides show one.
    pub(crate) fn read(&self) -> Result<Security> {
        let lacks = |name: &str, reason: &str| EngineError::Setting {
            name: name.to_string(),
            origin: format!("--{name}"),
            reason: reason.to_string(),
        };
        if self.tls_ca.is_some() && self.tls_cert.is_none() {
            let why = "both sides show a certificate: give --tls-cert and --tls-key as well";
            return Err(lacks("tls-ca", why).into());
        }
        if self.tls_ca.is_none() && (self.tls_cert.is_some() || self.tls_name.is_some()) {
            let given = if self.tls_cert.is_some() { "tls-cert" } else { "tls-name" };
            return Err(
                lacks(given, "whose certificates are believed is not said: give --tls-ca").into()
            );
        }
        self.read_for_server()
    }

    /// The token and the certificates that were given, for a server, which need not ask for any.
    pub(crate) fn read_for_server(&self) -> Result<Security> {
        let token = match (&self.token_file, std::env::var("STRATA_TOKEN")) {
            (Some(path), _) => Some(Token::from_file(path)?),
            (None, Ok(token)) if !token.is_empty() => Some(Token::new(&token)?),
            _ => None,
        };
        let identity = self.tls_cert.as_deref().zip(self.tls_key.as_deref());
        let tls = match (self.tls_ca.as_deref(), identity, self.tls_name.as_deref()) {
            (None, None, None) => None,
            (authority, identity, _) => {
                Some(Tls::from_files(authority, identity, self.tls_name.as_deref())?)
            }
        };
        Ok(Security { token, tls })
    }
}
