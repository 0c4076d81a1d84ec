//! Stores of arrays in SQL. `CREATE EXTERNAL TABLE … STORED AS ZARR` is a name for the rows of one, which are made when
//! they are asked for; `COPY … TO 'x.zarr'` makes one of rows.

use std::collections::BTreeMap;

use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::{
    CopyToSource, CopyToStatement, CreateExternalTable, Statement as DFStatement,
};
use sqlparser::ast::{Statement as SqlStatement, Value};
use strata_connectors::zarr::{self, Existing, Mode, Saves, Saving, Variables};
use strata_engine::{ByteSize, Placed, counted, from_rows};

use super::{Outcome, plan_sql};
use crate::arrays::external;
use crate::error::{Error, Result};

pub(super) async fn create(
    session: &SessionContext,
    create: &CreateExternalTable,
) -> Result<Outcome> {
    let name = create.name.to_string();
    let parts = [!create.columns.is_empty(), !create.table_partition_cols.is_empty()];
    if parts.contains(&true) || !create.options.is_empty() || !create.order_exprs.is_empty() {
        return Err(Error::text("a store of arrays says itself what it has")
            .hint(format!("write CREATE EXTERNAL TABLE {name} STORED AS ZARR LOCATION '…'")));
    }
    if session.table_exist(name.as_str())? {
        if create.if_not_exists {
            return Ok(Outcome::Done(None));
        }
        if !create.or_replace {
            return Err(Error::text(format!("'{name}' exists already"))
                .hint("CREATE OR REPLACE EXTERNAL TABLE replaces it"));
        }
        session.deregister_table(name.as_str())?;
    }
    let [location] = &create.locations[..] else {
        return Err(Error::text("a store of arrays lies in one place"));
    };
    let frame = external(session, location).await?;
    session.register_table(name.as_str(), frame.into_view())?;
    Ok(Outcome::Done(None))
}

/// Whether rows are copied into a store.
pub(super) fn is_target(copy: &CopyToStatement) -> bool {
    match &copy.stored_as {
        Some(format) => format.eq_ignore_ascii_case("zarr"),
        None => copy.target.trim_end_matches('/').to_lowercase().ends_with(".zarr"),
    }
}

/// A store of rows: each column but the last is a dimension, unless `dimensions` says which are.
pub(super) async fn copy(session: &SessionContext, copy: CopyToStatement) -> Result<Outcome> {
    let (mut dims, mut existing) = (None, Existing::Refuse);
    for (name, value) in &copy.options {
        let text = match value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        };
        match name.to_lowercase().trim_start_matches("format.") {
            "dimensions" => {
                dims = Some(text.split(',').map(|dim| dim.trim().to_string()).collect::<Vec<_>>());
            }
            "overwrite" if text.eq_ignore_ascii_case("true") => existing = Existing::Overwrite,
            "overwrite" if text.eq_ignore_ascii_case("false") => {}
            _ => {
                return Err(Error::text(format!("'{name}' = '{text}' says nothing of a store")).hint(
                    "there are dimensions 'time, lat' and overwrite true; rechunk(…).save(…) has more",
                ));
            }
        }
    }
    if !copy.partitioned_by.is_empty() {
        return Err(Error::text("a store is cut into chunks, and not partitioned"));
    }
    let frame = match copy.source {
        CopyToSource::Relation(name) => session.table(name.to_string().as_str()).await?,
        CopyToSource::Query(query) => {
            let query = DFStatement::Statement(Box::new(SqlStatement::Query(query)));
            let plan = Box::pin(plan_sql(session, query)).await?;
            DataFrame::new(session.state(), plan)
        }
    };
    let columns: Vec<String> =
        frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let dims = dims
        .unwrap_or_else(|| columns.split_last().map(|(_, dims)| dims.to_vec()).unwrap_or_default());
    if let Some(missing) = dims.iter().find(|dim| !columns.contains(dim)) {
        return Err(Error::text(format!("there is no column '{missing}'"))
            .hint(format!("the columns are {}", columns.join(", "))));
    }
    let values: Vec<&String> = columns.iter().filter(|column| !dims.contains(column)).collect();
    if dims.is_empty() || values.is_empty() {
        return Err(Error::text("a store has dimensions and values")
            .hint("select the columns of the places first, and the values last"));
    }
    let mut arrays = BTreeMap::new();
    for value in values {
        let placed = Placed { dims: dims.clone(), value: value.clone(), fill: None };
        arrays.insert(value.clone(), Ok(from_rows(session, frame.clone(), &placed).await?));
    }
    let group = Variables::new(copy.target.clone(), arrays);
    let saving = Saving { mode: Mode::New(existing), ..Saving::default() };
    let saved = zarr::save(session, Saves::Group(&group), &copy.target, &saving).await?;
    let (chunks, bytes) = (counted(saved.chunks, "chunk"), ByteSize(saved.bytes));
    Ok(Outcome::Done(Some(format!("{}: {chunks}, {bytes} of values", copy.target))))
}
