//! Arrow Flight with no engine behind it: batches lie in memory, and are encoded for each who asks. They are those that
//! another server sends, so that both send the same ones. Whatever query is asked, this is the answer.

use std::io::Write;

use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::{
    ActionCreatePreparedStatementResult, Any, CommandPreparedStatementQuery, CommandStatementQuery,
    ProstMessageExt,
};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, IpcMessage, PollInfo, PutResult, SchemaAsIpc,
    SchemaResult, Ticket,
};
use clap::Args;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::IpcWriteOptions;
use datafusion::arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::Asked;
use crate::arrays::Result;

/// What is served.
#[derive(Debug, Args)]
pub struct Bare {
    #[command(flatten)]
    from: Asked,
    /// What the other server is asked for.
    query: String,
    /// How many threads answer.
    #[arg(long, default_value_t = 2)]
    pub(super) threads: usize,
}

impl Bare {
    /// Fetches the rows, says where it listens, and serves them until it is ended.
    pub(super) async fn run(self) -> Result<()> {
        let mut client = self.from.connect(None).await?;
        let info = client.execute(self.query, None).await?;
        let mut batches = Vec::new();
        for endpoint in info.endpoint {
            let rows = client.do_get(endpoint.ticket.ok_or("a result without a ticket")?).await?;
            batches.extend(rows.try_collect::<Vec<_>>().await?);
        }
        let schema = batches.first().ok_or("there are no rows")?.schema();
        drop(client);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("serving at {}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let service = FlightServiceServer::new(Served { schema, batches })
            .max_encoding_message_size(usize::MAX);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = tonic::transport::Server::builder().add_service(service);
        Ok(server.serve_with_incoming(incoming).await?)
    }
}

struct Served {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

type Answers<T> = BoxStream<'static, std::result::Result<T, Status>>;
type Answer<T> = std::result::Result<Response<T>, Status>;

fn no<T>() -> Answer<T> {
    Err(Status::unimplemented("this server has rows, and nothing else"))
}

#[tonic::async_trait]
impl FlightService for Served {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        // Drivers ask for what a server can do first, and do without.
        let any = Any::decode(request.get_ref().cmd.clone()).unwrap_or_default();
        if !any.is::<CommandStatementQuery>() && !any.is::<CommandPreparedStatementQuery>() {
            return no();
        }
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new("rows"));
        let info = FlightInfo::new().with_descriptor(request.into_inner()).with_endpoint(endpoint);
        let info = info.try_with_schema(&self.schema);
        Ok(Response::new(info.map_err(|error| Status::internal(error.to_string()))?))
    }

    async fn do_get(&self, _: Request<Ticket>) -> Answer<Self::DoGetStream> {
        let batches = futures::stream::iter(self.batches.clone().into_iter().map(Ok));
        let messages = FlightDataEncoderBuilder::new()
            .with_schema(SchemaRef::clone(&self.schema))
            .with_max_flight_data_size(usize::MAX)
            .build(batches)
            .map_err(|error: FlightError| Status::internal(error.to_string()));
        Ok(Response::new(messages.boxed()))
    }

    /// Drivers prepare what they run.
    async fn do_action(&self, request: Request<Action>) -> Answer<Self::DoActionStream> {
        let results = match request.into_inner().r#type.as_str() {
            "CreatePreparedStatement" => {
                let schema = SchemaAsIpc::new(&self.schema, &IpcWriteOptions::default()).try_into();
                let IpcMessage(dataset_schema) =
                    schema.map_err(|error: datafusion::arrow::error::ArrowError| {
                        Status::internal(error.to_string())
                    })?;
                let prepared = ActionCreatePreparedStatementResult {
                    prepared_statement_handle: "rows".into(),
                    dataset_schema,
                    ..Default::default()
                };
                let body = prepared.as_any().encode_to_vec().into();
                vec![Ok(arrow_flight::Result { body })]
            }
            "ClosePreparedStatement" => Vec::new(),
            _ => return no(),
        };
        Ok(Response::new(futures::stream::iter(results).boxed()))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Answer<Self::HandshakeStream> {
        no()
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        no()
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Answer<PollInfo> {
        no()
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        no()
    }

    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        no()
    }

    async fn list_actions(&self, _: Request<Empty>) -> Answer<Self::ListActionsStream> {
        no()
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Answer<Self::DoExchangeStream> {
        no()
    }
}
