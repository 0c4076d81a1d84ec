//! The types that ODBC and JDBC know, as SQL here has them.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetXdbcTypeInfo, Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode,
};
use tonic::Status;

use super::internal;

/// The columns.
pub(super) fn schema() -> Result<SchemaRef, Status> {
    Ok(all()?.schema())
}

/// All types, or those of one number.
pub(super) fn answer(asked: CommandGetXdbcTypeInfo) -> Result<RecordBatch, Status> {
    let data = all()?;
    asked.into_builder(&data).build().map_err(internal)
}

fn all() -> Result<XdbcTypeInfoData, Status> {
    let mut types = XdbcTypeInfoDataBuilder::new();
    for (name, kind, digits) in [
        ("BOOLEAN", XdbcDataType::XdbcBit, 1),
        ("TINYINT", XdbcDataType::XdbcTinyint, 3),
        ("SMALLINT", XdbcDataType::XdbcSmallint, 5),
        ("INTEGER", XdbcDataType::XdbcInteger, 10),
        ("BIGINT", XdbcDataType::XdbcBigint, 19),
    ] {
        types.append(number(name, kind, digits, 10));
    }
    for (name, kind, digits) in [
        ("REAL", XdbcDataType::XdbcReal, 24),
        ("FLOAT", XdbcDataType::XdbcFloat, 24),
        ("DOUBLE", XdbcDataType::XdbcDouble, 53),
    ] {
        types.append(number(name, kind, digits, 2));
    }
    for (name, kind) in
        [("DECIMAL", XdbcDataType::XdbcDecimal), ("NUMERIC", XdbcDataType::XdbcNumeric)]
    {
        types.append(XdbcTypeInfo {
            create_params: Some(vec!["precision".to_string(), "scale".to_string()]),
            minimum_scale: Some(0),
            maximum_scale: Some(38),
            ..number(name, kind, 38, 10)
        });
    }
    for (name, kind) in [
        ("CHAR", XdbcDataType::XdbcChar),
        ("VARCHAR", XdbcDataType::XdbcVarchar),
        ("TEXT", XdbcDataType::XdbcLongvarchar),
    ] {
        types.append(quoted(name, kind, "'", true));
    }
    for (name, kind) in
        [("BINARY", XdbcDataType::XdbcBinary), ("BYTEA", XdbcDataType::XdbcVarbinary)]
    {
        types.append(quoted(name, kind, "X'", false));
    }
    for (name, kind, prefix, size, subcode) in [
        ("DATE", XdbcDataType::XdbcDate, "DATE '", 10, XdbcDatetimeSubcode::XdbcSubcodeYear),
        ("TIME", XdbcDataType::XdbcTime, "TIME '", 18, XdbcDatetimeSubcode::XdbcSubcodeTime),
        (
            "TIMESTAMP",
            XdbcDataType::XdbcTimestamp,
            "TIMESTAMP '",
            29,
            XdbcDatetimeSubcode::XdbcSubcodeTimestamp,
        ),
    ] {
        types.append(XdbcTypeInfo {
            column_size: Some(size),
            sql_data_type: XdbcDataType::XdbcDatetime,
            datetime_subcode: Some(subcode),
            ..quoted(name, kind, prefix, false)
        });
    }
    types.append(XdbcTypeInfo {
        interval_precision: Some(9),
        ..quoted("INTERVAL", XdbcDataType::XdbcInterval, "INTERVAL '", false)
    });
    types.build().map_err(internal)
}

fn number(name: &str, kind: XdbcDataType, digits: i32, radix: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_string(),
        data_type: kind,
        column_size: Some(digits),
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        local_type_name: Some(name.to_string()),
        sql_data_type: kind,
        num_prec_radix: Some(radix),
        ..XdbcTypeInfo::default()
    }
}

fn quoted(name: &str, kind: XdbcDataType, prefix: &str, case_sensitive: bool) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_string(),
        data_type: kind,
        column_size: Some(i32::MAX),
        literal_prefix: Some(prefix.to_string()),
        literal_suffix: Some("'".to_string()),
        nullable: Nullable::NullabilityNullable,
        case_sensitive,
        searchable: Searchable::Full,
        local_type_name: Some(name.to_string()),
        sql_data_type: kind,
        ..XdbcTypeInfo::default()
    }
}
