//! Arrays that meet place by place have the same labels: of those that have others, the places stay that all have.

use std::collections::HashMap;

use arrow::array::{Array as _, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::execution::context::SessionContext;
use strata_engine::{Index, Labelled, coordinate_column};

use super::{Value, asked};
use crate::error::{Error, Result};

/// The arrays among values, with the places whose labels all of them have, in the order of the first.
pub(super) async fn align(session: &SessionContext, values: &mut [Value]) -> Result<()> {
    let mut dims: Vec<String> = Vec::new();
    for value in values.iter() {
        let Value::Array(array) = value else { continue };
        dims.extend(
            array.coords.keys().filter(|dim| !dims.contains(dim)).cloned().collect::<Vec<_>>(),
        );
    }
    for dim in dims {
        along(session, values, &dim).await?;
    }
    Ok(())
}

fn labelled<'a>(values: &'a mut [Value], dim: &str) -> impl Iterator<Item = &'a mut Labelled> {
    values.iter_mut().filter_map(move |value| match value {
        Value::Array(array) if array.coords.contains_key(dim) => Some(array),
        _ => None,
    })
}

async fn along(session: &SessionContext, values: &mut [Value], dim: &str) -> Result<()> {
    let coords: Vec<_> =
        labelled(values, dim).filter_map(|of| of.coords.get(dim).cloned()).collect();
    let Some((first, others)) = coords.split_first() else { return Ok(()) };
    if others.iter().all(|other| other.is_written_as(first)) {
        return Ok(());
    }
    let mut labels = Vec::with_capacity(coords.len());
    for coord in &coords {
        labels.push(coordinate_column(&coord.compute(session).await?));
    }
    let Some(places) = shared(dim, &labels)? else { return Ok(()) };
    for (array, places) in labelled(values, dim).zip(places) {
        let axis = array.array.axis_named(dim).map_err(asked)?;
        *array = array.index(&Index::of_places(places).along(axis)).map_err(asked)?;
    }
    Ok(())
}

/// For each coordinate, the places of the labels that all have; none where all are the same.
fn shared(dim: &str, labels: &[ArrayRef]) -> Result<Option<Vec<Vec<i64>>>> {
    let Some(first) = labels.first() else { return Ok(None) };
    let alike = labels.iter().all(|other| other.data_type() == first.data_type());
    let wanted = match alike {
        true => first.data_type().clone(),
        false if labels.iter().all(|other| other.data_type().is_numeric()) => DataType::Float64,
        false => first.data_type().clone(),
    };
    let unfit = |error: arrow::error::ArrowError| {
        Error::text(format!("the labels of '{dim}' cannot be compared: {error}"))
    };
    let labels = labels.iter().map(|labels| cast(labels, &wanted).map_err(unfit));
    let labels = labels.collect::<Result<Vec<ArrayRef>>>()?;
    if labels.windows(2).all(|two| matches!(two, [one, other] if one == other)) {
        return Ok(None);
    }
    let converter = RowConverter::new(vec![SortField::new(wanted)]).map_err(unfit)?;
    let mut known: Vec<HashMap<Vec<u8>, i64>> = Vec::new();
    let mut order: Vec<Vec<u8>> = Vec::new();
    for labels in &labels {
        let rows = converter.convert_columns(std::slice::from_ref(labels)).map_err(unfit)?;
        let mut places = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            if places.insert(row.data().to_vec(), at as i64).is_some() {
                return Err(Error::text(format!(
                    "the labels of '{dim}' are others in one array than in the other, and some are there twice"
                ))
                .hint("choose the places of both first, as in isel(…)"));
            }
            if known.is_empty() {
                order.push(row.data().to_vec());
            }
        }
        known.push(places);
    }
    order.retain(|label| known.iter().all(|places| places.contains_key(label)));
    let places = known.iter().map(|places| {
        order.iter().filter_map(|label| places.get(label).copied()).collect::<Vec<i64>>()
    });
    Ok(Some(places.collect()))
}
