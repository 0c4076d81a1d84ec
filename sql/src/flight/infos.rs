//! What clients are told of something that they may fetch: its columns, and a ticket for each part. Tickets name no
//! address: all rows come by way of this server.

use std::collections::HashSet;

use arrow::datatypes::Schema;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket};
use prost::Message;
use prost::bytes::Bytes;
use prost_types::Timestamp;
use tonic::Status;

use super::handle::Handle;
use super::whole::Whole;

/// A result. What does something tells its columns when it is done, and not before: so its client waits for that.
pub(super) fn of_result(
    handle: &Handle,
    whole: &Whole,
    asked: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    let ticket = |at| TicketStatementQuery { statement_handle: handle.part(at) }.as_any();
    let tickets = (0..whole.parts()).map(ticket);
    let info = of_tickets(whole.schema().map(AsRef::as_ref), tickets, asked)?;
    Ok(info.with_ordered(whole.ordered))
}

/// What is asked for by a command that is its own ticket.
pub(super) fn of_ticket(
    schema: Option<&Schema>,
    ticket: Any,
    asked: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    of_tickets(schema, std::iter::once(ticket), asked).map(|info| info.with_ordered(true))
}

fn of_tickets(
    schema: Option<&Schema>,
    tickets: impl Iterator<Item = Any>,
    asked: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    let info = FlightInfo::new().with_descriptor(asked).with_total_records(-1).with_total_bytes(-1);
    let info = tickets.fold(info, |info, ticket| {
        let ticket = Ticket::new(ticket.encode_to_vec());
        info.with_endpoint(FlightEndpoint::new().with_ticket(ticket))
    });
    match schema {
        Some(schema) => {
            info.try_with_schema(schema).map_err(|error| Status::internal(error.to_string()))
        }
        None => Ok(info),
    }
}

/// The same, and until when it can be fetched.
pub(super) fn until(mut info: FlightInfo, until: Timestamp) -> FlightInfo {
    for endpoint in &mut info.endpoint {
        endpoint.expiration_time = Some(until);
    }
    info
}

/// A schema as a message.
pub(super) fn schema_bytes(schema: &Schema) -> Result<Bytes, Status> {
    let options = IpcWriteOptions::default();
    let message: Result<IpcMessage, _> = SchemaAsIpc::new(schema, &options).try_into();
    let IpcMessage(bytes) = message.map_err(|error| Status::internal(error.to_string()))?;
    Ok(bytes)
}

/// The results whose parts the tickets of an info name.
pub(super) fn handles(info: &FlightInfo) -> HashSet<Handle> {
    let tickets = info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref());
    tickets
        .filter_map(|ticket| {
            let any = Any::decode(&*ticket.ticket).ok()?;
            let query: TicketStatementQuery = any.unpack().ok()??;
            Some(Handle::of_part(&query.statement_handle).0)
        })
        .collect()
}
