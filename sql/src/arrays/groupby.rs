//! Labelled work: values of the same label brought to one. `groupby` takes labels from what is computed of the
//! coordinates, `resample` from periods of time, `coarsen` from places; whatever reduces goes on from there.

use std::collections::BTreeMap;

use datafusion::execution::context::SessionContext;
use strata_engine::{
    Array, Binary, Block, DType, DatePart, Kind, Labelled, Period, Reduce, Scalar, Slice, Tensor,
};

use super::arguments::{Bound, axes, axis, whole};
use super::bind::{bind, bind_arguments};
use super::verbs::reduce_of;
use super::{HeldArrays, Value, asked};
use crate::error::{Error, Result};
use crate::parse::{TermArgument, TermValue, What};

/// These verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[
    ("coarsen", "coarsen(lat => 5).mean()"),
    ("groupby", "groupby(time.month).mean(), or any array along one dimension"),
    ("resample", "resample(time => '1MS').mean()"),
    ("weighted", "weighted(cos(lat * 0.01745329252)).mean(lat, lon)"),
];

/// Values whose places along a dimension have labels.
#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    on: Labelled,
    axis: usize,
    /// What the dimension of groups is called.
    name: String,
    /// The group of each place, by its number.
    labels: Vec<Option<u32>>,
    /// What each group is.
    keys: Tensor,
}

/// Values, and what each counts.
#[derive(Debug, Clone)]
pub(crate) struct Weighted {
    on: Labelled,
    weights: Labelled,
}

/// Whether this is one of these verbs.
pub(super) fn is_verb(verb: &str) -> bool {
    VERBS.iter().any(|(own, _)| own.eq_ignore_ascii_case(verb))
}

/// What such a verb makes of an array.
pub(super) async fn call(
    session: &SessionContext,
    on: Labelled,
    verb: &str,
    arguments: &[TermArgument],
) -> Result<Value> {
    let verb = verb.to_ascii_lowercase();
    match verb.as_str() {
        "groupby" => groupby(session, on, arguments).await,
        "weighted" => {
            let [TermArgument { name: None, value: TermValue::Term(term), .. }] = arguments else {
                return Err(misused(&verb));
            };
            let weights = bind(&beside(session, &on)?, term).await?.array()?;
            Ok(Value::Weighted(Box::new(Weighted { on, weights })))
        }
        _ => {
            let mut with = bind_arguments(session, arguments, true).await?;
            let Some((dim, value, at)) = with.named.pop() else { return Err(misused(&verb)) };
            with.done(&[])?;
            let along = axis(&on, &Value::Text(dim.clone())).map_err(|error| error.at(at))?;
            match (verb.as_str(), value) {
                ("resample", Value::Text(text)) => {
                    let times = on.coords.get(&dim).ok_or_else(|| {
                        Error::text(format!("'{dim}' has no coordinate of times")).at(at)
                    })?;
                    let begins = times.cut_off(period(&text)?).map_err(asked)?;
                    let (labels, keys) = numbered(begins.compute(session).await?)?;
                    Ok(grouped(on, along, dim, labels, keys))
                }
                ("coarsen", many) => coarsen(session, on, along, dim, whole(&many)?).await,
                _ => Err(misused(&verb)),
            }
        }
    }
}

/// A session in which the names of an array's dimensions are its coordinates, or places where it has none.
fn beside(session: &SessionContext, on: &Labelled) -> Result<SessionContext> {
    let mut known = Vec::new();
    for (at, dim) in on.array.dims().iter().enumerate() {
        let (Some(dim), Some(length)) = (dim, on.array.shape().get(at).copied()) else { continue };
        let array = match on.coords.get(dim) {
            Some(coord) => coord.clone(),
            None => {
                let zero = Scalar::Signed(0);
                Array::arange(zero, Scalar::Unsigned(length), Scalar::Signed(1)).map_err(asked)?
            }
        };
        let array = array.named(vec![Some(dim.clone())]).map_err(asked)?;
        known.push((dim.clone(), Value::Array(Labelled::from(array))));
    }
    Ok(HeldArrays::beside(session, known.into_iter()))
}

async fn groupby(
    session: &SessionContext,
    on: Labelled,
    arguments: &[TermArgument],
) -> Result<Value> {
    let [TermArgument { name: None, value: TermValue::Term(term), .. }] = arguments else {
        return Err(misused("groupby"));
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
    Ok(grouped(on, along, name, labels, keys))
}

fn grouped(
    on: Labelled,
    axis: usize,
    name: String,
    labels: Vec<Option<u32>>,
    keys: Tensor,
) -> Value {
    Value::Grouped(Box::new(Grouping { on, axis, name, labels, keys }))
}

/// Numbers whose order is that of the values; none of what is no number or no time.
fn keys_of(values: &Tensor) -> Vec<Option<i128>> {
    macro_rules! whole {
        ($values:expr) => {
            $values.iter().map(|value| Some(i128::from(*value))).collect()
        };
    }
    let of_time = !matches!(values.dtype(), DType::Plain(_));
    match values.values() {
        Slice::F64(values) => values.iter().map(|value| of_float(*value)).collect(),
        Slice::F32(values) => values.iter().map(|value| of_float(f64::from(*value))).collect(),
        Slice::I64(values) => {
            let known =
                |value: &i64| (!of_time || *value != i64::MIN).then_some(i128::from(*value));
            values.iter().map(known).collect()
        }
        Slice::Bool(values) | Slice::U8(values) => whole!(values),
        Slice::I8(values) => whole!(values),
        Slice::I16(values) => whole!(values),
        Slice::I32(values) => whole!(values),
        Slice::U16(values) => whole!(values),
        Slice::U32(values) => whole!(values),
        Slice::U64(values) => whole!(values),
    }
}

/// Labels as numbers in their order, and what they are. What is no number or no time has none.
fn numbered(labels: Tensor) -> Result<(Vec<Option<u32>>, Tensor)> {
    let keys = keys_of(&labels);
    let mut first: BTreeMap<i128, usize> = BTreeMap::new();
    for (at, key) in keys.iter().enumerate() {
        if let Some(key) = key {
            first.entry(*key).or_insert(at);
        }
    }
    let numbers: BTreeMap<i128, u32> = first.keys().copied().zip(0..).collect();
    let numbered = keys.iter().map(|key| key.and_then(|key| numbers.get(&key).copied()));
    let places: Vec<i64> = first.values().map(|at| *at as i64).collect();
    Ok((numbered.collect(), chosen(&labels, &places)?))
}

/// A float as a number in the same order.
fn of_float(value: f64) -> Option<i128> {
    let value = if value == 0.0 { 0.0 } else { value };
    let bits = value.to_bits() as i64;
    let ordered = if bits < 0 { !bits ^ i64::MIN } else { bits };
    (!value.is_nan()).then_some(i128::from(ordered))
}

/// The values at some places.
fn chosen(of: &Tensor, places: &[i64]) -> Result<Tensor> {
    macro_rules! pick {
        ($($kind:ident),*) => {
            match of.values() {
                $(Slice::$kind(values) => {
                    let picked = places.iter().filter_map(|at| values.get(*at as usize).copied());
                    Block::$kind(picked.collect())
                })*
            }
        };
    }
    let block = pick!(Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64);
    Tensor::from_block(of.dtype(), vec![places.len() as u64], block).map_err(asked)
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

/// So many places as one; those that are left at the end are left out. A coordinate becomes its mean.
async fn coarsen(
    session: &SessionContext,
    on: Labelled,
    along: usize,
    dim: String,
    many: i64,
) -> Result<Value> {
    let length = on.array.shape().get(along).copied().unwrap_or(0);
    let many = match u64::try_from(many) {
        Ok(many @ 1..) => many,
        _ => return Err(Error::text(format!("{many} places are not taken as one"))),
    };
    let groups = u32::try_from(length / many)
        .map_err(|_| Error::text(format!("{} groups are too many", length / many)))?;
    let label = |at: u64| u32::try_from(at / many).ok().filter(|label| *label < groups);
    let labels: Vec<Option<u32>> = (0..length).map(label).collect();
    let coord = match on.coords.get(&dim) {
        Some(coord) => coord.clone(),
        None => {
            let zero = Scalar::Signed(0);
            Array::arange(zero, Scalar::Unsigned(length), Scalar::Signed(1)).map_err(asked)?
        }
    };
    let dtype = coord.dtype();
    let counts = match dtype {
        DType::Plain(_) => coord,
        _ => coord.cast(Kind::I64.into()).map_err(asked)?,
    };
    let means = counts.group(Reduce::Mean, false, 0, (&labels, groups), &[]).map_err(asked)?;
    let means = match dtype {
        DType::Plain(_) => means,
        _ => {
            // Of a time that is none comes none.
            let none = counts.binary_with(Binary::Eq, Scalar::Signed(i64::MIN), false);
            let none =
                none.and_then(|none| none.group(Reduce::Any, false, 0, (&labels, groups), &[]));
            let counts = means.cast(Kind::I64.into()).map_err(asked)?;
            let counts = none.and_then(|none| counts.with_no_time_where(&none)).map_err(asked)?;
            counts.cast(dtype).map_err(asked)?
        }
    };
    let keys = means.compute(session).await?;
    Ok(grouped(on, along, dim, labels, keys))
}

impl Grouping {
    /// One value of each group, and of all along some other dimensions.
    pub(super) fn reduce(&self, verb: &str, mut with: Bound) -> Result<Value> {
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
        let keys = Array::of(self.keys.clone()).map_err(asked)?;
        let keys = keys.named(vec![Some(self.name.clone())]).map_err(asked)?;
        labelled.coords.insert(self.name.clone(), keys);
        Ok(Value::Array(labelled))
    }

    /// A function of each value and what its group has.
    pub(super) async fn binary(
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

impl Weighted {
    /// The sum or mean of what there is, by what it counts.
    pub(super) fn reduce(&self, verb: &str, mut with: Bound) -> Result<Value> {
        let skip = with.flag("skip_nan")?;
        with.done(&["skip_nan"])?;
        let axes = axes(&self.on, &with.plain)?;
        let sum = |of: &Labelled| of.reduce(Reduce::Sum, skip, &axes, false).map_err(asked);
        let of = self.on.binary(Binary::Mul, &self.weights).map_err(asked)?;
        if of.array.shape() != self.on.array.shape() {
            return Err(Error::text("weights are along dimensions that the values have"));
        }
        let made = match verb.to_ascii_lowercase().as_str() {
            "sum" => sum(&of)?,
            "mean" => {
                // What is left out counts nothing.
                let missing = Value::Array(of.clone()).array()?.unary(strata_engine::Unary::IsNan);
                let missing = missing.map_err(asked)?;
                let one = Labelled::from(
                    Array::filled_with(
                        Scalar::Float(1.0),
                        Kind::F64.into(),
                        self.on.array.grid().clone(),
                    )
                    .and_then(|ones| ones.named(self.on.array.dims().to_vec()))
                    .map_err(asked)?,
                );
                let mut counts = one.binary(Binary::Mul, &self.weights).map_err(asked)?;
                if skip {
                    let nothing = Labelled::from(
                        Array::filled_with(
                            Scalar::Float(0.0),
                            Kind::F64.into(),
                            strata_engine::Grid::whole(&[]),
                        )
                        .map_err(asked)?,
                    );
                    counts = missing.select(&nothing, &counts).map_err(asked)?;
                }
                sum(&of)?.binary(Binary::Div, &sum(&counts)?).map_err(asked)?
            }
            other => {
                return Err(Error::text(format!("weighted values have no verb '{other}'"))
                    .hint("there are sum and mean"));
            }
        };
        Ok(Value::Array(Labelled { name: self.on.name.clone(), ..made }))
    }
}

/// A part of each time, if that is what a field of an array is.
pub(super) fn date_part(of: &Labelled, name: &str) -> Option<Result<Labelled>> {
    let part = DatePart::from_name(name)?;
    matches!(of.array.dtype(), DType::Time(_)).then(|| {
        let made = of.array.date_part(part).map_err(asked)?;
        Ok(Labelled { name: Some(name.to_string()), ..of.made(made, None) })
    })
}

fn misused(verb: &str) -> Error {
    let written = VERBS.iter().find(|(own, _)| *own == verb);
    Error::text("it is called otherwise")
        .hint(format!("write {}", written.map_or(verb, |(_, written)| written)))
}
