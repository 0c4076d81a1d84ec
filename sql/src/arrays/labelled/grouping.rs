//! `groupby(time.month)`: the groups of places that have the same label, and what becomes of them.

use datafusion::execution::context::SessionContext;
use strata_engine::{Binary, Labelled, Tensor};

use super::keys::{keys_of, numbered};
use super::{VERBS, beside};
use crate::arrays::arguments::{Bound, axes};
use crate::arrays::bind::bind;
use crate::arrays::verbs::reduce_of;
use crate::arrays::{Value, asked, labels, misused};
use crate::error::{Error, Result};
use crate::parse::{TermArgument, TermValue, What};

/// Values whose places along a dimension have labels.
#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    pub(super) on: Labelled,
    pub(super) axis: usize,
    /// What the dimension of groups is called.
    pub(super) name: String,
    /// The group of each place, by its number.
    pub(super) labels: Vec<Option<u32>>,
    /// What each group is.
    pub(super) keys: Tensor,
}

/// The places of an array by what is computed of its coordinates, or by an array of labels.
pub(super) async fn groupby(
    session: &SessionContext,
    on: Labelled,
    arguments: &[TermArgument],
) -> Result<Grouping> {
    let [TermArgument { name: None, value: TermValue::Term(term), .. }] = arguments else {
        return Err(misused(VERBS, "groupby"));
    };
    let by = bind(&beside(session, &on)?, term).await?.array()?;
    let (along, dim) = match (by.array.dims(), by.array.shape().as_slice()) {
        ([Some(dim)], _) if on.array.axis_named(dim).is_ok() => {
            (on.array.axis_named(dim).map_err(asked)?, Some(dim.clone()))
        }
        ([_], [length]) => {
            let shape = on.array.shape();
            let mut fits = (0..shape.len()).filter(|at| shape.get(*at) == Some(length));
            match (fits.next(), fits.next()) {
                (Some(one), None) => (one, None),
                _ => {
                    return Err(Error::text(format!(
                        "{length} labels belong to no dimension, or to several, of shape {shape:?}"
                    ))
                    .at(term.at)
                    .hint("name their dimension, as that of the array is named"));
                }
            }
        }
        _ => {
            return Err(Error::text(format!(
                "groups are told by labels along one dimension, and these have the shape {:?}",
                by.array.shape()
            ))
            .at(term.at));
        }
    };
    let name = match &term.what {
        What::Field(_, part) => part.clone(),
        _ => by.name.clone().or(dim).unwrap_or_else(|| "group".to_string()),
    };
    // The values have that name.
    let name = if on.name.as_ref() == Some(&name) { "group".to_string() } else { name };
    let (labels, keys) = numbered(by.array.compute(session).await?)?;
    if on.array.shape().get(along) != Some(&(labels.len() as u64)) {
        return Err(
            Error::text(format!("{} labels for dimension {along}", labels.len())).at(term.at)
        );
    }
    Ok(Grouping { on, axis: along, name, labels, keys })
}

impl Grouping {
    /// One value of each group, and of all along some other dimensions.
    pub(in crate::arrays) fn reduce(&self, verb: &str, mut with: Bound) -> Result<Value> {
        let ddof = u32::try_from(with.whole("ddof", 0)?)
            .map_err(|_| Error::text("ddof => is 0 or more"))?;
        let skip = with.flag("skip_nan")?;
        with.done(&["ddof", "skip_nan"])?;
        let Some(reduce) = reduce_of(&verb.to_ascii_lowercase(), ddof) else {
            return Err(Error::text(format!("groups have no verb '{verb}'"))
                .hint("there are sum, prod, mean, var, std, min, max, any, all and count"));
        };
        let groups = u32::try_from(self.keys.shape().first().copied().unwrap_or(0)).unwrap_or(0);
        let mut others = axes(&self.on, &with.plain)?;
        others.retain(|axis| *axis != self.axis);
        let made = self.on.array.group(reduce, skip, self.axis, (&self.labels, groups), &others);
        let made = made.map_err(asked)?;
        let before = (0..self.axis).filter(|axis| !others.contains(axis)).count();
        let mut dims = made.dims().to_vec();
        dims.iter_mut().filter(|dim| dim.as_ref() == Some(&self.name)).for_each(|dim| *dim = None);
        if let Some(dim) = dims.get_mut(before) {
            *dim = Some(self.name.clone());
        }
        let mut labelled = self.on.made(made.named(dims).map_err(asked)?, Some(self.axis));
        let before = self.on.coords.get(&self.name);
        let keys = labels::coordinate_of(&self.name, self.keys.clone(), before)?;
        labelled.coords.insert(self.name.clone(), keys);
        Ok(Value::Array(labelled))
    }

    /// A function of each value and what its group has.
    pub(in crate::arrays) async fn binary(
        &self,
        session: &SessionContext,
        binary: Binary,
        other: &Labelled,
        left: bool,
    ) -> Result<Value> {
        let labels =
            self.labels.iter().copied().collect::<Option<Vec<u32>>>().ok_or_else(|| {
                Error::text("some places have no group: leave them out first, with .sel(…)")
            })?;
        let of_groups = other.array.axis_named(&self.name).map_err(asked)?;
        // Groups are known by what they are, wherever they lie.
        let places: Vec<u32> = match other.coords.get(&self.name) {
            Some(keys) => {
                let there = keys_of(&keys.compute(session).await?);
                let place = |key: &Option<i128>| there.iter().position(|other| other == key);
                let places: Option<Vec<usize>> = keys_of(&self.keys).iter().map(place).collect();
                let places = places.ok_or_else(|| {
                    Error::text(format!("not all groups are there along '{}'", self.name))
                })?;
                labels
                    .iter()
                    .filter_map(|label| Some(*places.get(*label as usize)? as u32))
                    .collect()
            }
            None if other.array.shape().get(of_groups) == self.keys.shape().first() => labels,
            None => {
                return Err(Error::text(format!("there are other groups along '{}'", self.name)));
            }
        };
        let spread = other.array.ungroup(of_groups, &places).map_err(asked)?;
        let mut dims = spread.dims().to_vec();
        if let Some(dim) = dims.get_mut(of_groups) {
            *dim = self.on.array.dims().get(self.axis).cloned().flatten();
        }
        let spread = Labelled::from(spread.named(dims).map_err(asked)?);
        let made = match left {
            true => self.on.binary(binary, &spread),
            false => spread.binary(binary, &self.on),
        };
        made.map(Value::Array).map_err(asked)
    }
}
