//! The connection to a server. One channel, which connects when it is needed and again when it broke; every request
//! says who asks and in which session.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow_flight::decode::FlightDataDecoder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{Action, FlightData, FlightDescriptor, FlightInfo, PollInfo, Ticket};
use futures::TryStreamExt;
use parking_lot::Mutex;
use prost::bytes::Bytes;
use strata_engine::{Tls, Token};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use super::Address;
use crate::error::{Error, Result};
use crate::flight::{COOKIE, asides};

/// How long a server may take to be there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server that computes may be silent before it is asked whether it is there, and how long it may take to
/// say so.
const PING: Duration = Duration::from_secs(20);
/// The largest message that is read: Arrow's own bound for a text.
const LARGEST: usize = i32::MAX as usize;
/// No server needs more cookies.
const COOKIES: usize = 16;

/// Who asks.
pub(crate) enum Login {
    /// Nobody, or whoever the certificate says.
    Nobody,
    /// Whoever has this token.
    Token(Token),
    /// A user.
    Password { user: String, password: String },
}

/// What is known of the server and of our session there.
#[derive(Default)]
pub(super) struct Known {
    /// What a login was answered with.
    pub(super) bearer: Option<String>,
    /// What says which session is ours.
    cookies: BTreeMap<String, String>,
    /// Whether the session is set up.
    pub(super) open: bool,
    /// Whether it ever was.
    pub(super) was_open: bool,
    /// Whether the server has told that the session is a new one.
    pub(super) is_new: bool,
    /// Whether the session is another one than a person knows of.
    pub(super) another: bool,
    /// When the server has last answered.
    pub(super) heard: Option<Instant>,
    /// What the server is, and which version.
    pub(super) server: Option<(String, String)>,
}

/// The connection to a server.
pub(crate) struct Link {
    /// Where it is.
    pub(crate) address: Address,
    pub(super) login: Login,
    /// Settings that every session of ours begins with.
    pub(super) settings: Vec<(String, String)>,
    channel: Channel,
    pub(super) known: Mutex<Known>,
    /// Held by whoever opens the session.
    pub(super) opening: tokio::sync::Mutex<()>,
}

impl Link {
    /// A connection, which is made when it is first needed, on the threads on which this is called.
    pub(crate) fn new(
        address: Address,
        tls: Option<Tls>,
        login: Login,
        settings: Vec<(String, String)>,
    ) -> Result<Self> {
        let unfit = |error: tonic::transport::Error| {
            Error::text(super::trouble::innermost(&error)).hint("look at --tls-ca and --tls-cert")
        };
        let mut endpoint = Endpoint::from_shared(address.uri())
            .map_err(unfit)?
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(PING))
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .initial_stream_window_size(Some(4 << 20))
            .initial_connection_window_size(Some(16 << 20));
        if address.tls {
            let tls = match tls {
                Some(tls) => tls,
                None => Tls::from_files(None, None, None)?,
            };
            endpoint = endpoint.tls_config(tls.for_client_of(address.name())).map_err(unfit)?;
        }
        let channel = endpoint.connect_lazy();
        let (known, opening) = Default::default();
        Ok(Self { address, login, settings, channel, known, opening })
    }

    /// What calls the server.
    pub(super) fn client(&self) -> FlightServiceClient<Channel> {
        FlightServiceClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    /// A request that says who asks, and in which session; once that is set up, in no other one.
    pub(super) fn ask<T>(&self, message: T) -> Result<Request<T>, Status> {
        let mut request = Request::new(message);
        let known = self.known.lock();
        let bearer = match &self.login {
            Login::Token(token) => Some(format!("Bearer {}", token.reveal())),
            _ => known.bearer.clone(),
        };
        if let Some(bearer) = bearer {
            request.metadata_mut().insert("authorization", secret(&bearer)?);
        }
        let cookies: Vec<String> =
            known.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.metadata_mut().insert("cookie", secret(&cookies.join("; "))?);
        }
        if known.open {
            asides::want_same(request.metadata_mut());
        }
        Ok(request)
    }

    /// Takes an answer, and what it says about the session.
    pub(super) fn heard<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Status> {
        match answer {
            Ok(response) => {
                self.note(response.metadata());
                Ok(response.into_inner())
            }
            Err(status) => {
                self.note(status.metadata());
                Err(self.failed(status))
            }
        }
    }

    /// Notes what a failure says about the connection and the session.
    pub(super) fn failed(&self, status: Status) -> Status {
        let ended = asides::has_ended(&status);
        if ended || super::trouble::is_lost(&status) || status.code() == Code::Unauthenticated {
            let mut known = self.known.lock();
            known.open = false;
            known.is_new |= ended;
        }
        status
    }

    /// Whether a request was refused before anything was done, and may be asked again in a session that is opened
    /// for it: the token has had its time, or the session.
    pub(super) fn may_ask_again(&self, why: &Status) -> bool {
        let has_password = matches!(self.login, Login::Password { .. });
        asides::has_ended(why) || (has_password && why.code() == Code::Unauthenticated)
    }

    fn note(&self, metadata: &MetadataMap) {
        let mut known = self.known.lock();
        known.heard = Some(Instant::now());
        let offered = metadata.get_all("set-cookie").into_iter();
        for line in offered.filter_map(|value| value.to_str().ok()) {
            let pair = line.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            if known.cookies.len() >= COOKIES && !known.cookies.contains_key(name) {
                continue;
            }
            let had = known.cookies.insert(name.to_string(), value.to_string()).is_some();
            // Whoever has the session's cookie is told another one, or the same, when its session was not there.
            // Those who stand before the server have cookies of their own, and tell them when they like.
            if had && name == COOKIE {
                known.is_new = true;
                known.open = false;
            }
        }
    }

    /// Has a query run in the background, or asks how far it is.
    pub(super) async fn poll(&self, asked: FlightDescriptor) -> Result<PollInfo, Status> {
        let request = self.ask(asked)?;
        self.heard(self.client().poll_flight_info(request).await)
    }

    /// What there is to fetch for a command.
    pub(super) async fn info(&self, asked: FlightDescriptor) -> Result<FlightInfo, Status> {
        let request = self.ask(asked)?;
        self.heard(self.client().get_flight_info(request).await)
    }

    /// The rows of a ticket.
    pub(super) async fn get(&self, ticket: Ticket) -> Result<FlightDataDecoder, Status> {
        let request = self.ask(ticket)?;
        let rows = self.heard(self.client().do_get(request).await)?;
        Ok(FlightDataDecoder::new(rows.map_err(FlightError::from)))
    }

    /// Does an action; what the answer holds.
    pub(super) async fn act(&self, name: &str, body: Vec<u8>) -> Result<Bytes, Status> {
        let request = self.ask(Action::new(name, body))?;
        let mut results = self.heard(self.client().do_action(request).await)?;
        let first = results.message().await?;
        Ok(first.map(|result| result.body).unwrap_or_default())
    }

    /// Sends one message, and waits for what comes of it.
    pub(super) async fn put(&self, message: FlightData) -> Result<(), Status> {
        let request = self.ask(futures::stream::iter([message]))?;
        let mut results = self.heard(self.client().do_put(request).await)?;
        results.message().await.map(drop)
    }
}

/// A header that is in no log.
pub(super) fn secret(text: &str) -> Result<AsciiMetadataValue, Status> {
    let mut value: AsciiMetadataValue = text.parse().map_err(|_| {
        Status::invalid_argument("a token or cookie has characters that no header has")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_cookie_of_a_session_tells_that_it_is_new() {
        let address = "grpc://localhost:1".parse().unwrap();
        let link = Link::new(address, None, Login::Nobody, Vec::new()).unwrap();
        let hear = |line: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("set-cookie", line.parse().unwrap());
            link.note(&metadata);
            link.known.lock().is_new
        };
        assert!(!hear("AWSALB=one; Path=/") && !hear("AWSALB=two; Path=/"));
        assert!(!hear(&format!("{COOKIE}=a")));
        let sent = link.ask(()).unwrap().metadata().get("cookie").unwrap().clone();
        assert_eq!(sent.to_str().unwrap(), format!("AWSALB=two; {COOKIE}=a"));
        assert!(!hear("AWSALB=three"));
        assert!(hear(&format!("{COOKIE}=a")));
    }

    #[tokio::test]
    async fn a_session_that_is_set_up_is_asked_for_again() {
        let address = "grpc://localhost:1".parse().unwrap();
        let link = Link::new(address, None, Login::Nobody, Vec::new()).unwrap();
        let wants_same = || asides::wants_same(link.ask(()).unwrap().metadata());
        assert!(!wants_same(), "it has to be made");
        link.known.lock().open = true;
        assert!(wants_same());
        let why = link.failed(asides::ended());
        assert!(link.may_ask_again(&why) && !wants_same());
        assert!(!link.may_ask_again(&Status::failed_precondition("the store is away")));
    }
}
