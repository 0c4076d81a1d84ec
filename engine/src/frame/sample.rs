//! Some of the rows, by chance. With a seed, chance is a hash of the row itself: the same rows are
//! taken however the data is split over files, cores or workers.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::common::{Column, Result as DataFusionResult, exec_err};
use datafusion::functions::math::expr_fn::random;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::scalar::ScalarValue;

use super::{FrameError, all_columns};
use crate::error::Result;

/// How much of a frame a sample takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SampleSize {
    /// Each row with this probability.
    Fraction(f64),
    /// Exactly so many rows, or all where there are fewer.
    Rows(usize),
}

/// Takes some of the rows, by chance.
pub fn sample(plan: LogicalPlan, size: SampleSize, seed: Option<u64>) -> Result<LogicalPlan> {
    let chance = match seed {
        None => random(),
        Some(seed) => {
            let arguments = std::iter::once(lit(seed)).chain(all_columns(&plan)).collect();
            row_chance().call(arguments)
        }
    };
    let builder = LogicalPlanBuilder::from(plan);
    let sampled = match size {
        SampleSize::Fraction(share) if (0.0..=1.0).contains(&share) => {
            builder.filter(chance.lt(lit(share)))?
        }
        SampleSize::Fraction(share) => {
            return Err(FrameError::invalid(format!(
                "a sample takes a share between 0 and 1 (or 0 and 100 percent), not {share}"
            ))
            .into());
        }
        SampleSize::Rows(rows) => {
            // The chance is a column, so that a volatile one is drawn once for each row.
            let columns = all_columns(builder.plan());
            let drawn = columns.iter().cloned().chain([chance.alias("__chance")]);
            builder
                .project(drawn)?
                .sort([Expr::from(Column::new_unqualified("__chance")).sort(true, false)])?
                // A limit of its own: a sort beneath a subquery may be left out, with its limit.
                .limit(0, Some(rows))?
                .project(columns)?
        }
    };
    Ok(sampled.build()?)
}

/// A number in [0, 1) that depends on the seed and the row's values and on nothing else.
/// The function that verbs use and nobody calls by its name.
pub(crate) fn row_chance() -> ScalarUDF {
    ScalarUDF::from(RowChance { signature: Signature::variadic_any(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RowChance {
    signature: Signature,
}

impl ScalarUDFImpl for RowChance {
    fn name(&self) -> &str {
        "row_chance"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let Some((ColumnarValue::Scalar(ScalarValue::UInt64(Some(seed))), values)) =
            args.args.split_first()
        else {
            return exec_err!("row_chance takes a seed, then the row's values");
        };
        let rows = args.number_rows;
        let arrays: Vec<ArrayRef> =
            values.iter().map(|value| value.to_array(rows)).collect::<DataFusionResult<_>>()?;
        let mut hashes = vec![0u64; rows];
        create_hashes(&arrays, &RandomState::with_seed(*seed), &mut hashes)?;
        // The upper 53 bits fill a float's mantissa evenly.
        let chances = hashes.into_iter().map(|hash| (hash >> 11) as f64 / (1u64 << 53) as f64);
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from_iter_values(chances))))
    }
}
