//! What a worker is told when it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::cluster::link::Address;
use crate::cluster::security::Security;
use crate::error::{EngineError, Result};

/// What a worker is told when it starts.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Where the scheduler is.
    pub scheduler: Address,
    /// The port to listen on; 0 takes any.
    pub listen: SocketAddr,
    /// The host by which others reach it; found out where none is given.
    pub host: Option<String>,
    /// What people call it.
    pub name: String,
    /// How many tasks it runs at once.
    pub cores: usize,
    /// It leaves by itself after this long.
    pub lifetime: Option<Duration>,
    /// It gives up when no scheduler has been there for this long.
    pub death_timeout: Duration,
    /// What it shows and asks for.
    pub security: Security,
}

impl WorkerOptions {
    /// A worker for this scheduler, with as many cores as the machine lets it have.
    pub fn new(scheduler: Address) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let host = if scheduler.is_loopback() {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        };
        Self {
            scheduler,
            listen: SocketAddr::new(host, 0),
            host: None,
            name: format!("worker-{}", std::process::id()),
            cores,
            lifetime: None,
            death_timeout: Duration::from_secs(60),
            security: Security::default(),
        }
    }

    /// The address to tell others: a port that is bound everywhere is reached where the scheduler
    /// sees this machine.
    pub(super) fn advertised(&self, bound: SocketAddr) -> Result<Address> {
        let host = match &self.host {
            Some(host) => host.clone(),
            None if !bound.ip().is_unspecified() => bound.ip().to_string(),
            None => towards(&self.scheduler)?.to_string(),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        format!("{host}:{}", bound.port()).parse()
    }
}

/// This machine's address on the way to another. Nothing is sent.
fn towards(scheduler: &Address) -> Result<IpAddr> {
    let found = std::net::UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect(scheduler.to_string())?;
        socket.local_addr()
    });
    found.map(|address| address.ip()).map_err(|error| {
        EngineError::Pool(format!(
            "cannot tell by which address {scheduler} reaches this machine: {error}; give it with \
             --host"
        ))
    })
}
