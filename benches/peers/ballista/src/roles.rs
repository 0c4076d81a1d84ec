//! The two roles of Ballista, wired as in its own programs: both can read from S3.

use std::sync::Arc;
use std::{io, process, thread};

use ballista_core::object_store::{
    runtime_env_with_s3_support, session_config_with_s3_support, session_state_with_s3_support,
};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;

use crate::Result;

/// Serves as the scheduler.
pub(crate) async fn scheduler(config: ballista_scheduler::config::Config) -> Result<()> {
    end_with_stdin();
    let address = format!("{}:{}", config.bind_host, config.bind_port).parse()?;
    let config = SchedulerConfig::try_from(config)?
        .with_override_config_producer(Arc::new(session_config_with_s3_support))
        .with_override_session_builder(Arc::new(session_state_with_s3_support));
    let cluster = BallistaCluster::new_from_config(&config).await?;
    Ok(start_server(cluster, address, Arc::new(config)).await?)
}

/// Serves as an executor.
pub(crate) async fn executor(config: ballista_executor::config::Config) -> Result<()> {
    end_with_stdin();
    let mut config = ExecutorProcessConfig::try_from(config)?;
    config.override_config_producer = Some(Arc::new(session_config_with_s3_support));
    config.override_runtime_producer = Some(Arc::new(runtime_env_with_s3_support));
    Ok(start_executor_process(Arc::new(config)).await?)
}

/// Ends this process when its standard input ends, which the process that started it holds: so none
/// stays behind, not even when that one is killed.
fn end_with_stdin() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
}
