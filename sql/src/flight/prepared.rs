//! Prepared statements: read once, with the types of their parameters found out, and run with values for them. They
//! are planned anew each time, as what they name may have changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use tonic::Status;

use super::caller::Caller;
use super::handle::Handle;
use super::results::Work;
use super::sessions::FlightSession;
use super::{Server, errors, statements};
use crate::Statement;
use crate::statements::Intent;

/// How many rows of values a query runs for at once: each is a plan of its own.
const MOST: usize = 1000;

/// A statement that waits to be run.
#[derive(Debug)]
pub(super) struct Prepared {
    statement: Arc<Statement>,
    /// The parameters, in the order in which values are bound to them, as the statement has them.
    parameters: SchemaRef,
    /// Its columns, if it only reads.
    columns: Option<SchemaRef>,
    bound: Mutex<Option<Bound>>,
}

/// Values that wait for the next run, and the memory that they take.
#[derive(Debug)]
struct Bound {
    batches: Arc<Vec<RecordBatch>>,
    _reservation: MemoryReservation,
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
        Intent::Reads(plan) => {
            (Some(plan), Some(statements::columns(session, &statement, plan).await?))
        }
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
    /// Its parameters, as a client sees them.
    pub(super) fn parameters(&self) -> SchemaRef {
        super::plain::schema(&self.parameters, false)
    }

    /// Its columns, if it only reads.
    pub(super) fn columns(&self) -> Option<&SchemaRef> {
        self.columns.as_ref()
    }

    /// Keeps values for the next run.
    pub(super) async fn bind(
        &self,
        context: &SessionContext,
        mut batches: BoxStream<'static, Result<RecordBatch, Status>>,
    ) -> Result<(), Status> {
        let pool = Arc::clone(&context.runtime_env().memory_pool);
        let reservation = MemoryConsumer::new("values for a prepared statement").register(&pool);
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            reservation.try_grow(batch.get_array_memory_size()).map_err(errors::status)?;
            self.fits(&batch)?;
            all.push(batch);
        }
        let bound = Bound { batches: Arc::new(all), _reservation: reservation };
        *self.bound.lock() = Some(bound);
        Ok(())
    }

    /// What was bound last.
    pub(super) fn bound(&self) -> Arc<Vec<RecordBatch>> {
        self.bound.lock().as_ref().map(|bound| Arc::clone(&bound.batches)).unwrap_or_default()
    }

    fn fits(&self, batch: &RecordBatch) -> Result<(), Status> {
        let wanted = self.parameters.fields().len();
        if batch.num_columns() == wanted {
            return Ok(());
        }
        Err(Status::invalid_argument(format!(
            "the statement has {}, and values came for {}",
            strata_engine::counted(wanted as u64, "parameter"),
            batch.num_columns()
        )))
    }

    /// The values of each row.
    pub(super) fn values(
        &self,
        batch: &RecordBatch,
    ) -> Result<impl Iterator<Item = Result<ParamValues, Status>> + Send, Status> {
        self.fits(batch)?;
        let schema = batch.schema();
        // Values that are called like the parameters belong to them, in whatever order.
        let place = |(at, name): (usize, &String)| {
            let bare = name.trim_start_matches('$');
            let named = schema.fields().iter().position(|field| {
                field.name().trim_start_matches('$') == bare && bare.parse::<usize>().is_err()
            });
            named.unwrap_or(at)
        };
        let fields = self.parameters.fields().iter();
        let names: Vec<String> = fields.map(|field| field.name().clone()).collect();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(names.len());
        for (named, field) in names.iter().enumerate().zip(self.parameters.fields()) {
            let Some(column) = batch.columns().get(place(named)) else { continue };
            columns.push(as_kind(column, field)?);
        }
        Ok((0..batch.num_rows()).map(move |row| values(&names, &columns, row)))
    }

    /// What is to run for the values that were bound last.
    pub(super) async fn work(
        &self,
        session: &FlightSession,
        caller: &Caller,
    ) -> Result<Work, Status> {
        let intent = statements::meant(session, caller, &self.statement).await?;
        let bound = self.bound();
        let rows: usize = bound.iter().map(RecordBatch::num_rows).sum();
        if rows > MOST {
            return Err(Status::invalid_argument(format!(
                "{rows} rows of values were bound, and results are made for {MOST} at once; \
                 bind fewer, or send an update, which takes any number"
            )));
        }
        let mut parameters = Vec::with_capacity(rows);
        for batch in bound.iter() {
            parameters.extend(self.values(batch)?.collect::<Result<Vec<_>, _>>()?);
        }
        statements::work(session, Arc::clone(&self.statement), intent, parameters).await
    }

    /// The statement.
    pub(super) fn statement(&self) -> &Arc<Statement> {
        &self.statement
    }
}

/// Values in the type that the statement has for them.
fn as_kind(column: &ArrayRef, parameter: &Field) -> Result<ArrayRef, Status> {
    let kind = parameter.data_type();
    if kind == &DataType::Null || kind == column.data_type() {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, kind, &strict).map_err(|error| {
        let name = parameter.name();
        Status::invalid_argument(errors::short(format!("parameter {name} is {kind}: {error}")))
    })
}

/// The values of a row.
fn values(names: &[String], columns: &[ArrayRef], row: usize) -> Result<ParamValues, Status> {
    let value = |column: &ArrayRef| {
        let value = ScalarValue::try_from_array(column, row);
        value.map(ScalarAndMetadata::from).map_err(errors::status)
    };
    let values = columns.iter().map(value).collect::<Result<Vec<_>, _>>()?;
    Ok(match names.iter().all(|name| number(name).is_some()) {
        true => ParamValues::List(by_number(names, values)),
        false => {
            let bare = names.iter().map(|name| name.trim_start_matches('$').to_string());
            ParamValues::Map(bare.zip(values).collect())
        }
    })
}

/// The number of a parameter that is called by one.
fn number(name: &str) -> Option<usize> {
    name.strip_prefix('$')?.parse().ok()
}

/// Values in the places of their numbers: a statement may leave numbers out.
fn by_number(names: &[String], values: Vec<ScalarAndMetadata>) -> Vec<ScalarAndMetadata> {
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
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}
