//! The verbs of the dataframe language, over DataFusion's own [`DataFrame`]. What DataFusion has
//! already (`select`, `filter`, `sort`, `limit`, `join`, `union` …) is used as it is; [`Frame`]
//! adds the rest, so that Rust, the method-chain language and SQL's `PIVOT`, `SAMPLE` and
//! `ASOF JOIN` all build the same plans. One verb, or one family of verbs, a file.

mod asof;
mod columns;
mod error;
mod from_rows;
mod group;
mod join;
mod nulls;
mod order;
mod pivot;
mod sample;
mod summarize;
mod time;
mod unpivot;

use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr};
use datafusion::scalar::ScalarValue;

pub(crate) use asof::carry_forward;
pub use asof::{AsofJoin, asof_join};
pub use error::FrameError;
pub use from_rows::{Placed, from_rows};
pub use group::Grouped;
pub use join::join_using;
pub use order::is_sorted;
pub use pivot::{PivotColumn, pivot};
pub(crate) use sample::row_chance;
pub use sample::{SampleSize, sample};
pub use summarize::summarize;
pub use time::{Reach, Rolling};
pub use unpivot::{Unpivot, unpivot};

use crate::error::Result;

/// The verbs that DataFusion's [`DataFrame`] does not have.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use datafusion::prelude::*;
/// use datafusion::functions_aggregate::expr_fn::sum;
/// use strata_engine::{Frame, SessionBuilder, Settings};
///
/// let session = SessionBuilder::new(Settings::default()).build()?;
/// let sales = dataframe!("region" => ["north", "south", "north"], "amount" => [1, 2, 3])?;
/// let totals = sales
///     .group_by(vec![col("region")])
///     .agg(vec![sum(col("amount")).alias("total")])?
///     .sort(vec![col("total").sort(false, true)])?;
/// assert_eq!(totals.count().await?, 2);
/// # Ok(()) }
/// ```
pub trait Frame: Sized {
    /// Adds columns, or replaces those of the same name where they stand.
    fn with(self, columns: Vec<Expr>) -> Result<DataFrame>;

    /// Gives columns new names: pairs of old and new.
    fn rename(self, names: &[(String, String)]) -> Result<DataFrame>;

    /// Leaves columns out.
    fn without(self, names: &[String]) -> Result<DataFrame>;

    /// The last rows of a sorted frame, in its order.
    fn tail(self, rows: usize) -> Result<DataFrame>;

    /// Some of the rows, by chance; the same ones for the same seed.
    fn sample(self, size: SampleSize, seed: Option<u64>) -> Result<DataFrame>;

    /// Starts a group-by; [`Grouped::agg`] or [`Grouped::pivot`] ends it.
    fn group_by(self, keys: Vec<Expr>) -> Grouped;

    /// Turns columns into rows.
    fn unpivot(self, spec: Unpivot) -> Result<DataFrame>;

    /// Joins each row with the latest (or earliest) row of `right` that matches.
    fn asof_join(self, right: DataFrame, spec: AsofJoin) -> Result<DataFrame>;

    /// Adds aggregates over a window that moves along an order.
    fn rolling(self, spec: Rolling) -> Result<DataFrame>;

    /// Groups by a time column cut into steps; [`Grouped::agg`] ends it.
    fn resample(self, time: Expr, step: Expr, keys: Vec<Expr>) -> Result<Grouped>;

    /// Replaces NULLs: in the named columns, or in every column that can hold the value.
    fn fill_nulls(self, value: ScalarValue, columns: &[String]) -> Result<DataFrame>;

    /// Leaves out rows with a NULL in one of the columns, or in any where none is named.
    fn drop_nulls(self, columns: &[String]) -> Result<DataFrame>;

    /// How often each combination of values occurs, the most frequent first.
    fn value_counts(self, keys: Vec<Expr>) -> Result<DataFrame>;

    /// The number of distinct values in each column.
    fn nunique(self, columns: Vec<Expr>) -> Result<DataFrame>;

    /// One row for each column: its type, range, distinct values, quartiles and NULLs.
    fn summarize(self) -> Result<DataFrame>;
}

/// Applies a function on plans to a frame.
fn on_plan(
    frame: DataFrame,
    apply: impl FnOnce(LogicalPlan) -> Result<LogicalPlan>,
) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    Ok(DataFrame::new(state, apply(plan)?))
}

impl Frame for DataFrame {
    fn with(self, columns: Vec<Expr>) -> Result<DataFrame> {
        on_plan(self, |plan| columns::with(plan, columns))
    }

    fn rename(self, names: &[(String, String)]) -> Result<DataFrame> {
        on_plan(self, |plan| columns::rename(plan, names))
    }

    fn without(self, names: &[String]) -> Result<DataFrame> {
        on_plan(self, |plan| columns::without(plan, names))
    }

    fn tail(self, rows: usize) -> Result<DataFrame> {
        on_plan(self, |plan| order::tail(plan, rows))
    }

    fn sample(self, size: SampleSize, seed: Option<u64>) -> Result<DataFrame> {
        on_plan(self, |plan| sample(plan, size, seed))
    }

    fn group_by(self, keys: Vec<Expr>) -> Grouped {
        Grouped::new(self, keys)
    }

    fn unpivot(self, spec: Unpivot) -> Result<DataFrame> {
        on_plan(self, |plan| unpivot(plan, &spec))
    }

    fn asof_join(self, right: DataFrame, spec: AsofJoin) -> Result<DataFrame> {
        on_plan(self, |plan| asof_join(plan, right.into_unoptimized_plan(), spec))
    }

    fn rolling(self, spec: Rolling) -> Result<DataFrame> {
        on_plan(self, |plan| time::rolling(plan, spec))
    }

    fn resample(self, time: Expr, step: Expr, keys: Vec<Expr>) -> Result<Grouped> {
        let bucket = time::bucket(self.schema(), time, step)?;
        Ok(Grouped::new(self, std::iter::once(bucket).chain(keys).collect()))
    }

    fn fill_nulls(self, value: ScalarValue, columns: &[String]) -> Result<DataFrame> {
        on_plan(self, |plan| nulls::fill(plan, &value, columns))
    }

    fn drop_nulls(self, columns: &[String]) -> Result<DataFrame> {
        on_plan(self, |plan| nulls::drop_rows(plan, columns))
    }

    fn value_counts(self, keys: Vec<Expr>) -> Result<DataFrame> {
        group::value_counts(self, keys)
    }

    fn nunique(self, columns: Vec<Expr>) -> Result<DataFrame> {
        group::nunique(self, columns)
    }

    fn summarize(self) -> Result<DataFrame> {
        on_plan(self, summarize)
    }
}

/// Every column of a plan, as it stands.
fn all_columns(plan: &LogicalPlan) -> Vec<Expr> {
    plan.schema().columns().into_iter().map(Expr::Column).collect()
}

/// The column of this name: exactly, or in one way only when case is ignored.
fn find_column(plan: &LogicalPlan, name: &str) -> Result<Column> {
    let columns = plan.schema().columns();
    let exact: Vec<&Column> =
        columns.iter().filter(|c| c.name == name || c.flat_name() == name).collect();
    match exact.as_slice() {
        [column] => Ok((*column).clone()),
        [] => Err(FrameError::unknown_column(name, &columns).into()),
        several => Err(FrameError::ambiguous(name, several).into()),
    }
}

/// Ascending, NULLs last: how keys are ordered where nobody says otherwise.
fn ascending(expr: Expr) -> SortExpr {
    expr.sort(true, false)
}
