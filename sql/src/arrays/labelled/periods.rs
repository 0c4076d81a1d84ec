//! `resample(time => '1MS')`: groups of times that lie in the same period.

use datafusion::execution::context::SessionContext;
use strata_engine::{Labelled, Period};

use super::grouping::Grouping;
use super::keys::numbered;
use crate::arrays::asked;
use crate::error::{Error, Result};

/// The places along a dimension whose times lie in the same period, by the first instant of that.
pub(super) async fn resample(
    session: &SessionContext,
    on: Labelled,
    axis: usize,
    dim: String,
    text: &str,
) -> Result<Grouping> {
    let times = on
        .coords
        .get(&dim)
        .ok_or_else(|| Error::text(format!("'{dim}' has no coordinate of times")))?;
    let begins = times.cut_off(period(text)?).map_err(asked)?;
    let (labels, keys) = numbered(begins.compute(session).await?)?;
    Ok(Grouping { on, axis, name: dim, labels, keys })
}

/// A period of time: a number, and a unit as pandas calls it.
fn period(text: &str) -> Result<Period> {
    let text = text.trim();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let unknown = || {
        Error::text(format!("'{text}' is no period"))
            .hint("write a number and s, min, h, D, MS (months), QS (quarters) or YS (years), as in '1MS'")
    };
    let count: i64 = if count.is_empty() { 1 } else { count.parse().map_err(|_| unknown())? };
    if !(1..=1_000_000).contains(&count) {
        return Err(unknown());
    }
    Ok(match unit.trim() {
        "s" | "S" | "second" => Period::Seconds(count),
        "min" | "minute" => Period::Seconds(60 * count),
        "h" | "H" | "hour" => Period::Seconds(3_600 * count),
        "D" | "day" => Period::Seconds(86_400 * count),
        "MS" | "month" => Period::Months(count),
        "QS" | "quarter" => Period::Months(3 * count),
        "YS" | "year" => Period::Months(12 * count),
        _ => return Err(unknown()),
    })
}
