//! Texts of clients: any statement of any of the languages, as the shell takes them. Those that only read are planned
//! when their results are asked about; those that do something do it when their results are fetched, and no earlier.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, ParamValues};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use strata_engine::ByteSize;
use tonic::Status;

use super::caller::Caller;
use super::results::Work;
use super::sessions::FlightSession;
use super::{Server, errors, plain, run};
use crate::Statement;
use crate::arrays::Tensors;
use crate::parse::number_parameters;
use crate::statements::{Intent, changed, intent};

/// What the settings of this process begin with that a session may not change.
const OF_THE_PROCESS: [&str; 14] = [
    "memory.",
    "spill.",
    "files.",
    "datafusion.runtime.",
    "flight.running",
    "flight.waiting",
    "flight.patience",
    "flight.statements",
    "flight.sessions",
    "flight.idle",
    "flight.grace",
    "flight.text",
    "array.keep",
    "array.pieces",
];

/// The one statement of a text.
pub(super) fn read(server: &Server, text: &str) -> Result<Statement, Status> {
    let longest = server.sessions.longest();
    if text.len() as u64 > longest {
        let (is, most) = (ByteSize(text.len() as u64), ByteSize(longest));
        return Err(Status::resource_exhausted(format!(
            "the statement has {is}, and the longest that is read has {most} [flight.text]; \
             send rows by bulk ingest, or as parameters"
        )));
    }
    let numbered = match text.contains('?') {
        true => number_parameters(text).map_err(errors::status)?,
        false => text.to_string(),
    };
    let mut statements = crate::parse(&numbered).map_err(errors::status)?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
        (Some(_), more) => Err(Status::invalid_argument(format!(
            "there are {} statements in this text; send them one after the other",
            more + 1
        ))),
        (None, _) => Err(Status::invalid_argument("there is no statement in this text")),
    }
}

/// Finds out what a statement will do, and whether the caller may.
pub(super) async fn meant(
    session: &FlightSession,
    caller: &Caller,
    statement: &Statement,
) -> Result<Intent, Status> {
    if let Some(name) = changed(statement) {
        may_change(&name)?;
    }
    caller.may_bind(statement)?;
    let intent = intent(&session.context, statement).await.map_err(errors::status)?;
    match &intent {
        Intent::Reads(plan) | Intent::Writes(plan) | Intent::Does(Some(plan)) => {
            caller.may_run(plan)?;
        }
        Intent::Does(None) => {}
    }
    Ok(intent)
}

/// Whether a session may change a setting.
pub(super) fn may_change(name: &str) -> Result<(), Status> {
    let name = name.trim_matches('"').to_lowercase();
    let own = name.strip_prefix("strata.").unwrap_or(&name);
    if OF_THE_PROCESS.iter().any(|prefix| own.starts_with(prefix)) {
        return Err(Status::permission_denied(format!(
            "{own} is a setting of the server, and not of a session; it is set where the server is started"
        )));
    }
    Ok(())
}

/// What is to run for a statement, with what the client is told of its columns.
pub(super) async fn work(
    session: &FlightSession,
    statement: Arc<Statement>,
    intent: Intent,
    parameters: Vec<ParamValues>,
) -> Result<Work, Status> {
    let Intent::Reads(plan) = intent else {
        return Ok(Work::Statement { statement, parameters });
    };
    if let Some(tensors) = tensors(session, &statement).await? {
        return Ok(Work::Tensors(tensors));
    }
    let mut plans = Vec::with_capacity(parameters.len().max(1));
    for values in &parameters {
        plans.push(run::bound(plan.clone(), Some(values))?);
    }
    if parameters.is_empty() {
        let names = plan.get_parameter_names().map_err(errors::status)?;
        if !names.is_empty() {
            return Err(Status::invalid_argument(format!(
                "the statement has {} that got no values; prepare it, and bind them",
                strata_engine::counted(names.len() as u64, "parameter")
            )));
        }
        plans.push(plan);
    }
    let schema = schema(session, plans.first());
    Ok(Work::Plans { plans, schema })
}

/// The columns of a statement that makes rows of this plan.
pub(super) async fn columns(
    session: &FlightSession,
    statement: &Statement,
    plan: &LogicalPlan,
) -> Result<SchemaRef, Status> {
    match tensors(session, statement).await? {
        Some(tensors) => Ok(Arc::clone(tensors.schema())),
        None => Ok(schema(session, Some(plan))),
    }
}

/// The array that a statement is, where the session wants arrays as tensors.
async fn tensors(
    session: &FlightSession,
    statement: &Statement,
) -> Result<Option<Tensors>, Status> {
    match session.options().tensors {
        true => Tensors::of(&session.context, statement).await.map_err(errors::status),
        false => Ok(None),
    }
}

/// The columns of a plan, as a client sees them.
pub(super) fn schema(session: &FlightSession, plan: Option<&LogicalPlan>) -> SchemaRef {
    let none = nothing();
    let schema = plan.unwrap_or(&none).schema();
    plain::schema(schema.as_arrow(), session.options().views)
}

fn nothing() -> LogicalPlan {
    let schema = Arc::new(DFSchema::empty());
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })
}
