//! The way to another process: one connection, over which questions are asked and rows are fetched.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{Action, Ticket};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use prost::Message;
use prost::bytes::Bytes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::port::LARGEST_QUESTION;
use super::protocol::{Call, Parts};
use super::security::{Pass, Security};
use crate::config::ByteSize;
use crate::error::{EngineError, Result};

/// Whoever does not answer a connection within this is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a silent peer is asked whether it is still there, and how long it may think about it.
const PING: Duration = Duration::from_secs(2);
/// An answer of one message comes within this.
const ANSWER: Duration = Duration::from_secs(20);
/// So many connections are kept for the next who asks.
const MOST_LINKS: usize = 256;

/// Where a process listens: `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The host, as a name or a number.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Takes another's port where this has none.
    pub(crate) fn take_port_of(&mut self, other: &Self) {
        if self.port == 0 {
            self.port = other.port;
        }
    }

    /// Whether it is this machine's own, which others do not reach.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl FromStr for Address {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self> {
        let bad = |reason: &str| {
            EngineError::Pool(format!("'{text}' is no address: {reason}; write HOST:PORT"))
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| bad("the port is missing"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(plain) {
            return Err(bad("the host is missing, or has signs no host has"));
        }
        let port = port.parse().map_err(|_| bad("the port is no number up to 65535"))?;
        Ok(Self { host: host.to_string(), port })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A connection to a process of the pool. Clones share it.
#[derive(Clone)]
pub(crate) struct Link {
    address: Address,
    client: FlightServiceClient<InterceptedService<Channel, Pass>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Link {
    /// A connection that is made when it is first needed, and made again when it broke.
    pub(crate) fn to(address: Address, security: &Security) -> Result<Self> {
        let scheme = if security.tls.is_some() { "https" } else { "http" };
        let unfit = |error: tonic::transport::Error| {
            EngineError::Pool(format!("cannot speak to {address}: {}", reason(&error)))
        };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(unfit)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .initial_stream_window_size(Some(4 << 20))
            .initial_connection_window_size(Some(16 << 20));
        if let Some(tls) = &security.tls {
            endpoint = endpoint.tls_config(tls.for_client()).map_err(unfit)?;
        }
        let client =
            FlightServiceClient::with_interceptor(endpoint.connect_lazy(), security.pass())
                // What a peer sends has been asked for, and a row may be large.
                .max_decoding_message_size(usize::MAX)
                .max_encoding_message_size(usize::MAX);
        Ok(Self { address, client })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Asks a question that has one answer.
    pub(crate) async fn ask<C: Call>(&self, question: &C) -> Result<C::Answer> {
        let asked = async { self.listen(question).await?.try_next().await };
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(self.broken(&Status::unavailable("it ended without an answer"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(self.broken(&Status::deadline_exceeded("no answer came"))),
        }
    }

    /// Asks a question whose answer goes on.
    pub(crate) async fn listen<C: Call>(
        &self,
        question: &C,
    ) -> Result<BoxStream<'static, Result<C::Answer>>> {
        let action = Action { r#type: C::NAME.to_string(), body: question.encode_to_vec().into() };
        let asked = self.client.clone().do_action(action).await;
        let answers = asked.map_err(|status| self.broken(&status))?.into_inner();
        let link = self.clone();
        Ok(answers
            .map(move |answer| {
                let answer = answer.map_err(|status| link.broken(&status))?;
                C::Answer::decode(answer.body).map_err(|error| {
                    link.broken(&Status::internal(format!("its answer makes no sense: {error}")))
                })
            })
            .boxed())
    }

    /// Fetches rows.
    pub(crate) async fn fetch(&self, parts: &Parts) -> Result<FlightRecordBatchStream, Status> {
        let ticket = Ticket { ticket: Bytes::from(parts.encode_to_vec()) };
        let rows = self.client.clone().do_get(ticket).await?.into_inner();
        Ok(FlightRecordBatchStream::new_from_flight_data(rows.map_err(FlightError::from)))
    }

    fn broken(&self, status: &Status) -> EngineError {
        let address = &self.address;
        let said = status.message();
        let not_let_in = |reason| EngineError::NotLetIn { address: address.to_string(), reason };
        EngineError::Pool(match status.code() {
            Code::Unauthenticated => {
                let advice = "give its token with --token-file or STRATA_TOKEN";
                return not_let_in(format!("{said}; {advice}"));
            }
            Code::FailedPrecondition => return not_let_in(said.to_string()),
            Code::InvalidArgument | Code::ResourceExhausted | Code::NotFound => said.to_string(),
            Code::DeadlineExceeded => format!("{address} does not answer: {said}"),
            Code::OutOfRange => format!(
                "the query is too large to be sent to {address}: it holds tables in memory of more than \
                 {}; write them to files that the workers read",
                ByteSize(LARGEST_QUESTION as u64)
            ),
            _ => {
                let why = std::error::Error::source(status).map_or(said.to_string(), reason);
                format!("{address} cannot be reached: {why}")
            }
        })
    }
}

/// Connections to the processes that rows lie with.
#[derive(Debug)]
pub(super) struct Links {
    open: Mutex<HashMap<Address, Link>>,
    security: Security,
}

impl Links {
    pub(super) fn new(security: Security) -> Self {
        Self { open: Mutex::default(), security }
    }

    /// One to an address that nobody else has.
    pub(super) fn apart(&self, address: &str) -> Result<Link> {
        Link::to(address.parse()?, &self.security)
    }

    /// The one to an address.
    pub(super) fn to(&self, address: &str) -> Result<Link> {
        let address: Address = address.parse()?;
        let mut open = self.open.lock();
        if let Some(link) = open.get(&address) {
            return Ok(link.clone());
        }
        // Workers come and go: whoever is still there is found again.
        if open.len() >= MOST_LINKS {
            open.clear();
        }
        let link = Link::to(address.clone(), &self.security)?;
        open.insert(address, link.clone());
        Ok(link)
    }
}

/// The innermost reason that says something.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_a_host_and_a_port() {
        for good in ["localhost:50050", "10.0.0.1:1", "[::1]:65535", "a-b.example:80"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        for bad in ["", "localhost", ":1", "a:b", "a:70000", "a b:1", "http://a:1", "a/b:1"] {
            let error = bad.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("HOST:PORT"), "{bad}: {error}");
        }
        assert!("127.0.0.2:1".parse::<Address>().unwrap().is_loopback());
        assert!(!"10.0.0.1:1".parse::<Address>().unwrap().is_loopback());
    }
}
