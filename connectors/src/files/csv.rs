//! The options and columns of CSV files: what was given, and what the files' beginnings show for
//! the rest.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::config::CsvOptions;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::head::{Head, head};
use super::location::Location;
use super::sniff::{self, Given, sniff};
use crate::check;
use crate::error::{ConnectorError, Result};

/// How many files of a table are looked into.
const FILES: usize = 32;
/// How many of them at a time.
const AT_ONCE: usize = 8;

/// The beginnings of the first few files.
pub(crate) async fn heads(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    files: &[ObjectMeta],
    options: &CsvOptions,
    limit: usize,
) -> Result<Vec<(String, Head)>> {
    let compression = options.compression;
    let paths: Vec<Path> = files.iter().take(FILES).map(|meta| meta.location.clone()).collect();
    stream::iter(paths)
        .map(|path| async move {
            let shown = location.show(&path);
            let head = head(store, &path, &shown, limit, compression).await?;
            if head.bytes.starts_with(b"\xff\xfe") || head.bytes.starts_with(b"\xfe\xff") {
                return Err(ConnectorError::Fault {
                    path: shown,
                    fault: check::Fault {
                        place: Some("byte 0".to_string()),
                        reason: "the text is UTF-16".to_string(),
                        remedy: "convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"
                            .to_string(),
                    },
                });
            }
            match check::Fault::foreign(&head.bytes) {
                Some(fault) => Err(ConnectorError::Fault { path: shown, fault }),
                None => Ok((shown, head)),
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// Detects what `given` does not say from the first file.
pub(crate) fn detect(
    options: &mut CsvOptions,
    given: &HashMap<String, String>,
    tabs: bool,
    heads: &[(String, Head)],
) {
    let has =
        |name: &str| given.contains_key(&format!("format.{name}")) || given.contains_key(name);
    if tabs && !has("delimiter") {
        options.delimiter = b'\t';
    }
    let known = Given {
        delimiter: (tabs || has("delimiter")).then_some(options.delimiter),
        quote: has("quote").then_some(options.quote),
        header: if has("has_header") { options.has_header } else { None },
        comment: options.comment,
        escape: options.escape,
    };
    let Some((_, first)) = heads.iter().find(|(_, head)| !head.bytes.is_empty()) else {
        options.has_header = options.has_header.or(Some(true));
        return;
    };
    let dialect = sniff(&first.bytes, first.complete, &known);
    options.delimiter = dialect.delimiter;
    options.quote = dialect.quote;
    options.has_header = Some(dialect.header);
    if !has("newlines_in_values") {
        let given =
            Given { delimiter: Some(dialect.delimiter), quote: Some(dialect.quote), ..known };
        let newlines =
            heads.iter().any(|(_, head)| sniff(&head.bytes, head.complete, &given).newlines);
        options.newlines_in_values = Some(newlines);
    }
}

/// The columns of the files, by their beginnings: types that differ are widened, names must agree.
pub(crate) fn schema(options: &CsvOptions, heads: &[(String, Head)]) -> Result<Schema> {
    let mut merged: Option<(&str, Schema)> = None;
    for (shown, head) in heads {
        let next = schema_of(options, shown, head)?;
        merged = Some(match merged {
            None => (shown, next),
            Some((first, schema)) => (first, merge(options, first, schema, shown, &next)?),
        });
    }
    let schema = merged.map(|(_, schema)| schema).unwrap_or_else(Schema::empty);
    // A column without a single value could hold anything: text can.
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Null => Field::new(field.name(), DataType::Utf8, true),
            other => Field::new(field.name(), other.clone(), true),
        })
        .collect();
    Ok(Schema::new(fields))
}

fn schema_of(options: &CsvOptions, shown: &str, head: &Head) -> Result<Schema> {
    let records = check::csv::whole_records(options, &head.bytes, head.complete);
    // The reader would take the rest of the file for one value.
    if head.complete
        && let Some(fault) = check::csv::open_quote(options, records)
    {
        return Err(ConnectorError::Fault { path: shown.to_string(), fault });
    }
    let mut format = Format::default()
        .with_header(options.has_header.unwrap_or(true))
        .with_delimiter(options.delimiter)
        .with_quote(options.quote)
        .with_truncated_rows(options.truncated_rows.unwrap_or(false));
    if let Some(escape) = options.escape {
        format = format.with_escape(escape);
    }
    if let Some(comment) = options.comment {
        format = format.with_comment(comment);
    }
    if let Some(null) = &options.null_regex {
        let regex = regex::Regex::new(null).map_err(|error| ConnectorError::Option {
            option: "null_regex".to_string(),
            reason: error.to_string(),
        })?;
        format = format.with_null_regex(regex);
    }
    let (schema, _) =
        format.infer_schema(records, options.schema_infer_max_rec).map_err(|error| {
            let fault = check::csv::first_fault(options, records).unwrap_or_else(|| check::Fault {
                place: None,
                reason: error.to_string(),
                remedy: "see what is there with `strata check`, or give OPTIONS such as \
                         ('delimiter' ';')"
                    .to_string(),
            });
            ConnectorError::Fault { path: shown.to_string(), fault }
        })?;
    let untyped = options.schema_infer_max_rec == Some(0);
    let codes = codes(options, head);
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| match field.data_type() {
            DataType::Int64 if codes.contains(&index) => {
                field.as_ref().clone().with_data_type(DataType::Utf8)
            }
            _ => field.as_ref().clone(),
        })
        .collect();
    Ok(named(Schema::new(fields), untyped))
}

/// The columns of codes that are no numbers, such as '01234': a number would lose their zeros.
fn codes(options: &CsvOptions, head: &Head) -> std::collections::HashSet<usize> {
    let known = Given {
        delimiter: Some(options.delimiter),
        quote: Some(options.quote),
        header: options.has_header,
        comment: options.comment,
        escape: options.escape,
    };
    sniff::zero_padded(&head.bytes, head.complete, &known)
}

/// Names that can be used: trimmed, none empty, none twice.
fn named(schema: Schema, untyped: bool) -> Schema {
    let mut seen = std::collections::HashSet::new();
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let trimmed = field.name().trim();
            let base = if trimmed.is_empty() {
                format!("column_{}", index + 1)
            } else {
                trimmed.to_string()
            };
            let mut name = base.clone();
            let mut copy = 1;
            while !seen.insert(name.clone()) {
                name = format!("{base}_{copy}");
                copy += 1;
            }
            let data_type = if untyped { DataType::Utf8 } else { field.data_type().clone() };
            Field::new(name, data_type, true)
        })
        .collect();
    Schema::new(fields)
}

fn merge(
    options: &CsvOptions,
    first: &str,
    left: Schema,
    second: &str,
    right: &Schema,
) -> Result<Schema> {
    let names = |schema: &Schema| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    let (ours, theirs) = (names(&left), names(right));
    let agree = if options.truncated_rows == Some(true) {
        ours.iter().zip(&theirs).all(|(left, right)| left == right)
    } else {
        ours == theirs
    };
    if !agree {
        return Err(ConnectorError::HeaderConflict {
            first: first.to_string(),
            first_columns: ours.join(", "),
            second: second.to_string(),
            second_columns: theirs.join(", "),
        });
    }
    let longer = if right.fields().len() > left.fields().len() { right } else { &left };
    let fields: Vec<Field> = longer
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let types = (left.fields().get(index), right.fields().get(index));
            let data_type = match types {
                (Some(left), Some(right)) => widen(left.data_type(), right.data_type()),
                _ => field.data_type().clone(),
            };
            Field::new(field.name(), data_type, true)
        })
        .collect();
    Ok(Schema::new(fields))
}

/// The type that holds the values of both.
fn widen(left: &DataType, right: &DataType) -> DataType {
    use DataType::{Date32, Float64, Int64, Null, Timestamp, Utf8};
    let rank = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    };
    match (left, right) {
        (left, right) if left == right => left.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Int64, Float64) | (Float64, Int64) => Float64,
        (Timestamp(a, None), Timestamp(b, None)) => {
            Timestamp(if rank(a) >= rank(b) { *a } else { *b }, None)
        }
        (Date32, Timestamp(unit, zone)) | (Timestamp(unit, zone), Date32) => {
            Timestamp(*unit, zone.clone())
        }
        _ => Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(files: &[&str]) -> Result<Schema> {
        let heads: Vec<(String, Head)> = files
            .iter()
            .enumerate()
            .map(|(index, text)| {
                (format!("{index}.csv"), Head { bytes: text.as_bytes().to_vec(), complete: true })
            })
            .collect();
        let mut options = CsvOptions::default();
        detect(&mut options, &HashMap::new(), false, &heads);
        schema(&options, &heads)
    }

    #[test]
    fn types_come_out() {
        let text = "i,f,b,d,t,s,n\n1,1.5,true,2020-01-01,2020-01-01T10:00:00,x,\n2,2,false,2020-01-02,2020-01-02 11:00:00.5,y,\n";
        let schema = infer(&[text]).unwrap();
        let types: Vec<String> =
            schema.fields().iter().map(|field| field.data_type().to_string()).collect();
        assert_eq!(
            types,
            ["Int64", "Float64", "Boolean", "Date32", "Timestamp(ms)", "Utf8", "Utf8"]
        );
    }

    #[test]
    fn files_are_widened_to_what_holds_both() {
        let schema = infer(&["a,b\n1,1\n", "a,b\n1.5,x\n"]).unwrap();
        assert_eq!(schema.field(0).data_type(), &DataType::Float64);
        assert_eq!(schema.field(1).data_type(), &DataType::Utf8);
    }

    #[test]
    fn headers_must_agree() {
        let error = infer(&["a,b\n1,1\n", "b,a\n1,1\n"]).unwrap_err().to_string();
        assert!(error.contains("'0.csv'") && error.contains("(b, a)"), "{error}");
    }

    #[test]
    fn names_are_made_usable() {
        let schema = infer(&["x,x,\n1,2,3\n"]).unwrap();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["x", "x_1", "column_3"]);
    }
}
