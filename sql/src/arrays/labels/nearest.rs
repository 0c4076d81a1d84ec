//! Choosing places by a label: `sel(lat => 51.5, method => 'nearest')`.

use arrow::array::{Array as _, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::execution::context::SessionContext;
use strata_engine::{Index, Labelled, Scalar, coordinate_column};

use super::with_labels;
use crate::arrays::{Value, asked as refused, bind};
use crate::error::{Error, Result};
use crate::parse::{Term, TermArgument, TermValue};

/// Whether an argument says how labels are found, and is none.
pub(super) fn is_option(argument: &TermArgument) -> bool {
    argument.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("method"))
}

/// Whether the nearest label will do.
pub(super) async fn asked(session: &SessionContext, arguments: &[TermArgument]) -> Result<bool> {
    let Some(argument) = arguments.iter().find(|argument| is_option(argument)) else {
        return Ok(false);
    };
    let TermValue::Term(method) = &argument.value else { return Ok(false) };
    match bind(session, method).await? {
        Value::Text(text) if text == "nearest" => Ok(true),
        Value::Text(text) if text == "exact" => Ok(false),
        _ => Err(Error::text("method => is 'nearest', or 'exact', as without it").at(argument.at)),
    }
}

/// The part of an array that has a label, or labels.
pub(super) async fn label(
    session: &SessionContext,
    on: &Labelled,
    argument: &TermArgument,
    label: &Term,
    near: bool,
) -> Result<Labelled> {
    let Some(dim) = &argument.name else {
        return Err(Error::text("a condition is wanted, as in lat > 60"));
    };
    let label = bind(session, label).await?;
    let (on, axis, values) = with_labels(session, on, dim).await?;
    let labels = coordinate_column(&values);
    let place = |label: &Value| place(dim, &labels, label, near);
    let index = match &label {
        Value::List(all) => Index::Places(all.iter().map(place).collect::<Result<_>>()?),
        one => Index::At(place(one)?),
    };
    on.index(&index.along(axis)).map_err(refused)
}

/// The place that has a label; of two that are as near, the later.
fn place(dim: &str, labels: &ArrayRef, label: &Value, near: bool) -> Result<i64> {
    let (wanted, shown) = as_one_of(labels, label)?;
    let distances = distances(labels, &wanted)?;
    let mut best: Option<(usize, f64)> = None;
    if let [first, second, ..] = distances
        .iter()
        .enumerate()
        .filter(|(_, far)| **far == 0.0)
        .map(|(at, _)| at)
        .collect::<Vec<_>>()[..]
    {
        return Err(Error::text(format!(
            "places {first} and {second} along '{dim}' are both labelled {shown}"
        ))
        .hint(format!(
            "sel({dim} = …) chooses all that are, and isel({dim} => {first}) one by its number"
        )));
    }
    for (at, distance) in distances.into_iter().enumerate() {
        if !distance.is_nan() && best.is_none_or(|(_, least)| distance <= least) {
            best = Some((at, distance));
        }
    }
    match best {
        Some((at, distance)) if near || distance == 0.0 => Ok(at as i64),
        Some(_) => Err(Error::text(format!("no place along '{dim}' is labelled {shown}"))
            .hint("take the nearest: method => 'nearest'")),
        None => Err(Error::text(format!("no place along '{dim}' has a label"))),
    }
}

/// A label as a value of the labels' type, and as it was written.
pub(in crate::arrays) fn as_one_of(labels: &ArrayRef, label: &Value) -> Result<(ArrayRef, String)> {
    let (value, shown): (ArrayRef, String) = match label {
        Value::Text(text) => {
            (std::sync::Arc::new(StringArray::from(vec![text.as_str()])), format!("'{text}'"))
        }
        Value::Number(number @ (Scalar::Signed(_) | Scalar::Unsigned(_) | Scalar::Float(_))) => {
            let value = number.as_f64();
            (std::sync::Arc::new(Float64Array::from(vec![value])), value.to_string())
        }
        _ => return Err(Error::text("a label is a number, or a text such as '2020-02-01'")),
    };
    let numbers = labels.data_type().is_numeric();
    let wanted = if numbers { &DataType::Float64 } else { labels.data_type() };
    let unfit = || Error::text(format!("{shown} is no label of type {}", labels.data_type()));
    if matches!(label, Value::Number(_)) && !numbers {
        return Err(unfit().hint("times are written as text: '2020-02-01'"));
    }
    let mut value = cast(&value, wanted).map_err(|_| unfit())?;
    if let (Value::Text(text), true) = (label, value.is_null(0)) {
        // A time of day may come without its seconds.
        let whole = StringArray::from(vec![format!("{text}:00")]);
        value = cast(&whole, wanted).map_err(|_| unfit())?;
    }
    match value.is_null(0) {
        true => Err(unfit()),
        false => Ok((value, shown)),
    }
}

/// How far each label is from one.
fn distances(labels: &ArrayRef, from: &ArrayRef) -> Result<Vec<f64>> {
    let as_type = |array: &ArrayRef, to: &DataType| {
        cast(array, to).map_err(|error| Error::text(error.to_string()))
    };
    if labels.data_type().is_numeric() {
        let (all, from) =
            (as_type(labels, &DataType::Float64)?, from.as_primitive::<Float64Type>());
        let from = from.value(0);
        let all = all.as_primitive::<Float64Type>();
        return Ok(all.iter().map(|value| value.map_or(f64::NAN, |v| (v - from).abs())).collect());
    }
    // Times: as whole numbers, whose distances are exact.
    let (all, from) = (as_type(labels, &DataType::Int64)?, as_type(from, &DataType::Int64)?);
    let from = i128::from(from.as_primitive::<Int64Type>().value(0));
    let all = all.as_primitive::<Int64Type>();
    let far = |value: i64| (i128::from(value) - from).abs() as f64;
    Ok(all.iter().map(|value| value.map_or(f64::NAN, far)).collect())
}
