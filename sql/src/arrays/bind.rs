//! Terms into values.

use datafusion::execution::context::SessionContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use strata_engine::{Binary, Labelled, Scalar, Unary};

use super::align::align;
use super::arguments::Bound;
use super::from_function::from_function;
use super::{
    HeldArrays, Value, asked, attributes, datasets, labelled, labels, makers, subscripts, table,
    verbs,
};
use crate::error::{Error, Result};
use crate::parse::{Term, TermArgument, TermValue, What};

/// What a term comes to. Nothing but what describes arrays, and their coordinates, is read for it.
pub(crate) fn bind<'a>(
    session: &'a SessionContext,
    term: &'a Term,
) -> BoxFuture<'a, Result<Value>> {
    bound(session, term).map(|value| value.map_err(|error| error.at(term.at))).boxed()
}

async fn bound(session: &SessionContext, term: &Term) -> Result<Value> {
    match &term.what {
        What::Number(digits) => number(digits),
        What::Text(text) => Ok(Value::Text(text.clone())),
        What::Truth(truth) => Ok(Value::Number(Scalar::Bool(*truth))),
        What::Name(name) => match HeldArrays::get(session, name).await {
            Some(value) => Ok(value),
            None => Err(no_array(session, name)),
        },
        What::List(all) => {
            let mut values = Vec::with_capacity(all.len());
            for one in all {
                values.push(bind(session, one).await?);
            }
            Ok(Value::List(values))
        }
        What::Call(name, arguments) if name.eq_ignore_ascii_case("from_function") => {
            let made = from_function(session, arguments).await;
            made.map_err(|error| error.about(name))
        }
        What::Call(name, arguments) => {
            let arguments = bind_arguments(session, arguments, false).await?;
            makers::call(session, name, arguments).await.map_err(|error| error.about(name))
        }
        What::Field(on, name) => match bind(session, on).await? {
            several @ (Value::Group(_) | Value::Parts(_)) => match several.group() {
                Ok(group) if name == attributes::FIELD && !group.arrays.contains_key(name) => {
                    Ok(Value::Attributes(group.attributes))
                }
                Ok(group) => group.get(name).map(Value::Array).map_err(asked),
                Err(_) => Err(Error::text(format!("there is no '{name}' here"))),
            },
            Value::Array(array) => {
                match (array.coords.get(name), labelled::date_part(&array, name)) {
                    (Some(coord), _) => Ok(Value::Array(labels::coordinate(name, coord))),
                    (None, Some(part)) => part.map(Value::Array),
                    (None, None) if name == attributes::FIELD => {
                        Ok(Value::Attributes(array.array.attributes().clone()))
                    }
                    (None, None) => Err(Error::text(format!("an array has no part '{name}'"))
                        .hint("verbs are written with parentheses, as in .mean(time)")),
                }
            }
            _ => Err(Error::text(format!("there is no '{name}' here"))),
        },
        What::Verb(on, verb, arguments) => {
            if verb.eq_ignore_ascii_case("to_array") {
                let made = table::to_array(session, on, arguments).await;
                return made.map_err(|error| error.about(verb));
            }
            let on = bind(session, on).await?;
            if let Value::Grouped(_) | Value::Rolling(_) | Value::Weighted(_) = on {
                let with = bind_arguments(session, arguments, true).await?;
                let made = match on {
                    Value::Grouped(groups) => groups.reduce(verb, with),
                    Value::Rolling(rolling) => rolling.reduce(verb, with),
                    Value::Weighted(weighted) => weighted.reduce(verb, with),
                    other => Ok(other),
                };
                return made.map_err(|error| error.about(verb));
            }
            match on {
                Value::Group(group) => datasets::call(session, group, verb, arguments).await,
                one => of_array(session, one.array()?, verb, arguments).await,
            }
        }
        What::Subscript(on, named) => subscripts::part(session, on, named).boxed().await,
        What::Negative(of) => match bind(session, of).await? {
            Value::Number(Scalar::Signed(value)) => Ok(Value::Number(match value.checked_neg() {
                Some(value) => Scalar::Signed(value),
                None => Scalar::Unsigned(value.unsigned_abs()),
            })),
            Value::Number(Scalar::Unsigned(value)) => {
                // The smallest of all has no opposite.
                let signed = 0_i64.checked_sub_unsigned(value).map(Scalar::Signed);
                Ok(Value::Number(signed.unwrap_or(Scalar::Float(-(value as f64)))))
            }
            Value::Number(Scalar::Float(value)) => Ok(Value::Number(Scalar::Float(-value))),
            value => value.array()?.unary(Unary::Neg).map(Value::Array).map_err(asked),
        },
        What::Not(of) => {
            bind(session, of).await?.array()?.unary(Unary::Not).map(Value::Array).map_err(asked)
        }
        What::Binary(binary, left, right) => operated(session, *binary, left, right).boxed().await,
    }
}

/// A function of two values, written as an operator.
async fn operated(
    session: &SessionContext,
    binary: Binary,
    left: &Term,
    right: &Term,
) -> Result<Value> {
    match (bind(session, left).await?, bind(session, right).await?) {
        (Value::Grouped(groups), other) => {
            groups.binary(session, binary, &other.array()?, true).await
        }
        (other, Value::Grouped(groups)) => {
            groups.binary(session, binary, &other.array()?, false).await
        }
        (left, right) => {
            let mut sides = [left, right];
            align(session, &mut sides).await?;
            let [left, right] = sides;
            binary_of(binary, left, right)
        }
    }
}

/// What a verb makes of an array.
pub(super) fn of_array<'a>(
    session: &'a SessionContext,
    on: Labelled,
    verb: &'a str,
    arguments: &'a [TermArgument],
) -> BoxFuture<'a, Result<Value>> {
    let made = async move {
        if labelled::is_verb(verb) {
            return labelled::call(session, on, verb, arguments).await;
        }
        if verbs::takes_conditions(verb) {
            return labels::select(session, &on, arguments).await.map(Value::Array);
        }
        let arguments = bind_arguments(session, arguments, true).await?;
        verbs::call(session, on, verb, arguments).await
    };
    made.map(move |made| made.map_err(|error: Error| error.about(verb))).boxed()
}

/// A function of two values, either of which may be a number.
pub(super) fn binary_of(binary: Binary, left: Value, right: Value) -> Result<Value> {
    let made = match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            if let Some(folded) = folded(binary, left, right) {
                return Ok(Value::Number(folded));
            }
            Value::Number(left).array()?.binary(binary, &Value::Number(right).array()?)
        }
        (Value::Number(left), right @ Value::Array(_)) => {
            right.array()?.binary_with(binary, left, true)
        }
        (left @ Value::Array(_), Value::Number(right)) => {
            left.array()?.binary_with(binary, right, false)
        }
        (left, right) => left.array()?.binary(binary, &right.array()?),
    };
    made.map(Value::Array).map_err(asked)
}

/// What two numbers come to, which is a number still.
fn folded(binary: Binary, left: Scalar, right: Scalar) -> Option<Scalar> {
    if let (Scalar::Signed(left), Scalar::Signed(right)) = (left, right) {
        return match binary {
            Binary::Add => left.checked_add(right).map(Scalar::Signed),
            Binary::Sub => left.checked_sub(right).map(Scalar::Signed),
            Binary::Mul => left.checked_mul(right).map(Scalar::Signed),
            Binary::Div => Some(Scalar::Float(left as f64 / right as f64)),
            _ => None,
        };
    }
    let (left, right) = (left.as_f64(), right.as_f64());
    Some(Scalar::Float(match binary {
        Binary::Add => left + right,
        Binary::Sub => left - right,
        Binary::Mul => left * right,
        Binary::Div => left / right,
        _ => return None,
    }))
}

fn number(digits: &str) -> Result<Value> {
    let whole = digits.parse::<i64>().map(Scalar::Signed);
    let whole = whole.or_else(|_| digits.parse::<u64>().map(Scalar::Unsigned));
    let number = whole.or_else(|_| digits.parse::<f64>().map(Scalar::Float));
    number.map(Value::Number).map_err(|_| Error::text(format!("'{digits}' is no number")))
}

fn no_array(session: &SessionContext, name: &str) -> Error {
    match session.table_exist(name) {
        Ok(true) => Error::text(format!("'{name}' is a table, and this is done to arrays"))
            .hint("tables are counted and averaged with .group_by(…).agg(…)"),
        _ => Error::text(format!("there is no array '{name}'"))
            .hint(format!("name one first: {name} = zarr('…').variable")),
    }
}

/// Arguments. Where `names` are wanted, a plain name is the name of a dimension unless an array has it.
pub(super) async fn bind_arguments(
    session: &SessionContext,
    arguments: &[TermArgument],
    names: bool,
) -> Result<Bound> {
    let mut bound = Bound::default();
    for TermArgument { name, value, at } in arguments {
        let TermValue::Term(term) = value else {
            return Err(Error::text("a condition is no value").at(*at));
        };
        // What these take are names, whoever takes them.
        let named = name.as_ref().is_some_and(|name| name == "axis" || name == "dims");
        let value = named_or_bound(session, term, names || named).await?;
        match name {
            Some(name) => bound.named.push((name.clone(), value, *at)),
            None => bound.plain.push(value),
        }
    }
    Ok(bound)
}

fn named_or_bound<'a>(
    session: &'a SessionContext,
    term: &'a Term,
    names: bool,
) -> BoxFuture<'a, Result<Value>> {
    async move {
        match &term.what {
            What::Name(name) if names && HeldArrays::is_free(session, name).await => {
                Ok(Value::Text(name.clone()))
            }
            What::List(all) if names => {
                let mut values = Vec::with_capacity(all.len());
                for one in all {
                    values.push(named_or_bound(session, one, names).await?);
                }
                Ok(Value::List(values))
            }
            _ => bind(session, term).await,
        }
    }
    .boxed()
}

/// The arrays among arguments.
pub(super) fn arrays(values: Vec<Value>) -> Result<Vec<Labelled>> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::List(list) => all.extend(arrays(list)?),
            one => all.push(one.array()?),
        }
    }
    Ok(all)
}
