//! `rolling(time => 30)`: windows that move along a dimension.

use strata_engine::{Labelled, Moving};

use crate::arrays::arguments::{Bound, axis, whole};
use crate::arrays::{Value, asked, misused};
use crate::error::{Error, Result};

use super::VERBS;

/// Values that are looked at through a window.
#[derive(Debug, Clone)]
pub(crate) struct Rolling {
    on: Labelled,
    axis: usize,
    window: u64,
    /// How many values of a window are to be numbers: all, if nothing is said.
    least: Option<u64>,
    centred: bool,
}

/// A window of so many places along a dimension.
pub(super) fn rolling(on: Labelled, mut with: Bound) -> Result<Rolling> {
    let centred = with.flag("center")?;
    let places = |value: &Value| {
        let places = whole(value)?;
        let found = u64::try_from(places).ok().filter(|places| *places > 0);
        found.ok_or_else(|| Error::text(format!("{places} places are no window: give 1 or more")))
    };
    let least = match with.take("min_periods") {
        Some(least) => Some(places(&least).map_err(|error| error.about("min_periods"))?),
        None => None,
    };
    let Some((dim, window, at)) = with.named.pop() else { return Err(misused(VERBS, "rolling")) };
    with.done(&["min_periods", "center"])?;
    if !with.plain.is_empty() {
        return Err(misused(VERBS, "rolling"));
    }
    let axis = axis(&on, &Value::Text(dim)).map_err(|error| error.at(at))?;
    let window = places(&window).map_err(|error| error.at(at))?;
    if least.is_some_and(|least| least > window) {
        return Err(Error::text(format!("min_periods => is more than a window of {window} has")));
    }
    Ok(Rolling { on, axis, window, least, centred })
}

impl Rolling {
    /// What each window comes to.
    pub(in crate::arrays) fn reduce(&self, verb: &str, mut with: Bound) -> Result<Value> {
        let ddof = u32::try_from(with.whole("ddof", 0)?)
            .map_err(|_| Error::text("ddof => is 0 or more"))?;
        with.done(&["ddof"])?;
        let of = match verb.to_ascii_lowercase().as_str() {
            "sum" => Moving::Sum,
            "mean" => Moving::Mean,
            "min" => Moving::Min,
            "max" => Moving::Max,
            "var" => Moving::Var { ddof },
            "std" => Moving::Std { ddof },
            "count" => Moving::Count,
            "median" => Moving::Median,
            other => {
                return Err(Error::text(format!("windows have no verb '{other}'"))
                    .hint("there are sum, mean, min, max, var, std, count and median"));
            }
        };
        if !with.plain.is_empty() {
            return Err(Error::text("a window moves along one dimension, and takes no other"));
        }
        let Self { on, axis, window, least, centred } = self;
        let made = on.array.moving(of, *axis, *window, *least, *centred).map_err(asked)?;
        Ok(Value::Array(on.made(made, None)))
    }
}
