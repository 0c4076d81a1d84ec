//! What `flight.py` needs beside Python: a server of Arrow Flight with nothing behind it, and clients that are quick
//! enough not to be what is measured. Each prints one line of JSON, or where it listens.

mod bare;
mod fetch;
mod sessions;

use std::future::Future;
use std::process::ExitCode;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use clap::{Args, Subcommand};
use tonic::transport::{Channel, Endpoint};

use crate::arrays::Result;

type Client = FlightSqlServiceClient<Channel>;

/// Servers and clients of Arrow Flight.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Serves the rows of a query of another server from memory, without an engine.
    Bare(bare::Bare),
    /// Reads a result to its end, and counts.
    Fetch(fetch::Fetch),
    /// Small queries, one after the other.
    Small(fetch::Small),
    /// Small queries of many sessions at once.
    Sessions(sessions::Many),
}

/// A server, and who asks.
#[derive(Debug, Clone, Args)]
struct Asked {
    /// Where the server is: HOST:PORT.
    address: String,
    /// A name to log in with.
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// Its password.
    #[arg(long)]
    password: Option<String>,
}

impl Asked {
    /// A connection of its own. The cookie says which session it is; none is the session of the name.
    async fn connect(&self, cookie: Option<&str>) -> Result<Client> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
        let channel = endpoint.tcp_nodelay(true).initial_stream_window_size(4 << 20);
        let channel = channel.initial_connection_window_size(16 << 20).connect().await?;
        let inner = FlightServiceClient::new(channel).max_decoding_message_size(usize::MAX);
        let mut client = FlightSqlServiceClient::new_from_inner(inner);
        if let Some(cookie) = cookie {
            client.set_header("cookie", format!("arrow_flight_session_id={cookie}"));
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            client.handshake(user, password).await?;
        }
        Ok(client)
    }
}

/// Does what is asked.
pub fn run(what: What) -> Result<ExitCode> {
    match what {
        What::Bare(bare) => on(bare.threads, bare.run())?,
        What::Fetch(fetch) => on(1, fetch.run())?,
        What::Small(small) => on(1, small.run())?,
        What::Sessions(many) => on(2, many.run())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn on(threads: usize, work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(threads.max(1)).enable_all().build()?.block_on(work)
}
