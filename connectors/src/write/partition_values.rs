//! The values of partition columns as texts, a NULL as Hive writes it: they become names of folders,
//! and DataFusion would name the folder of a NULL like that of an empty text, or of a zero.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};

use crate::files::partitions::NULL;

/// `input` with these columns as texts.
pub(super) fn as_text(input: &Arc<LogicalPlan>, columns: &[String]) -> Result<Arc<LogicalPlan>> {
    if columns.is_empty() {
        return Ok(Arc::clone(input));
    }
    let mut outputs = Vec::new();
    for column in input.schema().columns() {
        if !columns.contains(&column.name) {
            outputs.push(Expr::Column(column));
            continue;
        }
        let (table, name) = (column.relation.clone(), column.name.clone());
        let value = Expr::Column(column);
        // Writes are begun after plans have been simplified: no `coalesce`, which counts on that.
        let text =
            when(value.clone().is_null(), lit(NULL)).otherwise(cast(value, DataType::Utf8))?;
        outputs.push(text.alias_qualified(table, name));
    }
    Ok(Arc::new(LogicalPlanBuilder::from(input.as_ref().clone()).project(outputs)?.build()?))
}
