//! JSON, line by line: every line needs to be one value; where the columns' types are known, a value
//! that cannot become one is named.

use std::collections::HashMap;
use std::time::Instant;

use arrow::datatypes::{DataType, Schema};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use serde_json::Value;

use super::{Fault, File, Outcome, past};
use crate::error::{ConnectorError, Result, innermost};

/// Examines a JSON file: a value on each line, or one array.
pub(super) async fn examine(
    file: &File<'_>,
    schema: Option<&Schema>,
    until: Option<Instant>,
) -> Result<Outcome> {
    let packed = file
        .store
        .get(&file.meta.location)
        .await
        .map_err(|error| ConnectorError::from_store(file.shown, &error))?
        .into_stream()
        .map_err(DataFusionError::from)
        .boxed();
    let packing = file.kind.compression;
    let mut unpacked = FileCompressionType::from(packing).convert_stream(packed)?;
    let mut rest: Vec<u8> = Vec::new();
    let mut lines = Lines { line: 0, rows: 0, schema, shapes: HashMap::new() };
    let mut array = None;
    while let Some(part) = unpacked.next().await {
        match part {
            Ok(part) => rest.extend_from_slice(&part),
            Err(DataFusionError::ObjectStore(error)) => {
                return Err(ConnectorError::from_store(file.shown, &error));
            }
            Err(error) => {
                return Ok(Outcome::Broken(Fault {
                    place: Some(format!("after line {}", lines.line)),
                    ..Fault::packing(packing, &innermost(&error))
                }));
            }
        }
        if lines.line == 0
            && let Some(fault) = Fault::foreign(&rest)
        {
            return Ok(Outcome::Broken(fault));
        }
        if *array.get_or_insert_with(|| rest.trim_ascii_start().starts_with(b"[")) {
            continue;
        }
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let tail = rest.split_off(end + 1);
        let whole = std::mem::replace(&mut rest, tail);
        if let Some(fault) =
            whole.split(|b| *b == b'\n').take(count(&whole)).find_map(|l| lines.judge(l))
        {
            return Ok(Outcome::Broken(fault));
        }
        if past(until) {
            return Ok(Outcome::Sound { rows: None });
        }
    }
    if array == Some(true) {
        return Ok(whole_array(&rest));
    }
    if let Some(fault) = lines.judge(&rest) {
        return Ok(Outcome::Broken(fault));
    }
    Ok(Outcome::Sound { rows: Some(lines.rows) })
}

fn count(lines: &[u8]) -> usize {
    lines.iter().filter(|byte| **byte == b'\n').count()
}

struct Lines<'a> {
    line: u64,
    rows: u64,
    schema: Option<&'a Schema>,
    /// What each column was first seen to be, and in which line.
    shapes: HashMap<String, (Shape, u64)>,
}

/// What a column cannot be two of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Value,
    Object,
    Array,
}

impl Shape {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Object(_) => Some(Self::Object),
            Value::Array(_) => Some(Self::Array),
            _ => Some(Self::Value),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Value => "a plain value",
            Self::Object => "an object",
            Self::Array => "an array",
        }
    }
}

impl Lines<'_> {
    fn judge(&mut self, line: &[u8]) -> Option<Fault> {
        self.line += 1;
        if line.trim_ascii().is_empty() {
            return None;
        }
        self.rows += 1;
        let place = Some(format!("line {}", self.line));
        let value: Value = match serde_json::from_slice(line) {
            Ok(value) => value,
            Err(error) => {
                return Some(Fault::new(
                    place,
                    format!("not JSON ({error})").replace(" at line 1 column", " at column"),
                    "fix or remove the line; each line must be one whole JSON object",
                ));
            }
        };
        let Value::Object(object) = value else {
            return Some(Fault::new(
                place,
                "a JSON value that is no object",
                "each line must be an object such as {\"a\": 1}",
            ));
        };
        let Some(schema) = self.schema else {
            return object.iter().find_map(|(name, value)| self.conflict(name, value));
        };
        for field in schema.fields() {
            let Some(value) = object.get(field.name()) else { continue };
            let wrong = match field.data_type() {
                DataType::Int64 | DataType::Float64 => {
                    // Numbers are also read out of strings.
                    match value {
                        Value::String(text) => text.parse::<f64>().is_err(),
                        Value::Number(number) => {
                            *field.data_type() == DataType::Int64 && number.is_f64()
                        }
                        other => other.is_object() || other.is_array() || other.is_boolean(),
                    }
                }
                DataType::Boolean => !value.is_boolean() && !value.is_null(),
                DataType::Struct(_) => !value.is_object() && !value.is_null(),
                DataType::List(_) => !value.is_array() && !value.is_null(),
                DataType::Utf8 => value.is_object() || value.is_array(),
                _ => false,
            };
            if wrong {
                return Some(Fault::new(
                    Some(format!("line {}, column '{}'", self.line, field.name())),
                    format!("{value} is no {}", field.data_type()),
                    "fix the value, or give the column's type in CREATE EXTERNAL TABLE",
                ));
            }
        }
        None
    }

    /// A column that is of another shape than before. A value beside an array is read as an array
    /// of one.
    fn conflict(&mut self, name: &str, value: &Value) -> Option<Fault> {
        let shape = Shape::of(value)?;
        let Some((first, line)) = self.shapes.get(name).copied() else {
            self.shapes.insert(name.to_string(), (shape, self.line));
            return None;
        };
        if first == shape || (first != Shape::Object && shape != Shape::Object) {
            return None;
        }
        Some(Fault::new(
            Some(format!("line {}, column '{name}'", self.line)),
            format!("{} where line {line} has {}", shape.name(), first.name()),
            "make the lines agree, or give the column another name in one of them",
        ))
    }
}

fn whole_array(bytes: &[u8]) -> Outcome {
    match serde_json::from_slice::<Vec<serde_json::Map<String, Value>>>(bytes) {
        Ok(rows) => Outcome::Sound { rows: Some(rows.len() as u64) },
        Err(error) => Outcome::Broken(Fault::new(
            Some(format!("line {}, column {}", error.line(), error.column())),
            format!("not an array of JSON objects ({error})"),
            "fix it there, or write one object a line",
        )),
    }
}
