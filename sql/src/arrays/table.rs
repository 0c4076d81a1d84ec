//! An array as a table: one row a cell. So it is printed, and so SQL and chains read it.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{cast, ident, lit};
use sqlparser::ast::Ident;
use strata_connectors::zarr::Variables;
use strata_engine::{
    Array, ArrayNode, CellTable, Index, Labelled, Nulls, PlaceColumn, Placed, Variable,
    coordinate_column, from_rows,
};

use super::bind::bind_arguments;
use super::{HeldArrays, Value, asked, bind, labels};
use crate::error::{Error, Result};
use crate::parse::{Term, TermArgument, What};
use crate::statements::{Outcome, bare, name_rows};
use crate::temporary;
use crate::verbs::normalized;

/// The cells of a term's array.
pub(crate) async fn frame(session: &SessionContext, term: &Term) -> Result<DataFrame> {
    match bind(session, term).await? {
        Value::Array(array) => cells(session, &array, Nulls::Nan).await,
        value => rows(session, value).await,
    }
}

/// The table that a value is to SQL.
pub(super) async fn of_value(session: &SessionContext, value: Value) -> Result<DataFrame> {
    match value {
        Value::Group(group) => of_group(session, &group).await,
        Value::Parts(parts) => of_parts(session, parts).await,
        value => cells(session, &value.array()?, Nulls::Nan).await,
    }
}

/// The variables of a group that lie along the dimensions of the one that has most, each a column.
async fn of_group(session: &SessionContext, group: &Variables) -> Result<DataFrame> {
    let is_coordinate = |name: &String, array: &Labelled| {
        array.array.dims().len() == 1 && array.array.dims().first() == Some(&Some(name.clone()))
    };
    let sound = group.arrays.iter().filter_map(|(name, array)| Some((name, array.as_ref().ok()?)));
    let all: Vec<(&String, &Labelled)> =
        sound.clone().filter(|(name, array)| !is_coordinate(name, array)).collect();
    let all = if all.is_empty() { sound.collect() } else { all };
    let Some((_, widest)) = all.iter().rev().max_by_key(|(_, array)| array.array.ndim()) else {
        return match group.arrays.values().find_map(|array| array.as_ref().err()) {
            Some(error) => Err(asked(error.clone())),
            None => Err(Error::text(format!("{} has no arrays", group.title))),
        };
    };
    let mut variables = Vec::new();
    for (name, array) in &all {
        if let Some(array) = alongside(&widest.array, &array.array)? {
            let name = (*name).clone();
            variables.push(Variable { name, array, nulls: Nulls::Nan });
        } else if array.array.ndim() == widest.array.ndim() {
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            return Err(Error::text(format!(
                "{} has variables with other dimensions: {}",
                group.title,
                names.join(", ")
            ))
            .hint(format!("name one of them: zarr('…/{name}')")));
        }
    }
    let mut places = places(session, widest, &Nulls::Nan).await?;
    let is_variable = |name: &str| variables.iter().any(|variable| variable.name == name);
    places.iter_mut().filter(|place| is_variable(&place.name)).for_each(|place| {
        place.name = format!("{}_at", place.name);
    });
    let grid = widest.array.grid().clone();
    table(session, CellTable { places, variables, grid, only: None, as_rows: None })
}

/// An array along all dimensions of another; none where it has a dimension that this has not.
fn alongside(widest: &Array, array: &Array) -> Result<Option<Array>> {
    let place = |(at, dim): (usize, &Option<String>)| match dim {
        Some(_) => widest.dims().iter().position(|own| own == dim),
        None => (array.ndim() == widest.ndim()).then_some(at),
    };
    let places: Option<Vec<usize>> = array.dims().iter().enumerate().map(place).collect();
    let Some(places) = places else { return Ok(None) };
    let lengths = widest.shape();
    let mut fits = places.iter().zip(array.shape());
    if !fits.all(|(place, length)| lengths.get(*place) == Some(&length)) {
        return Ok(None);
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|at| places.get(*at).copied());
    let turned = array.transpose(&order).map_err(asked)?;
    let turned = turned.named(vec![None; places.len()]).map_err(asked)?;
    let subscripts = (0..lengths.len()).map(|at| match places.contains(&at) {
        true => Index::ALL,
        false => Index::New,
    });
    let turned = turned.index(&subscripts.collect::<Vec<_>>()).map_err(asked)?;
    turned.broadcast_to(&lengths).map(Some).map_err(asked)
}

/// The parts of a decomposition one after the other: which, where in it, and the value.
async fn of_parts(
    session: &SessionContext,
    parts: Vec<(&'static str, Labelled)>,
) -> Result<DataFrame> {
    let mut all: Option<DataFrame> = None;
    for (name, part) in parts {
        let values = part.array.named(vec![None; part.array.ndim()]).map_err(asked)?;
        let frame = cells(session, &Labelled::from(values), Nulls::Nan).await?;
        let none = || lit(ScalarValue::Int64(None));
        let place = |at: usize| match at < part.array.ndim() {
            true => ident(format!("dim_{at}")),
            false => none(),
        };
        let frame = frame.select(vec![
            lit(name).alias("part"),
            place(0).alias("row"),
            place(1).alias("column"),
            cast(ident("value"), DataType::Float64).alias("value"),
        ])?;
        all = Some(match all {
            Some(before) => before.union(frame)?,
            None => frame,
        });
    }
    all.ok_or_else(|| Error::text("a decomposition without parts"))
}

/// The same, to be looked at: few are in order.
pub(crate) async fn shown(session: &SessionContext, term: &Term) -> Result<DataFrame> {
    rows(session, bind(session, term).await?).await
}

async fn rows(session: &SessionContext, value: Value) -> Result<DataFrame> {
    if let Value::Attributes(attributes) = &value {
        let (schema, rows) = super::attributes::listing(attributes);
        return crate::statements::listing(session, &schema, rows);
    }
    let labelled = match value.group() {
        Ok(group) => {
            let (schema, rows) = group.listing();
            return crate::statements::listing(session, &schema, rows);
        }
        Err(one) => one.array()?,
    };
    let array = labelled.array.in_order().map_err(asked)?;
    cells(session, &Labelled { array, ..labelled }, Nulls::None).await
}

async fn cells(session: &SessionContext, array: &Labelled, nulls: Nulls) -> Result<DataFrame> {
    let mut places = places(session, array, &nulls).await?;
    let name = array.name.clone().unwrap_or_else(|| "value".to_string());
    if places.iter().any(|place| place.name == name) && places.len() > 1 {
        return Err(Error::text(format!("'{name}' is a dimension and the values"))
            .hint("name the values: .named('…')"));
    }
    // A coordinate is its own label.
    if let [only] = &mut places[..]
        && only.name == name
    {
        only.name = format!("{name}_at");
        only.values = None;
    }
    table(session, CellTable::of(name, array.array.clone(), nulls, places))
}

fn table(session: &SessionContext, cells: CellTable) -> Result<DataFrame> {
    Ok(DataFrame::new(session.state(), ArrayNode::of_cells(cells)?.into_plan()))
}

/// What the places along each dimension have.
async fn places(
    session: &SessionContext,
    array: &Labelled,
    nulls: &Nulls,
) -> Result<Vec<PlaceColumn>> {
    let mut places = Vec::new();
    for (axis, dim) in array.array.dims().iter().enumerate() {
        let coord = dim.as_ref().and_then(|dim| array.coords.get(dim));
        let values = labels::column_of(session, coord).await?;
        let mut values = values.as_ref().map(coordinate_column);
        if let (Nulls::Nan, Some(labels)) = (nulls, &mut values) {
            *labels = labels::without_nan(labels)?;
        }
        let name = dim.clone().unwrap_or_else(|| format!("dim_{axis}"));
        places.push(PlaceColumn { name, axis, values });
    }
    Ok(places)
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
    temporary::refuse_array(frame.logical_plan())?;
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
        name_rows(session, &name, cells(session, array, Nulls::Nan).await?).await?;
        table = Some(session.table_provider(bare(&name)).await?);
    }
    HeldArrays::set(session, &name, value, table);
    Ok(())
}
