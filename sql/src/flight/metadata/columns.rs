//! What drivers are told of the columns of a table beside their Arrow types: names of SQL types and sizes, under the
//! [keys of Flight SQL](https://arrow.apache.org/docs/format/FlightSql.html). JDBC and ODBC make their listings of
//! columns of these.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

/// The columns of a table, with what is told of each.
pub(super) fn told(catalog: &str, schema: &str, table: &str, columns: &Schema) -> Schema {
    let names = [("CATALOG_NAME", catalog), ("SCHEMA_NAME", schema), ("TABLE_NAME", table)];
    let fields = columns.fields().iter().map(|field| {
        let mut metadata = field.metadata().clone();
        let mut tell = |key: &str, value: String| {
            metadata.insert(format!("ARROW:FLIGHT:SQL:{key}"), value);
        };
        names.iter().for_each(|(key, value)| tell(key, value.to_string()));
        about(field.data_type()).into_iter().for_each(|(key, value)| tell(key, value));
        Arc::new(Field::clone(field).with_metadata(metadata))
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), columns.metadata().clone())
}

/// What is told of a type.
fn about(kind: &DataType) -> HashMap<&'static str, String> {
    let mut told = HashMap::from([
        ("TYPE_NAME", name(kind).to_string()),
        ("IS_AUTO_INCREMENT", "0".to_string()),
        ("IS_READ_ONLY", "0".to_string()),
        ("IS_SEARCHABLE", "1".to_string()),
        ("IS_CASE_SENSITIVE", if is_text(kind) { "1" } else { "0" }.to_string()),
    ]);
    if let Some((precision, scale)) = size(kind) {
        told.insert("PRECISION", precision.to_string());
        told.insert("SCALE", scale.to_string());
    }
    told
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Digits in all, and those behind the point; of times, the letters, and the digits of parts of a second. Floating
/// numbers have no decimal digits to tell of.
fn size(kind: &DataType) -> Option<(i32, i32)> {
    let letters = |whole: i32, unit: &TimeUnit| match unit {
        TimeUnit::Second => (whole, 0),
        TimeUnit::Millisecond => (whole + 4, 3),
        TimeUnit::Microsecond => (whole + 7, 6),
        TimeUnit::Nanosecond => (whole + 10, 9),
    };
    Some(match kind {
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::UInt64 => (20, 0),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => (i32::from(*precision), i32::from(*scale)),
        DataType::Date32 => (10, 0),
        DataType::Timestamp(unit, _) => letters(19, unit),
        DataType::Time32(unit) | DataType::Time64(unit) => letters(8, unit),
        _ => return None,
    })
}

/// The name of a type, one of those that `CommandGetXdbcTypeInfo` tells where it has it.
fn name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "TINYINT UNSIGNED",
        DataType::UInt16 => "SMALLINT UNSIGNED",
        DataType::UInt32 => "INTEGER UNSIGNED",
        DataType::UInt64 => "BIGINT UNSIGNED",
        DataType::Float16 | DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "DECIMAL",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "BYTEA",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Duration(_) | DataType::Interval(_) => "INTERVAL",
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => "ARRAY",
        DataType::Struct(_) => "STRUCT",
        DataType::Map(..) => "MAP",
        DataType::Union(..) => "UNION",
        DataType::Dictionary(_, values) => name(values),
        DataType::RunEndEncoded(_, values) => name(values.data_type()),
    }
}
