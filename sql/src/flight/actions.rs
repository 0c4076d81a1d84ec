//! Actions: statements are prepared and closed, queries are ended, sessions have options.

use std::sync::Arc;

use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
    ProstMessageExt,
};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo,
    RenewFlightEndpointRequest,
};
use prost::Message;
use prost::bytes::Bytes;
use tonic::Status;

use super::handle::Handle;
use super::sessions::{FlightSession, Here};
use super::{Server, errors, infos, options, poll, prepared};

/// The actions, and what they do.
const ALL: [(&str, &str); 8] = [
    ("CreatePreparedStatement", "Prepares a statement of any of the languages"),
    ("ClosePreparedStatement", "Closes a prepared statement"),
    ("CancelFlightInfo", "Ends a query"),
    ("CancelQuery", "Ends a query, as older clients ask for it"),
    ("RenewFlightEndpoint", "Keeps a result that was polled for another while"),
    ("SetSessionOptions", "Changes settings of the session"),
    ("GetSessionOptions", "Tells the settings of the session"),
    ("CloseSession", "Ends the session with all that is its own"),
];

/// What there is to do.
pub(super) fn all() -> impl Iterator<Item = ActionType> {
    ALL.into_iter().map(|(name, about)| ActionType {
        r#type: name.to_string(),
        description: about.to_string(),
    })
}

/// Does an action; the answer, where there is one.
pub(super) async fn act(
    server: &Arc<Server>,
    here: &Here,
    action: Action,
) -> Result<Option<Bytes>, Status> {
    let Action { r#type: name, body } = action;
    let session = &here.session;
    let answer = match name.as_str() {
        "CreatePreparedStatement" => {
            let asked: ActionCreatePreparedStatementRequest = packed(&name, &body)?;
            let (handle, prepared) =
                prepared::prepare(server, session, &here.caller, &asked.query).await?;
            let columns = prepared.columns().map(|columns| infos::schema_bytes(columns));
            let result = ActionCreatePreparedStatementResult {
                prepared_statement_handle: handle.bytes(),
                dataset_schema: columns.transpose()?.unwrap_or_default(),
                parameter_schema: match prepared.parameters() {
                    none if none.fields().is_empty() => Bytes::new(),
                    some => infos::schema_bytes(&some)?,
                },
            };
            result.as_any().encode_to_vec()
        }
        "ClosePreparedStatement" => {
            let asked: ActionClosePreparedStatementRequest = packed(&name, &body)?;
            drop(session.prepared.remove(&Handle::shown(&asked.prepared_statement_handle)));
            return Ok(None);
        }
        "CancelFlightInfo" => {
            let asked: CancelFlightInfoRequest = plain(&name, &body)?;
            let status = cancel(session, &asked.info.unwrap_or_default())?;
            CancelFlightInfoResult::new(status).encode_to_vec()
        }
        "CancelQuery" => {
            let asked: ActionCancelQueryRequest = packed(&name, &body)?;
            let info = FlightInfo::decode(asked.info).map_err(|e| errors::malformed(&name, e))?;
            let result = cancel(session, &info)? as i32;
            ActionCancelQueryResult { result }.as_any().encode_to_vec()
        }
        "RenewFlightEndpoint" => {
            let asked: RenewFlightEndpointRequest = plain(&name, &body)?;
            let info =
                FlightInfo { endpoint: asked.endpoint.into_iter().collect(), ..FlightInfo::new() };
            let mut renewed = None;
            for handle in infos::handles(&info) {
                let lasts = session.results.get(&handle)?.renew();
                renewed = Some(poll::timestamp(lasts));
            }
            let until = renewed.ok_or_else(|| errors::malformed(&name, "it names no result"))?;
            let endpoint = infos::until(info, until).endpoint.pop();
            endpoint.unwrap_or_default().encode_to_vec()
        }
        "SetSessionOptions" => options::set(session, plain(&name, &body)?).encode_to_vec(),
        "GetSessionOptions" => options::get(session).encode_to_vec(),
        "CloseSession" => {
            server.sessions.close(here);
            server.locks.close(&here.caller);
            options::closed().encode_to_vec()
        }
        "BeginTransaction" | "EndTransaction" | "BeginSavepoint" | "EndSavepoint" => {
            return Err(Status::unimplemented(
                "there are no transactions over several statements: each is one by itself",
            ));
        }
        "CreatePreparedSubstraitPlan" => return Err(substrait()),
        other => {
            return Err(Status::unimplemented(errors::short(format!(
                "there is no action '{}'",
                other.escape_default()
            ))));
        }
    };
    Ok(Some(answer.into()))
}

/// What is told to those who send plans of Substrait.
pub(super) fn substrait() -> Status {
    Status::unimplemented("plans of Substrait are not taken; send SQL, or a chain")
}

/// Ends what the tickets of an info stand for.
fn cancel(session: &FlightSession, info: &FlightInfo) -> Result<CancelStatus, Status> {
    let handles = infos::handles(info);
    if handles.is_empty() {
        return Ok(CancelStatus::NotCancellable);
    }
    let found: Vec<_> = handles.iter().map(|handle| session.results.get(handle)).collect();
    if found.iter().all(Result::is_err) {
        return found.into_iter().collect::<Result<Vec<_>, _>>().map(|_| CancelStatus::Cancelled);
    }
    handles.iter().for_each(|handle| session.end_result(handle));
    Ok(CancelStatus::Cancelled)
}

/// A message that travels with its name.
fn packed<M: ProstMessageExt>(name: &str, body: &Bytes) -> Result<M, Status> {
    let any = Any::decode(body.clone()).map_err(|error| errors::malformed(name, error))?;
    let message = any.unpack().map_err(|error| errors::malformed(name, error))?;
    message.ok_or_else(|| {
        errors::malformed(name, format!("it holds a '{}'", any.type_url.escape_default()))
    })
}

/// A message that travels by itself.
fn plain<M: Message + Default>(name: &str, body: &Bytes) -> Result<M, Status> {
    M::decode(body.clone()).map_err(|error| errors::malformed(name, error))
}
