//! The arguments of functions and verbs, looked at as what is asked for.

use strata_engine::{Cuts, DType, Grid, Kind, Labelled, Scalar, nearest};

use super::{Value, asked};
use crate::error::{Error, Location, Result};

/// Arguments, bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bound {
    /// Those without a name. A plain name is a text.
    pub(crate) plain: Vec<Value>,
    /// Those with one.
    pub(crate) named: Vec<(String, Value, Location)>,
}

impl Bound {
    /// The value of a name, which is taken out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(own, ..)| own.eq_ignore_ascii_case(name))?;
        Some(self.named.swap_remove(at).1)
    }

    /// Whether there is a value of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.named.iter().any(|(own, ..)| own.eq_ignore_ascii_case(name))
    }

    /// Fails if there are names that nobody has asked for.
    pub(crate) fn done(&self, known: &[&str]) -> Result<()> {
        let Some((name, _, at)) = self.named.first() else { return Ok(()) };
        let error = Error::text(format!("there is no argument '{name}'")).at(*at);
        Err(match nearest(name, known.iter().copied()) {
            Some(close) => error.hint(format!("did you mean '{close}'?")),
            None if known.is_empty() => error.hint("it takes no named arguments"),
            None => error.hint(format!("it takes {}", known.join(", "))),
        })
    }

    /// A truth value by its name.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Number(Scalar::Bool(value))) => Ok(value),
            Some(_) => Err(Error::text(format!("{name} => is true or false"))),
        }
    }

    /// A number by its name.
    pub(crate) fn number(&mut self, name: &str, default: Scalar) -> Result<Scalar> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Number(number)) => Ok(number),
            Some(_) => Err(Error::text(format!("{name} => is a number"))),
        }
    }

    /// A whole number by its name.
    pub(crate) fn whole(&mut self, name: &str, default: i64) -> Result<i64> {
        whole(&Value::Number(self.number(name, Scalar::Signed(default))?))
    }

    /// A type by its name.
    pub(crate) fn dtype(&mut self, name: &str, default: Kind) -> Result<DType> {
        match self.take(name) {
            None => Ok(default.into()),
            Some(value) => dtype(&value),
        }
    }

    /// How an array of this shape is to be cut: as `chunks =>` says, or as fits.
    pub(crate) fn grid(&mut self, shape: &[u64], dtype: DType) -> Result<Grid> {
        let Some(chunks) = self.take("chunks") else {
            return Ok(strata_engine::cut_evenly(shape, dtype));
        };
        let lengths = match chunks {
            // Along an only dimension, one after the other.
            Value::List(all) if shape.len() == 1 && all.len() > 1 => vec![Value::List(all)],
            Value::List(all) => all,
            one => vec![one; shape.len()],
        };
        if lengths.len() != shape.len() {
            return Err(Error::text(format!(
                "chunks => has {} lengths for {} dimensions",
                lengths.len(),
                shape.len()
            )));
        }
        let cuts = shape.iter().zip(&lengths).map(|(length, piece)| cuts(*length, piece));
        Ok(Grid(cuts.collect::<Result<_>>()?))
    }
}

/// A dimension cut into pieces of a length, or of several, one after the other; -1 is all of it.
pub(crate) fn cuts(length: u64, piece: &Value) -> Result<Cuts> {
    if let Value::List(pieces) = piece {
        let lengths = shape(pieces)?;
        let all = lengths.iter().fold(0_u64, |all, piece| all.saturating_add(*piece));
        if all != length || lengths.contains(&0) {
            return Err(Error::text(format!(
                "chunks of {lengths:?} places, which are {all}, do not make up a dimension of {length}"
            )));
        }
        return Cuts::of_lengths(&lengths).map_err(asked);
    }
    match whole(piece)? {
        -1 => Ok(Cuts::even(length, length)),
        piece if piece > 0 => Ok(Cuts::even(length, piece.unsigned_abs())),
        other => Err(Error::text(format!(
            "{other} is no length of a chunk: give a number above 0, or -1 for the whole dimension"
        ))),
    }
}

/// A whole number.
pub(crate) fn whole(value: &Value) -> Result<i64> {
    match value {
        Value::Number(Scalar::Signed(value)) => Ok(*value),
        Value::Number(Scalar::Unsigned(value)) => {
            i64::try_from(*value).map_err(|_| Error::text(format!("{value} is too large")))
        }
        _ => Err(Error::text("a whole number is wanted here")),
    }
}

/// A type, by its name.
pub(crate) fn dtype(value: &Value) -> Result<DType> {
    match value {
        Value::Text(text) => text.parse().map_err(Error::text),
        _ => Err(Error::text("a type is wanted here, as in 'f32'")),
    }
}

/// A shape: numbers, or a list of them.
pub(crate) fn shape(values: &[Value]) -> Result<Vec<u64>> {
    let lengths: Vec<Value> = match values {
        [Value::List(all)] => all.clone(),
        all => all.to_vec(),
    };
    let length = |value: &Value| {
        let length = whole(value)?;
        u64::try_from(length)
            .map_err(|_| Error::text(format!("{length} is no length of a dimension")))
    };
    lengths.iter().map(length).collect()
}

/// A dimension without a name, as it is shown: `dim_0`.
fn numbered(of: &Labelled, name: &str) -> Option<usize> {
    let axis = name.strip_prefix("dim_")?.parse::<usize>().ok()?;
    of.array.dims().get(axis)?.is_none().then_some(axis)
}

/// A dimension of an array: by its name or its number.
pub(crate) fn axis(of: &Labelled, value: &Value) -> Result<usize> {
    match value {
        Value::Text(name) => match (of.array.axis_named(name), numbered(of, name)) {
            (Ok(axis), _) | (Err(_), Some(axis)) => Ok(axis),
            (Err(error), None) => Err(asked(error)),
        },
        number => of.array.axis(whole(number)?).map_err(asked),
    }
}

/// Where a new dimension of an array goes, counted from the end where negative: it may come after the last.
pub(crate) fn new_axis(of: &Labelled, value: &Value) -> Result<usize> {
    let (at, places) = (whole(value)?, of.array.ndim() as i64 + 1);
    let from_start = if at < 0 { at + places } else { at };
    usize::try_from(from_start)
        .ok()
        .filter(|axis| *axis <= of.array.ndim())
        .ok_or_else(|| Error::text(format!("axis {at} is out of range for {places} dimensions")))
}

/// Dimensions of an array: names, numbers, or a list of them.
pub(crate) fn axes(of: &Labelled, values: &[Value]) -> Result<Vec<usize>> {
    let mut all = Vec::new();
    for value in values {
        match value {
            Value::List(list) => all.extend(axes(of, list)?),
            one => all.push(axis(of, one)?),
        }
    }
    Ok(all)
}
