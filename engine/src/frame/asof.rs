//! Joins each row with the latest row of another frame that is not after it (or the earliest that
//! is not before it), within equal keys.
//!
//! Both sides become one stream in the order of time; a window carries the last row of the right
//! side forward to the rows of the left:
//!
//! ```text
//! time   side    row          carried
//! 9:00   right   bid 100
//! 9:01   left    trade A  ←   bid 100
//! 9:02   right   bid 101
//! 9:02   left    trade B  ←   bid 101      (with >=; with > it stays bid 100)
//! ```
//!
//! So it runs wherever sorts and windows run, spills as they do, and needs no operator of its own.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{
    Column, ExprSchema, Result as DataFusionResult, ScalarValue, internal_datafusion_err,
};
use datafusion::functions::core::expr_fn::{get_field, named_struct};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::expr_rewriter::normalize_col;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, PartitionEvaluator, Signature,
    Volatility, WindowFrame, WindowFunctionDefinition, WindowUDF, WindowUDFImpl, cast, lit,
};

use super::FrameError;
use crate::error::Result;

/// What rows are joined by.
#[derive(Debug, Clone, PartialEq)]
pub struct AsofJoin {
    /// Pairs that must be equal: an expression of the left side, one of the right.
    pub on: Vec<(Expr, Expr)>,
    /// The left side's time.
    pub left_time: Expr,
    /// How it stands to the right side's: `>=`, `>`, `<=` or `<`.
    pub operator: Operator,
    /// The right side's time.
    pub right_time: Expr,
    /// Whether rows of the left side without a match are left out.
    pub inner: bool,
}

const CARRIED: &str = "__carried";
const SIDE: &str = "__side";
const TIME: &str = "__time";

/// Joins `left` with `right` as the spec says. Rows whose time or key is NULL match nothing.
pub fn asof_join(left: LogicalPlan, right: LogicalPlan, spec: AsofJoin) -> Result<LogicalPlan> {
    let (backward, equal_matches) = match spec.operator {
        Operator::GtEq => (true, true),
        Operator::Gt => (true, false),
        Operator::LtEq => (false, true),
        Operator::Lt => (false, false),
        other => {
            return Err(FrameError::invalid(format!(
                "an as-of join compares times with >=, >, <= or <, not {other}"
            ))
            .into());
        }
    };
    let left_columns = left.schema().columns();
    let right_columns = right.schema().columns();
    // Where times are equal, the right side comes first if it may match, and last if not.
    let (left_side, right_side) = if equal_matches { (1i8, 0i8) } else { (0, 1) };

    let (left_time, right_time) = same_type(&left, spec.left_time, &right, spec.right_time)?;
    let mut left_keys = Vec::new();
    let mut right_keys = Vec::new();
    for (left_key, right_key) in spec.on {
        let (left_key, right_key) = same_type(&left, left_key, &right, right_key)?;
        left_keys.push(left_key);
        right_keys.push(right_key);
    }
    let key_names: Vec<String> = (0..left_keys.len()).map(|i| format!("__key{i}")).collect();

    let right_row = named_struct(
        right_columns
            .iter()
            .enumerate()
            .flat_map(|(i, c)| [lit(format!("c{i}")), Expr::Column(c.clone())])
            .collect(),
    );
    let row_type = right_row.get_type(right.schema())?;

    let carried = |name: &str| Expr::Column(Column::new_unqualified(name));
    let left_input = left_columns
        .iter()
        .enumerate()
        .map(|(i, c)| Expr::Column(c.clone()).alias(format!("__left{i}")))
        .chain([lit(ScalarValue::try_new_null(&row_type)?).alias(CARRIED)])
        .chain(left_keys.iter().zip(&key_names).map(|(k, name)| k.clone().alias(name)))
        .chain([left_time.alias(TIME), lit(left_side).alias(SIDE)]);
    let mut right_input = Vec::new();
    for (i, column) in left_columns.iter().enumerate() {
        let data_type = left.schema().field_from_column(column)?.data_type();
        right_input.push(lit(ScalarValue::try_new_null(data_type)?).alias(format!("__left{i}")));
    }
    right_input.push(right_row.alias(CARRIED));
    right_input.extend(right_keys.iter().zip(&key_names).map(|(k, name)| k.clone().alias(name)));
    right_input.extend([right_time.clone().alias(TIME), lit(right_side).alias(SIDE)]);

    let complete = right_keys.iter().cloned().chain([right_time]).map(Expr::is_not_null);
    let mut right = LogicalPlanBuilder::from(right);
    if let Some(complete) = conjunction(complete) {
        right = right.filter(complete)?;
    }
    let right = right.project(right_input)?.build()?;
    let both = LogicalPlanBuilder::from(left).project(left_input)?.union(right)?;

    let window = Expr::from(WindowFunction {
        fun: WindowFunctionDefinition::WindowUDF(carry_forward()),
        params: WindowFunctionParams {
            args: vec![carried(CARRIED)],
            partition_by: key_names.iter().map(|name| carried(name)).collect(),
            // A NULL time sorts before every right row, so nothing is carried to it.
            order_by: vec![carried(TIME).sort(backward, true), carried(SIDE).sort(true, false)],
            window_frame: WindowFrame::new(Some(true)),
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    })
    .alias("__match");
    let joined = both.window([window])?;
    let mut wanted = carried(SIDE).eq(lit(left_side));
    if spec.inner {
        wanted = wanted.and(carried("__match").is_not_null());
    }
    let outputs = left_columns
        .iter()
        .enumerate()
        .map(|(i, c)| named_like(carried(&format!("__left{i}")), c))
        .chain(
            right_columns
                .iter()
                .enumerate()
                .map(|(i, c)| named_like(get_field(carried("__match"), format!("c{i}")), c)),
        );
    Ok(joined.filter(wanted)?.project(outputs)?.build()?)
}

/// Gives a computed column the name and the table it had.
fn named_like(expr: Expr, column: &Column) -> Expr {
    expr.alias_qualified(column.relation.clone(), &column.name)
}

/// Both sides of a comparison, cast to the type in which they can be compared.
fn same_type(
    left_plan: &LogicalPlan,
    left: Expr,
    right_plan: &LogicalPlan,
    right: Expr,
) -> Result<(Expr, Expr)> {
    let left = normalize_col(left, left_plan)?;
    let right = normalize_col(right, right_plan)?;
    let (a, b) = (left.get_type(left_plan.schema())?, right.get_type(right_plan.schema())?);
    let common = comparison_coercion(&a, &b).ok_or_else(|| {
        FrameError::invalid(format!("{left} is {a} and {right} is {b}: they cannot be compared"))
    })?;
    let to_common = |expr: Expr, from: &DataType| {
        if *from == common { expr } else { cast(expr, common.clone()) }
    };
    Ok((to_common(left, &a), to_common(right, &b)))
}

/// The function of windows that verbs use and nobody calls by its name.
pub(crate) fn carry_forward() -> Arc<WindowUDF> {
    Arc::new(WindowUDF::from(CarryForward::new()))
}

/// A window function: the last value that was not NULL, this row's included.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CarryForward {
    signature: Signature,
}

impl CarryForward {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl WindowUDFImpl for CarryForward {
    fn name(&self) -> &str {
        "carry_forward"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let input = args
            .input_fields()
            .first()
            .ok_or_else(|| internal_datafusion_err!("carry_forward takes one argument"))?;
        Ok(Arc::new(input.as_ref().clone().with_name(args.name()).with_nullable(true)))
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> DataFusionResult<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(CarryEvaluator))
    }
}

#[derive(Debug)]
struct CarryEvaluator;

impl PartitionEvaluator for CarryEvaluator {
    /// One pass and one `take`, whatever the type: a row's answer is an index, not a copied value.
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> DataFusionResult<ArrayRef> {
        let [values] = values else {
            return Err(internal_datafusion_err!("carry_forward takes one argument"));
        };
        let mut last = None;
        let indices: UInt32Array = (0..rows as u32)
            .map(|row| {
                if values.is_valid(row as usize) {
                    last = Some(row);
                }
                last
            })
            .collect();
        Ok(take(values.as_ref(), &indices, None)?)
    }
}
