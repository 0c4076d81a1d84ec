//! What a column's type means for its looks.

use arrow::datatypes::{DataType, TimeUnit};

/// Whether a column's values line up at the right.
pub(super) fn is_right_aligned(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_right_aligned(values),
        DataType::RunEndEncoded(_, values) => is_right_aligned(values.data_type()),
        other => other.is_numeric(),
    }
}

/// Whether a value that is cut can still be understood. A number that is cut reads as another one.
pub(super) fn is_cuttable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_cuttable(values),
        DataType::RunEndEncoded(_, values) => is_cuttable(values.data_type()),
        other => !other.is_numeric() && !other.is_temporal() && *other != DataType::Boolean,
    }
}

/// A type as SQL writes it.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "null".to_string(),
        DataType::Boolean => "boolean".to_string(),
        DataType::Int8 => "tinyint".to_string(),
        DataType::Int16 => "smallint".to_string(),
        DataType::Int32 => "int".to_string(),
        DataType::Int64 => "bigint".to_string(),
        DataType::UInt8 => "tinyint unsigned".to_string(),
        DataType::UInt16 => "smallint unsigned".to_string(),
        DataType::UInt32 => "int unsigned".to_string(),
        DataType::UInt64 => "bigint unsigned".to_string(),
        DataType::Float16 => "float16".to_string(),
        DataType::Float32 => "float".to_string(),
        DataType::Float64 => "double".to_string(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_string(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "bytea".to_string(),
        DataType::Date32 => "date".to_string(),
        DataType::Date64 => "timestamp(3)".to_string(),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_string(),
        DataType::Timestamp(unit, zone) => {
            let name = if zone.is_some() { "timestamptz" } else { "timestamp" };
            match unit {
                TimeUnit::Second => format!("{name}(0)"),
                TimeUnit::Millisecond => format!("{name}(3)"),
                TimeUnit::Microsecond => format!("{name}(6)"),
                TimeUnit::Nanosecond => name.to_string(),
            }
        }
        DataType::Duration(_) => "duration".to_string(),
        DataType::Interval(_) => "interval".to_string(),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => format!("{}[]", type_name(item.data_type())),
        DataType::FixedSizeList(item, size) => format!("{}[{size}]", type_name(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
                .collect();
            format!("struct({})", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let types: Vec<_> =
                    fields.iter().map(|field| type_name(field.data_type())).collect();
                format!("map({})", types.join(", "))
            }
            _ => "map".to_string(),
        },
        DataType::Union(fields, _) => {
            let types: Vec<_> =
                fields.iter().map(|(_, field)| type_name(field.data_type())).collect();
            format!("union({})", types.join(", "))
        }
        DataType::Dictionary(_, values) => type_name(values),
        DataType::RunEndEncoded(_, values) => type_name(values.data_type()),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn types_read_as_in_sql() {
        let list = DataType::new_list(DataType::Decimal128(12, 2), true);
        assert_eq!(type_name(&list), "decimal(12,2)[]");
        let fields = vec![Field::new("a", DataType::Int64, true), Field::new("b", list, true)];
        assert_eq!(
            type_name(&DataType::Struct(fields.into())),
            "struct(a bigint, b decimal(12,2)[])"
        );
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(type_name(&zoned), "timestamptz(6)");
    }
}
