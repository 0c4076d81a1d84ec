//! Verbs that give arrays more places, or more dimensions.

use strata_engine::{Array, ArrayError, Index, Labelled};

use super::arguments::{Bound, axis, whole};
use super::{Value, asked, misused};
use crate::error::{Error, Result};

/// The verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("expand_dims", "expand_dims('band')"),
    ("repeat", "repeat(3, lat)"),
    ("tile", "tile(2, lat)"),
];

/// What a verb makes of an array, if it is one of these.
pub(super) fn call(on: &Labelled, verb: &str, with: &mut Bound) -> Result<Option<Labelled>> {
    Ok(Some(match verb {
        "expand_dims" => {
            let at = with.take("axis");
            with.done(&["axis"])?;
            let (name, at) = match (&with.plain[..], at) {
                ([Value::Text(name)], None) => (Some(name), 0),
                ([Value::Text(name)], Some(at)) => (Some(name), whole(&at)?),
                ([at @ Value::Number(_)], None) => (None, whole(at)?),
                _ => return Err(misused(VERBS, verb)),
            };
            expanded(on, name, at)?
        }
        "repeat" => several(on, verb, with, Array::repeat)?,
        "tile" => several(on, verb, with, Array::tile)?,
        _ => return Ok(None),
    }))
}

/// With a new dimension of length 1 before this place.
fn expanded(on: &Labelled, name: Option<&String>, at: i64) -> Result<Labelled> {
    let places = on.array.ndim() as i64 + 1;
    let from_start = if at < 0 { at + places } else { at };
    let axis = usize::try_from(from_start).ok().filter(|axis| *axis <= on.array.ndim());
    let axis = axis
        .ok_or_else(|| Error::text(format!("axis {at} is out of range for {places} dimensions")))?;
    let mut subscripts = vec![Index::ALL; axis];
    subscripts.push(Index::New);
    let mut made = on.index(&subscripts).map_err(asked)?;
    if let Some(name) = name {
        let mut dims = made.array.dims().to_vec();
        if let Some(dim) = dims.get_mut(axis) {
            *dim = Some(name.clone());
        }
        made.array = made.array.named(dims).map_err(asked)?;
    }
    Ok(made)
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
