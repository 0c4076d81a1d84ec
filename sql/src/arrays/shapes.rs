//! Verbs that give arrays more places, or more dimensions.

use datafusion::execution::context::SessionContext;
use strata_engine::{Array, ArrayError, Labelled, Scalar};

use super::arguments::{Bound, axis, new_axis, whole};
use super::{Value, asked, misused};
use crate::error::{Error, Result};

/// The verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("expand_dims", "expand_dims('band')"),
    ("repeat", "repeat(3, lat)"),
    ("tile", "tile(2, lat)"),
];

/// What such a verb makes of an array.
pub(super) async fn call(
    _: &SessionContext,
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
) -> Result<Value> {
    let made = match verb {
        "expand_dims" => {
            let at = with.take("axis");
            with.done(&["axis"])?;
            let first = Value::Number(Scalar::Signed(0));
            let (name, at) = match (&with.plain[..], at) {
                ([Value::Text(name)], at) => (Some(name.clone()), at.unwrap_or(first)),
                ([at @ Value::Number(_)], None) => (None, at.clone()),
                _ => return Err(misused(VERBS, verb)),
            };
            let made = on.array.expand(new_axis(on, &at)?, name).map_err(asked)?;
            on.made(made, None)
        }
        "repeat" => several(on, verb, with, Array::repeat)?,
        "tile" => several(on, verb, with, Array::tile)?,
        _ => return Err(misused(VERBS, verb)),
    };
    Ok(Value::Array(made))
}

/// What a function makes of the values, so many times along a dimension, it makes of the labels, too.
fn several(
    on: &Labelled,
    verb: &str,
    with: &mut Bound,
    of: fn(&Array, u64, usize) -> std::result::Result<Array, ArrayError>,
) -> Result<Labelled> {
    with.done(&[])?;
    let (times, along) = match &with.plain[..] {
        [times] => (whole(times)?, on.array.axis(-1).map_err(asked)?),
        [times, along] => (whole(times)?, axis(on, along)?),
        _ => return Err(misused(VERBS, verb)),
    };
    let times =
        u64::try_from(times).map_err(|_| Error::text(format!("{times} times: give 0 or more")))?;
    let mut made = on.made(of(&on.array, times, along).map_err(asked)?, Some(along));
    let dim = on.array.dims().get(along).cloned().flatten();
    if let Some((dim, coord)) = dim.and_then(|dim| Some((dim.clone(), on.coords.get(&dim)?))) {
        made.coords.insert(dim, of(coord, times, 0).map_err(asked)?);
    }
    Ok(made)
}
