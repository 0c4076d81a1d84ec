//! The one port of a process: Arrow Flight behind the guard, and two addresses that tell a supervisor
//! (Kubernetes, systemd) whether the process lives and whether it is of use. Those answer anyone, with
//! a word.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use async_trait::async_trait;
use axum::http::StatusCode;
use axum::routing::get;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use prost::Message;
use prost::bytes::Bytes;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::protocol::{Call, Parts};
use super::security::Security;
use crate::error::{EngineError, Result};

/// The largest question: a plan, with the tables in memory that it holds.
pub(crate) const LARGEST_QUESTION: usize = 256 << 20;

/// The messages of an answer.
pub(crate) type Answers = BoxStream<'static, Result<Bytes, Status>>;

/// What a process does for those it lets in.
#[async_trait]
pub(crate) trait Role: Send + Sync + 'static {
    /// Answers a question, by its name.
    async fn answer(&self, question: Question) -> Result<Answers, Status>;

    /// The rows of a ticket, as Flight sends them.
    async fn rows(
        &self,
        parts: Parts,
    ) -> Result<BoxStream<'static, Result<FlightData, Status>>, Status>;

    /// Whether it is of use now.
    fn is_ready(&self) -> bool;
}

/// A question that has come in.
pub(crate) struct Question {
    name: String,
    body: Bytes,
}

impl Question {
    /// The question, if it is this one.
    pub(crate) fn is<C: Call>(&self) -> Option<Result<C, Status>> {
        (self.name == C::NAME).then(|| {
            C::decode(self.body.clone()).map_err(|error| {
                Status::invalid_argument(format!("{} makes no sense: {error}", C::NAME))
            })
        })
    }

    /// Nobody here answers it.
    pub(crate) fn unknown(&self) -> Status {
        Status::unimplemented(format!("nothing here is called '{}'", self.name.escape_default()))
    }
}

/// An answer of one message.
pub(crate) fn one<M: Message>(answer: &M) -> Answers {
    let bytes = Bytes::from(answer.encode_to_vec());
    futures::stream::once(async { Ok(bytes) }).boxed()
}

/// Opens the port.
pub(crate) async fn open(address: SocketAddr, security: &Security) -> Result<TcpListener> {
    security.allow_listening(address)?;
    TcpListener::bind(address)
        .await
        .map_err(|error| EngineError::Pool(format!("cannot listen on {address}: {error}")))
}

/// Serves for ever. A caller that is silent for `ping` is asked whether it is still there, and has as long
/// to answer.
pub(crate) async fn serve<R: Role>(
    listener: TcpListener,
    security: &Security,
    role: Arc<R>,
    ping: Duration,
) -> Result<()> {
    let flight = FlightServiceServer::new(Flight(Arc::clone(&role)))
        .max_decoding_message_size(LARGEST_QUESTION)
        .max_encoding_message_size(usize::MAX);
    let guarded = tonic::service::interceptor::InterceptedService::new(flight, security.guard());
    let ready = move || async move {
        if role.is_ready() {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    };
    let routes = Routes::new(guarded)
        .into_axum_router()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready));
    let broken =
        |error: tonic::transport::Error| EngineError::Pool(format!("cannot serve: {error}"));
    let mut server = Server::builder()
        .accept_http1(true)
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(ping))
        .http2_keepalive_timeout(Some(ping))
        .initial_stream_window_size(Some(4 << 20))
        .initial_connection_window_size(Some(16 << 20));
    if let Some(tls) = &security.tls {
        server = server.tls_config(tls.for_server()?).map_err(broken)?;
    }
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    server.add_routes(Routes::from(routes)).serve_with_incoming(incoming).await.map_err(broken)
}

/// A role as a Flight service.
struct Flight<R>(Arc<R>);

type Stream_<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn not_spoken<T>(what: &str) -> Result<T, Status> {
    Err(Status::unimplemented(format!("{what} is not spoken between processes of a pool")))
}

#[async_trait]
impl<R: Role> FlightService for Flight<R> {
    type HandshakeStream = Stream_<HandshakeResponse>;
    type ListFlightsStream = Stream_<FlightInfo>;
    type DoGetStream = Stream_<FlightData>;
    type DoPutStream = Stream_<PutResult>;
    type DoActionStream = Stream_<arrow_flight::Result>;
    type ListActionsStream = Stream_<ActionType>;
    type DoExchangeStream = Stream_<FlightData>;

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let Action { r#type: name, body } = request.into_inner();
        let answers = self.0.answer(Question { name, body }).await?;
        let results = answers.map(|answer| Ok(arrow_flight::Result { body: answer? }));
        Ok(Response::new(results.boxed()))
    }

    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        let parts = Parts::decode(request.into_inner().ticket)
            .map_err(|_| Status::invalid_argument("this is no ticket of ours"))?;
        Ok(Response::new(self.0.rows(parts).await?))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        not_spoken("Handshake")
    }

    async fn list_flights(
        &self,
        _: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        not_spoken("ListFlights")
    }

    async fn get_flight_info(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        not_spoken("GetFlightInfo")
    }

    async fn poll_flight_info(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        not_spoken("PollFlightInfo")
    }

    async fn get_schema(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        not_spoken("GetSchema")
    }

    async fn do_put(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        not_spoken("DoPut")
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        not_spoken("DoExchange")
    }

    async fn list_actions(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        not_spoken("ListActions")
    }
}
