//! An array as a table: one row a cell. So it is printed, and so SQL and chains read it.

use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use sqlparser::ast::Ident;
use strata_engine::{ArrayNode, Labelled, Placed, from_rows};

use super::bind::bind_arguments;
use super::{HeldArrays, Value, asked, bind, labels};
use crate::error::{Error, Result};
use crate::parse::{Term, TermArgument, What};
use crate::statements::{Outcome, bare, name_rows};
use crate::verbs::normalized;

/// The cells of a term's array.
pub(crate) async fn frame(session: &SessionContext, term: &Term) -> Result<DataFrame> {
    rows(session, bind(session, term).await?, false).await
}

/// The same, to be looked at: few are in order.
pub(crate) async fn shown(session: &SessionContext, term: &Term) -> Result<DataFrame> {
    rows(session, bind(session, term).await?, true).await
}

async fn rows(session: &SessionContext, value: Value, in_order: bool) -> Result<DataFrame> {
    let labelled = match value.group() {
        Ok(group) => {
            let (schema, rows) = group.listing();
            return crate::statements::listing(session, &schema, rows);
        }
        Err(one) => one.array()?,
    };
    if !in_order {
        return cells(session, &labelled).await;
    }
    let array = labelled.array.in_order().map_err(asked)?;
    cells(session, &Labelled { array, ..labelled }).await
}

async fn cells(session: &SessionContext, array: &Labelled) -> Result<DataFrame> {
    let mut columns = Vec::new();
    for (at, dim) in array.array.dims().iter().enumerate() {
        let coord = dim.as_ref().and_then(|dim| array.coords.get(dim));
        let values = labels::column_of(session, coord).await?;
        columns.push((dim.clone().unwrap_or_else(|| format!("dim_{at}")), values));
    }
    let name = array.name.clone().unwrap_or_else(|| "value".to_string());
    if columns.iter().any(|(dim, _)| *dim == name) && columns.len() > 1 {
        return Err(Error::text(format!("'{name}' is a dimension and the values"))
            .hint("name the values: .named('…')"));
    }
    // A coordinate is its own label.
    if columns.len() == 1 {
        columns.iter_mut().filter(|(dim, _)| *dim == name).for_each(|(dim, values)| {
            *dim = format!("{dim}_at");
            *values = None;
        });
    }
    let plan = ArrayNode::of_cells(array.array.clone(), name, columns)?.into_plan();
    Ok(DataFrame::new(session.state(), plan))
}

/// `rows.to_array(day, region, value => amount)`: a table whose rows say where their values belong.
pub(super) async fn to_array(
    session: &SessionContext,
    on: &Term,
    arguments: &[TermArgument],
) -> Result<Value> {
    let What::Name(name) = &on.what else {
        return Err(Error::text("it is done to a table that has a name")
            .hint("name it first: t = …; t.to_array(day, region, value => amount)"));
    };
    let mut with = bind_arguments(session, arguments, true).await?;
    let fill = match with.take("fill") {
        None => None,
        Some(Value::Number(fill)) => Some(fill),
        Some(_) => return Err(Error::text("fill => is a number")),
    };
    let (value, plain) = (with.take("value"), std::mem::take(&mut with.plain));
    with.done(&["value", "fill"])?;
    let text = |value: Value| match value {
        Value::Text(name) => Ok(name),
        _ => Err(Error::text("it takes names of columns")
            .hint("write to_array(day, region, value => amount)")),
    };
    let value = value.ok_or_else(|| {
        Error::text("value => is missing: the column of the values")
            .hint("write to_array(day, region, value => amount)")
    })?;
    let dims = plain.into_iter().map(text).collect::<Result<_>>()?;
    let placed = Placed { dims, value: text(value)?, fill };
    let frame = session.table(name.as_str()).await?;
    Ok(Value::Array(from_rows(session, frame, &placed).await?))
}

/// `name = array`: a name for an array, and for the table of its cells.
pub(crate) async fn bind_name(
    session: &SessionContext,
    name: &Ident,
    term: &Term,
) -> Result<Outcome> {
    let value = bind(session, term).await?;
    give_name(session, name, value).await?;
    Ok(Outcome::Done(None))
}

/// `u, s, v = array`: names for the parts of a decomposition, in their order.
pub(crate) async fn bind_names(
    session: &SessionContext,
    names: &[Ident],
    term: &Term,
) -> Result<Outcome> {
    let parts = match bind(session, term).await? {
        Value::Parts(parts) => parts,
        Value::List(all) if all.len() == names.len() => {
            for (name, value) in names.iter().zip(all) {
                give_name(session, name, value).await?;
            }
            return Ok(Outcome::Done(None));
        }
        _ => {
            return Err(Error::text(format!("{} names for one thing", names.len())).at(term.at));
        }
    };
    if parts.len() != names.len() {
        let all: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        return Err(Error::text(format!(
            "{} names for {} arrays, which are {}",
            names.len(),
            parts.len(),
            all.join(", ")
        ))
        .at(term.at));
    }
    for (name, (_, array)) in names.iter().zip(parts) {
        let own = normalized(&session.state(), name);
        let array = Labelled { name: Some(own), ..array };
        give_name(session, name, Value::Array(array)).await?;
    }
    Ok(Outcome::Done(None))
}

async fn give_name(session: &SessionContext, name: &Ident, value: Value) -> Result<()> {
    let name = normalized(&session.state(), name);
    let mut table = None;
    if let Value::Array(array) = &value {
        name_rows(session, &name, cells(session, array).await?).await?;
        table = Some(session.table_provider(bare(&name)).await?);
    }
    HeldArrays::set(session, &name, value, table);
    Ok(())
}
