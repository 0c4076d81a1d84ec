//! Texts that only pass through a running window do so as plain arrays. The window keeps what it has
//! not answered yet by appending to it and cutting from it; of views, the cut-off part stays in
//! memory for as long as the window runs.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::window::{StandardWindowExpr, WindowExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::windows::BoundedWindowAggExec;

use super::over;

#[derive(Debug)]
pub(super) struct PlainTexts;

impl PhysicalOptimizerRule for PlainTexts {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(window) = node.downcast_ref::<BoundedWindowAggExec>() else {
                return Ok(Transformed::no(node));
            };
            if !window.window_expr().iter().all(tells_its_columns) {
                return Ok(Transformed::no(node));
            }
            let used = columns_used(window);
            let input = with_types(window.input(), |index, kind| {
                if used.contains(&index) { kind.clone() } else { plain(kind) }
            })?;
            if Arc::ptr_eq(&input, window.input()) {
                return Ok(Transformed::no(node));
            }
            let before = node.schema();
            let window = over(Arc::clone(&node), vec![input])?;
            let restored = with_types(&window, |index, _| before.field(index).data_type().clone())?;
            Ok(Transformed::yes(restored))
        })
        .data()
    }

    fn name(&self) -> &str {
        "plain_texts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a window's function names all columns that it computes with. An aggregate hides what
/// follows its FILTER (DataFusion 55): only its debug text shows whether there is any. Should that
/// change, texts stay what they are, and take memory.
fn tells_its_columns(expr: &Arc<dyn WindowExpr>) -> bool {
    expr.as_any().is::<StandardWindowExpr>() || format!("{expr:?}").ends_with("filter: None }")
}

/// The columns that a window computes with: those keep their types.
fn columns_used(window: &BoundedWindowAggExec) -> HashSet<usize> {
    window
        .window_expr()
        .iter()
        .flat_map(|expr| {
            let order = expr.order_by().iter().map(|sort| Arc::clone(&sort.expr));
            let keys = expr.partition_by().to_vec();
            expr.expressions().into_iter().chain(keys).chain(order)
        })
        .flat_map(|expr| collect_columns(&expr))
        .map(|column| column.index())
        .collect()
}

fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View => DataType::LargeUtf8,
        DataType::BinaryView => DataType::LargeBinary,
        other => other.clone(),
    }
}

/// The same columns in these types; the plan itself where nothing differs.
fn with_types(
    plan: &Arc<dyn ExecutionPlan>,
    wanted: impl Fn(usize, &DataType) -> DataType,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let mut differs = false;
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (index, field) in schema.fields().iter().enumerate() {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
        let kind = wanted(index, field.data_type());
        let cast = kind != *field.data_type();
        differs |= cast;
        let column = if cast { Arc::new(CastExpr::new(column, kind, None)) } else { column };
        columns.push((column, field.name().clone()));
    }
    if !differs {
        return Ok(Arc::clone(plan));
    }
    Ok(Arc::new(ProjectionExec::try_new(columns, Arc::clone(plan))?))
}
