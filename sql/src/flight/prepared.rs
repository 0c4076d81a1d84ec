//! Prepared statements: read once, with the types of their parameters found out, and run with values for them. They
//! are planned anew each time, as what they name may have changed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use parking_lot::Mutex;
use tonic::Status;

use super::caller::Caller;
use super::handle::Handle;
use super::results::Work;
use super::sessions::FlightSession;
use super::{Server, errors, split, statements};
use crate::Statement;
use crate::statements::Intent;

/// Values for parameters that may wait for their statement, in bytes.
const MOST: usize = 64 << 20;

/// A statement that waits to be run.
#[derive(Debug)]
pub(super) struct Prepared {
    statement: Arc<Statement>,
    /// The parameters, in the order in which values are bound to them.
    parameters: SchemaRef,
    /// Its columns, if it only reads.
    columns: Option<SchemaRef>,
    bound: Mutex<Vec<ParamValues>>,
}

/// Prepares a statement.
pub(super) async fn prepare(
    server: &Server,
    session: &FlightSession,
    caller: &Caller,
    text: &str,
) -> Result<(Handle, Arc<Prepared>), Status> {
    let statement = statements::read(server, text)?;
    let intent = statements::meant(session, caller, &statement).await?;
    let (plan, columns) = match &intent {
        Intent::Reads(plan) => (Some(plan), Some(statements::schema(session, Some(plan)))),
        Intent::Writes(plan) => (Some(plan), None),
        Intent::Does(plan) => (plan.as_ref(), None),
    };
    let parameters = match plan {
        Some(plan) => parameters(plan)?,
        None => Arc::new(Schema::empty()),
    };
    let statement = Arc::new(statement);
    let prepared = Prepared { statement, parameters, columns, bound: Mutex::default() };
    let prepared = Arc::new(prepared);
    let handle = session.prepared.put(Arc::clone(&prepared), "close those that are not needed")?;
    Ok((handle, prepared))
}

impl Prepared {
    /// Its parameters.
    pub(super) fn parameters(&self) -> &SchemaRef {
        &self.parameters
    }

    /// Its columns, if it only reads.
    pub(super) fn columns(&self) -> Option<&SchemaRef> {
        self.columns.as_ref()
    }

    /// Keeps values for the next run.
    pub(super) fn bind(&self, batches: &[RecordBatch]) -> Result<(), Status> {
        let bytes: usize = batches.iter().map(split::size).sum();
        if bytes > MOST {
            return Err(Status::resource_exhausted(format!(
                "these are {bytes} bytes of values, and {MOST} can wait for their statement; send fewer rows at once"
            )));
        }
        let mut bound = Vec::new();
        for batch in batches {
            bound.extend(self.values(batch)?);
        }
        *self.bound.lock() = bound;
        Ok(())
    }

    /// The values of each row.
    pub(super) fn values(&self, batch: &RecordBatch) -> Result<Vec<ParamValues>, Status> {
        let wanted = self.parameters.fields().len();
        if batch.num_columns() != wanted {
            return Err(Status::invalid_argument(format!(
                "the statement has {}, and values came for {}",
                strata_engine::counted(wanted as u64, "parameter"),
                batch.num_columns()
            )));
        }
        let schema = batch.schema();
        // Values that are called like the parameters belong to them, in whatever order.
        let place = |(at, name): (usize, &str)| {
            let bare = name.trim_start_matches('$');
            let named = schema.fields().iter().position(|field| {
                field.name().trim_start_matches('$') == bare && bare.parse::<usize>().is_err()
            });
            named.unwrap_or(at)
        };
        let names: Vec<&str> =
            self.parameters.fields().iter().map(|field| field.name().as_str()).collect();
        let places: Vec<usize> = names.iter().copied().enumerate().map(place).collect();
        let numbered = names.iter().all(|name| number(name).is_some());
        let mut rows = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let value = |place: &usize| {
                let value = ScalarValue::try_from_array(batch.column(*place), row);
                value.map(ScalarAndMetadata::from).map_err(errors::status)
            };
            let values = places.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            rows.push(match numbered {
                true => ParamValues::List(by_number(&names, values)),
                false => ParamValues::Map(
                    names
                        .iter()
                        .map(|name| name.trim_start_matches('$').to_string())
                        .zip(values)
                        .collect(),
                ),
            });
        }
        Ok(rows)
    }

    /// What is to run for the values that were bound last.
    pub(super) async fn work(
        &self,
        session: &FlightSession,
        caller: &Caller,
    ) -> Result<Work, Status> {
        let bound = self.bound.lock().clone();
        let intent = statements::meant(session, caller, &self.statement).await?;
        statements::work(session, Arc::clone(&self.statement), intent, bound)
    }

    /// The statement.
    pub(super) fn statement(&self) -> &Arc<Statement> {
        &self.statement
    }

    /// The values that were bound last.
    pub(super) fn bound(&self) -> Vec<ParamValues> {
        self.bound.lock().clone()
    }
}

/// The number of a parameter that is called by one.
fn number(name: &str) -> Option<usize> {
    name.strip_prefix('$')?.parse().ok()
}

/// Values in the places of their numbers: a statement may leave numbers out.
fn by_number(names: &[&str], values: Vec<ScalarAndMetadata>) -> Vec<ScalarAndMetadata> {
    let most = names.iter().filter_map(|name| number(name)).max().unwrap_or(0);
    let mut placed = vec![ScalarAndMetadata::from(ScalarValue::Null); most];
    for (name, value) in names.iter().zip(values) {
        let place = number(name).and_then(|number| placed.get_mut(number.checked_sub(1)?));
        if let Some(place) = place {
            *place = value;
        }
    }
    placed
}

/// The parameters of a plan: those with numbers in their order, else by name. Where nothing tells a type, it is null.
fn parameters(plan: &LogicalPlan) -> Result<SchemaRef, Status> {
    /// Nobody binds more, and each has a place up to the largest.
    const MOST_PARAMETERS: usize = 65_535;
    let types = plan.get_parameter_types().map_err(errors::status)?;
    let mut named: Vec<(String, Option<DataType>)> = types.into_iter().collect();
    named.sort_by(|(a, _), (b, _)| (number(a), a).cmp(&(number(b), b)));
    if named.iter().any(|(name, _)| number(name).is_some_and(|number| number > MOST_PARAMETERS)) {
        return Err(Status::invalid_argument(format!(
            "parameters have numbers up to {MOST_PARAMETERS}"
        )));
    }
    let fields = named
        .into_iter()
        .map(|(name, kind)| Field::new(name, kind.unwrap_or(DataType::Null), true));
    Ok(super::plain::schema(&Schema::new(fields.collect::<Vec<_>>()), false))
}
