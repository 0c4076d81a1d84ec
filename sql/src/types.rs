//! Names that other databases and their tools have for types that are here under another.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::DataType as SqlType;

/// Plans them; DataFusion plans the rest.
#[derive(Debug)]
pub(crate) struct OtherNames;

impl TypePlanner for OtherNames {
    fn plan_type_field(&self, sql: &SqlType) -> Result<Option<FieldRef>> {
        Ok(known(sql).map(|kind| Arc::new(Field::new("", kind, true))))
    }
}

fn known(sql: &SqlType) -> Option<DataType> {
    Some(match sql {
        SqlType::Datetime(None) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        SqlType::Binary(_) | SqlType::Varbinary(_) | SqlType::Blob(_) => DataType::Binary,
        SqlType::Nvarchar(_)
        | SqlType::Character(_)
        | SqlType::CharacterVarying(_)
        | SqlType::CharVarying(_)
        | SqlType::Clob(_) => DataType::Utf8View,
        SqlType::Int64 => DataType::Int64,
        SqlType::Float64 => DataType::Float64,
        _ => return None,
    })
}
