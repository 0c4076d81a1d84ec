//! The methods of Flight, each handed to the file that does it. What Flight SQL asks for comes as commands within
//! them (<https://arrow.apache.org/docs/format/FlightSql.html>).

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{
    Any, Command, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
    DoPutPreparedStatementResult, DoPutUpdateResult, TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, Peekable};
use prost::Message;
use prost::bytes::Bytes;
use tonic::{Request, Response, Status, Streaming};

use super::handle::Handle;
use super::locks::audit::Asked;
use super::results::Work;
use super::sessions::{Here, offer};
use super::whole::Whole;
use super::{
    Server, actions, errors, infos, ingest, locks, metadata, poll, put, shares, statements, stream,
    updates, uploads,
};
use crate::statements::Intent;

/// What clients speak to.
#[derive(Debug, Clone)]
pub(super) struct Service(pub(super) Arc<Server>);

type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// An answer, with the cookie of a session where its client has none, or the session is new.
fn answer<T>(here: &Here, made: Result<T, Status>) -> Result<Response<T>, Status> {
    let cookie = here.offer.as_deref();
    match made {
        Ok(body) => {
            let mut response = Response::new(body);
            offer(response.metadata_mut(), cookie);
            Ok(response)
        }
        Err(mut status) => {
            offer(status.metadata_mut(), cookie);
            Err(status)
        }
    }
}

/// What a message holds.
fn command(bytes: &Bytes) -> Result<Command, Status> {
    let any =
        Any::decode(bytes.clone()).map_err(|error| errors::malformed("the command", error))?;
    Command::try_from(any).map_err(|error| errors::malformed("the command", error))
}

fn unknown(command: &Command) -> Status {
    let name = command.type_url().escape_default().to_string();
    Status::unimplemented(errors::short(format!("'{name}' is not answered here")))
}

impl Service {
    /// Does something on the threads that compute: reading and planning statements takes a deep stack.
    async fn run<T, F>(
        &self,
        here: &Here,
        work: impl FnOnce(Arc<Server>, Here) -> F,
    ) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Status>> + Send + 'static,
    {
        let working = here.session.working();
        let work = work(Arc::clone(&self.0), here.clone());
        self.0
            .run(async move {
                let _working = working;
                work.await
            })
            .await
    }
}

/// Plans what a command asks for, and keeps it for whoever fetches it: whole, or in shares where a client can be told
/// of them.
async fn plan(
    server: &Arc<Server>,
    here: &Here,
    command: Command,
    shares: bool,
) -> Result<Handle, Status> {
    let (session, caller) = (&here.session, &here.caller);
    let (asked, work) = match command {
        Command::CommandStatementQuery(asked) => {
            let told = server.locks.asked(caller, &asked.query);
            (told, planned(server, here, &asked.query).await)
        }
        Command::CommandPreparedStatementQuery(asked) => {
            let prepared =
                session.prepared.get(&Handle::shown(&asked.prepared_statement_handle))?;
            let told = server.locks.asked(caller, &prepared.statement().text);
            (told, prepared.work(session, caller).await)
        }
        Command::CommandStatementSubstraitPlan(_) => return Err(actions::substrait()),
        other => return Err(unknown(&other)),
    };
    let work = match work {
        Ok(work) => work,
        Err(why) => {
            asked.failed(&why);
            return Err(why);
        }
    };
    let (works, ordered) =
        if shares { shares::shared(server, session, work) } else { (vec![work], true) };
    session.keep(Whole::new(works, ordered, server.sessions.idle(), asked))
}

/// What is to run for a text.
async fn planned(server: &Server, here: &Here, text: &str) -> Result<Work, Status> {
    let statement = statements::read(server, text)?;
    let intent = statements::meant(&here.session, &here.caller, &statement).await?;
    statements::work(&here.session, Arc::new(statement), intent, Vec::new()).await
}

/// What a client is told of a command.
async fn info(
    server: &Arc<Server>,
    here: &Here,
    asked: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    let command = command(&asked.cmd)?;
    if let Some(schema) = metadata::schema(&command) {
        return infos::of_ticket(Some(schema.as_ref()), command.into_any(), asked);
    }
    let handle = plan(server, here, command, true).await?;
    let whole = here.session.results.get(&handle)?;
    infos::of_result(&handle, &whole, asked)
}

/// The columns of what a command asks for, which is not kept.
async fn schema(
    server: &Arc<Server>,
    here: &Here,
    asked: FlightDescriptor,
) -> Result<SchemaResult, Status> {
    let command = command(&asked.cmd)?;
    let schema = match (metadata::schema(&command), &command) {
        (Some(schema), _) => schema,
        (
            None,
            Command::CommandPreparedStatementQuery(CommandPreparedStatementQuery {
                prepared_statement_handle,
            }),
        ) => {
            let prepared = here.session.prepared.get(&Handle::shown(prepared_statement_handle))?;
            let columns = prepared.columns().cloned();
            columns.unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()))
        }
        (None, Command::CommandStatementQuery(asked)) => {
            let statement = statements::read(server, &asked.query)?;
            match statements::meant(&here.session, &here.caller, &statement).await? {
                Intent::Reads(plan) => {
                    statements::columns(&here.session, &statement, &plan).await?
                }
                _ => Arc::new(arrow::datatypes::Schema::empty()),
            }
        }
        (None, other) => return Err(unknown(other)),
    };
    Ok(SchemaResult { schema: infos::schema_bytes(&schema)? })
}

/// Has a query made in the background, or tells how far it is.
async fn polled(
    server: &Arc<Server>,
    here: &Here,
    asked: FlightDescriptor,
) -> Result<PollInfo, Status> {
    let handle = match command(&asked.cmd)? {
        Command::TicketStatementQuery(TicketStatementQuery { statement_handle }) => {
            Handle::shown(&statement_handle)
        }
        command if metadata::schema(&command).is_some() => {
            return Ok(poll::at_once(info(server, here, asked).await?));
        }
        command => plan(server, here, command, true).await?,
    };
    poll::poll(server, &here.session, &handle, asked).await
}

/// The rows of a ticket.
async fn rows(
    server: &Arc<Server>,
    here: &Here,
    ticket: Ticket,
) -> Result<stream::Messages, Status> {
    let (handle, part) = match command(&ticket.ticket)? {
        Command::TicketStatementQuery(TicketStatementQuery { statement_handle }) => {
            Handle::of_part(&statement_handle)
        }
        command @ Command::CommandPreparedStatementQuery(_) => {
            (plan(server, here, command, false).await?, 0)
        }
        command => {
            let batch = metadata::answer(server, here, &command).await?;
            return batch.map(stream::of_batch).ok_or_else(|| unknown(&command));
        }
    };
    stream::fetch(server, &here.session, handle, part)
}

/// Notes how many rows were written, or why none were.
fn written(asked: Asked, made: Result<i64, Status>) -> Result<i64, Status> {
    asked.came_to(&made, |rows| u64::try_from(*rows).ok());
    made
}

/// What a client sends: statements to be run, values for parameters, rows for tables.
pub(super) async fn taken(
    server: &Arc<Server>,
    here: &Here,
    mut messages: Peekable<BoxStream<'static, Result<FlightData, Status>>>,
) -> Result<Bytes, Status> {
    let first = std::pin::Pin::new(&mut messages).peek().await;
    let descriptor = match first {
        None => return Err(Status::invalid_argument("nothing was sent")),
        Some(Err(status)) => return Err(status.clone()),
        Some(Ok(first)) => first.flight_descriptor.clone(),
    };
    let descriptor = descriptor
        .ok_or_else(|| Status::invalid_argument("the first message does not say what it is for"))?;
    let (session, caller) = (&here.session, &here.caller);
    let context = &session.context;
    let count = match command(&descriptor.cmd)? {
        Command::CommandStatementUpdate(asked) => {
            let told = server.locks.asked(caller, &asked.query);
            let made = async {
                let statement = Arc::new(statements::read(server, &asked.query)?);
                updates::update(server, session, caller, &statement, None).await
            };
            written(told, made.await)?
        }
        Command::CommandStatementIngest(asked) => {
            let told = server.locks.asked(caller, &format!("bulk ingest into {}", asked.table));
            written(
                told,
                ingest::ingest(session, caller, asked, put::batches(context, messages)).await,
            )?
        }
        Command::CommandPreparedStatementUpdate(CommandPreparedStatementUpdate {
            prepared_statement_handle,
        }) => {
            let prepared = session.prepared.get(&Handle::shown(&prepared_statement_handle))?;
            let told = server.locks.asked(caller, &prepared.statement().text);
            written(
                told,
                put::each(server, here, &prepared, put::batches(context, messages)).await,
            )?
        }
        Command::CommandPreparedStatementQuery(CommandPreparedStatementQuery {
            prepared_statement_handle,
        }) => {
            let prepared = session.prepared.get(&Handle::shown(&prepared_statement_handle))?;
            prepared.bind(context, put::batches(context, messages)).await?;
            let handle = Some(prepared_statement_handle);
            let result = DoPutPreparedStatementResult { prepared_statement_handle: handle };
            return Ok(result.encode_to_vec().into());
        }
        Command::CommandStatementSubstraitPlan(_) => return Err(actions::substrait()),
        other => return Err(unknown(&other)),
    };
    Ok(DoPutUpdateResult { record_count: count }.encode_to_vec().into())
}

#[async_trait]
impl FlightService for Service {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let peer = request.remote_addr();
        let bearer = locks::handshake(&self.0.locks, request.metadata(), peer).await?;
        let payload = bearer.strip_prefix("Bearer ").unwrap_or(&bearer).to_string().into();
        let told = HandshakeResponse { protocol_version: 0, payload };
        let mut response = Response::new(futures::stream::once(async { Ok(told) }).boxed());
        let header = bearer.parse().map_err(|_| Status::internal("a token cannot be sent"))?;
        response.metadata_mut().insert("authorization", header);
        Ok(response)
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        let here = self.0.sessions.here(&request)?;
        answer(&here, Ok(futures::stream::empty().boxed()))
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let here = self.0.sessions.here(&request)?;
        let asked = request.into_inner();
        let made = self.run(&here, |server, here| async move { info(&server, &here, asked).await });
        answer(&here, made.await)
    }

    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        let here = self.0.sessions.here(&request)?;
        let asked = request.into_inner();
        let made =
            self.run(&here, |server, here| async move { polled(&server, &here, asked).await });
        answer(&here, made.await)
    }

    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let here = self.0.sessions.here(&request)?;
        let asked = request.into_inner();
        let made =
            self.run(&here, |server, here| async move { schema(&server, &here, asked).await });
        answer(&here, made.await)
    }

    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        let here = self.0.sessions.here(&request)?;
        let ticket = request.into_inner();
        let made =
            self.run(&here, |server, here| async move { rows(&server, &here, ticket).await });
        answer(&here, made.await)
    }

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let here = self.0.sessions.here(&request)?;
        let broken = request.extensions().get::<uploads::Broken>().cloned();
        let messages = uploads::whole(request.into_inner(), broken).peekable();
        let made =
            self.run(&here, |server, here| async move { taken(&server, &here, messages).await });
        let results = made.await.map(|app_metadata| {
            futures::stream::once(async { Ok(PutResult { app_metadata }) }).boxed()
        });
        answer(&here, results)
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let here = self.0.sessions.here(&request)?;
        let action = request.into_inner();
        let done = self
            .run(&here, |server, here| async move { actions::act(&server, &here, action).await });
        let results = done.await.map(|body| {
            let results = body.map(|body| Ok(arrow_flight::Result { body }));
            futures::stream::iter(results).boxed()
        });
        answer(&here, results)
    }

    async fn list_actions(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        let here = self.0.sessions.here(&request)?;
        answer(&here, Ok(futures::stream::iter(actions::all().map(Ok)).boxed()))
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(Status::unimplemented("nothing is exchanged here"))
    }
}
