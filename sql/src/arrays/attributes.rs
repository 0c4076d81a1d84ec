//! What is said of arrays beside their values: `t.attributes`, and verbs that say other things.

use datafusion::execution::context::SessionContext;
use serde_json::{Map, Value as Json};
use strata_engine::{Attributes, Labelled, Scalar};

use super::arguments::Bound;
use super::{Value, misused};
use crate::error::{Error, Result};

/// The part of an array, or of a group, that has them.
pub(super) const FIELD: &str = "attributes";

/// The verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("with_attributes", "with_attributes(units => 'K', long_name => 'Air temperature')"),
    ("without_attributes", "without_attributes('units')"),
];

/// All that is said, as a table.
pub(super) fn listing(attributes: &Attributes) -> ([&'static str; 2], Vec<Vec<Option<String>>>) {
    let row = |(name, value): (&String, &Json)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        vec![Some(name.clone()), Some(value)]
    };
    (["attribute", "value"], attributes.iter().map(row).collect())
}

/// What such a verb makes of an array.
pub(super) async fn call(
    _: &SessionContext,
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
) -> Result<Value> {
    let own = on.array.attributes();
    let attributes = match verb {
        "with_attributes" if with.plain.is_empty() && !with.named.is_empty() => {
            let mut more = Map::new();
            for (name, value, at) in std::mem::take(&mut with.named) {
                more.insert(name, json(&value).map_err(|error| error.at(at))?);
            }
            own.with(&more)
        }
        "without_attributes" if with.named.is_empty() => match &with.plain[..] {
            [] => Attributes::default(),
            names => {
                let name = |value: &Value| match value {
                    Value::Text(name) => Ok(name.clone()),
                    _ => Err(misused(VERBS, verb)),
                };
                let names = names.iter().map(name).collect::<Result<Vec<String>>>()?;
                own.without(&names.iter().map(String::as_str).collect::<Vec<_>>())
            }
        },
        _ => return Err(misused(VERBS, verb)),
    };
    Ok(Value::Array(on.with_attributes(attributes)))
}

/// A value as JSON has it, and as Zarr has what JSON has not.
fn json(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::Text(text) => text.clone().into(),
        Value::Number(Scalar::Bool(truth)) => (*truth).into(),
        Value::Number(Scalar::Signed(number)) => (*number).into(),
        Value::Number(Scalar::Unsigned(number)) => (*number).into(),
        Value::Number(Scalar::Float(number)) if number.is_nan() => "NaN".into(),
        Value::Number(Scalar::Float(number)) if number.is_infinite() => {
            if *number > 0.0 {
                "Infinity".into()
            } else {
                "-Infinity".into()
            }
        }
        Value::Number(Scalar::Float(number)) => (*number).into(),
        Value::List(all) => Json::Array(all.iter().map(json).collect::<Result<_>>()?),
        _ => {
            return Err(Error::text("an attribute is a text, a number, or a list of them")
                .hint("write with_attributes(units => 'K', valid_range => (0, 400))"));
        }
    })
}
