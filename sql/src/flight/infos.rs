//! What clients are told of something that they may fetch: its columns, and a ticket for each part. Tickets name no
//! address: all rows come by way of this server.

use arrow::datatypes::Schema;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket};
use prost::Message;
use prost::bytes::Bytes;
use prost_types::Timestamp;
use tonic::Status;

use super::handle::Handle;
use super::results::Held;

/// A result. What does something tells its columns when it is done, and not before: so its client waits for that.
pub(super) fn of_result(held: &Held, asked: FlightDescriptor) -> Result<FlightInfo, Status> {
    let handles = held.whole.handles().iter();
    let tickets =
        handles.map(|handle| TicketStatementQuery { statement_handle: handle.bytes() }.as_any());
    of_tickets(held.schema.as_deref(), tickets, asked)
        .map(|info| info.with_ordered(held.whole.ordered))
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

/// The handles that the tickets of an info name.
pub(super) fn handles(info: &FlightInfo) -> Vec<Handle> {
    let tickets = info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref());
    tickets
        .filter_map(|ticket| {
            let any = Any::decode(&*ticket.ticket).ok()?;
            let query: TicketStatementQuery = any.unpack().ok()??;
            Some(Handle::shown(&query.statement_handle))
        })
        .collect()
}
