//! Functions that arrays begin with, and functions of arrays.

use std::collections::BTreeMap;

use datafusion::execution::context::SessionContext;
use strata_connectors::numpy;
use strata_connectors::zarr::{self, Opened};
use strata_engine::{
    Array, ArrayError, Binary, Chosen, DType, Distribution, Kind, Labelled, Scalar, Unary, nearest,
};

use super::align::align;
use super::arguments::{Bound, axis, new_axis, shape};
use super::bind::{arrays, binary_of};
use super::{Value, asked, fourier, matrices};
use crate::error::{Error, Result};

/// The functions that make arrays, each with how it is written.
const MAKERS: &[(&str, &str)] = &[
    ("zarr", "zarr('file, folder or URL')"),
    ("npy", "npy('file or URL')"),
    ("npz", "npz('file or URL').name"),
    ("dataset", "dataset(temp => t, rain => r)"),
    ("zeros", "zeros(3, 4, dtype => 'f32', chunks => (1, 4))"),
    ("ones", "ones(3, 4)"),
    ("fftfreq", "fftfreq(365, d => 1)"),
    ("rfftfreq", "rfftfreq(365, d => 1)"),
    ("full", "full(7, 3, 4)"),
    ("arange", "arange(start, stop, step)"),
    ("linspace", "linspace(0, 1, 11)"),
    ("eye", "eye(3)"),
    ("from_function", "from_function(i * 10 + j, i => 3, j => 4)"),
    ("random_uniform", "random_uniform(1000, 1000, low => 0, high => 1, seed => 1)"),
    ("random_normal", "random_normal(1000, 1000, mean => 0, std => 1, seed => 1)"),
    ("random_integers", "random_integers(1000, low => 0, high => 10, seed => 1)"),
    ("where", "where(x > 0, x, 0)"),
    ("concatenate", "concatenate(a, b, axis => time)"),
    ("stack", "stack(a, b, axis => 0)"),
];

/// Whether a function makes arrays, whatever it is given.
pub(crate) fn is_maker(name: &str) -> bool {
    MAKERS.iter().any(|(maker, _)| maker.eq_ignore_ascii_case(name)) || matrices::is_function(name)
}

/// What a function makes of its arguments.
pub(super) async fn call(session: &SessionContext, name: &str, mut with: Bound) -> Result<Value> {
    let name = name.to_ascii_lowercase();
    let made = match name.as_str() {
        "zarr" | "npy" | "npz" => {
            let path = match &with.plain[..] {
                [Value::Text(path)] => path.clone(),
                _ => return Err(misused(&name)),
            };
            with.done(&[])?;
            return open(session, &name, &path).await.map_err(asked);
        }
        "dataset" => return dataset(with),
        "zeros" | "ones" => {
            let value = Scalar::Unsigned(u64::from(name == "ones"));
            filled(value, Kind::F64, &with.plain.clone(), &mut with)?
        }
        "full" => {
            let (value, lengths) = match with.plain.split_first() {
                Some((Value::Number(value), lengths)) => (*value, lengths.to_vec()),
                _ => return Err(misused(&name)),
            };
            let kind = match value {
                Scalar::Bool(_) => Kind::Bool,
                Scalar::Signed(_) => Kind::I64,
                Scalar::Unsigned(_) => Kind::U64,
                Scalar::Float(_) => Kind::F64,
            };
            filled(value, kind, &lengths, &mut with)?
        }
        "arange" => {
            let zero = Scalar::Signed(0);
            let one = Scalar::Signed(1);
            let (start, stop, step) = match &with.plain[..] {
                [Value::Number(stop)] => (zero, *stop, one),
                [Value::Number(start), Value::Number(stop)] => (*start, *stop, one),
                [Value::Number(start), Value::Number(stop), Value::Number(step)] => {
                    (*start, *stop, *step)
                }
                _ => return Err(misused(&name)),
            };
            Array::arange(start, stop, step).map_err(asked)?
        }
        "fftfreq" | "rfftfreq" => fourier::frequencies(&name, &mut with)?,
        "linspace" => match &with.plain[..] {
            [Value::Number(start), Value::Number(stop), count] => {
                let count = shape(std::slice::from_ref(count))?.first().copied().unwrap_or(0);
                Array::linspace(start.as_f64(), stop.as_f64(), count).map_err(asked)?
            }
            _ => return Err(misused(&name)),
        },
        "eye" => {
            let lengths = shape(&with.plain)?;
            let (rows, columns) = match lengths[..] {
                [rows] => (rows, rows),
                [rows, columns] => (rows, columns),
                _ => return Err(misused(&name)),
            };
            let diagonal = with.whole("diagonal", 0)?;
            let dtype = with.dtype("dtype", Kind::F64)?;
            Array::eye(rows, columns, diagonal, dtype).map_err(asked)?
        }
        "random_uniform" | "random_normal" | "random_integers" => random(&name, &mut with)?,
        "where" => {
            align(session, &mut with.plain).await?;
            let [condition, yes, no] = <[Value; 3]>::try_from(std::mem::take(&mut with.plain))
                .map_err(|_| misused(&name))?;
            let (yes, no) = (chosen(yes)?, chosen(no)?);
            let condition = condition.array()?;
            let made = condition.select_with(yes.as_chosen(), no.as_chosen());
            return made.map(Value::Array).map_err(asked);
        }
        "concatenate" | "stack" => {
            let along = with.take("axis").unwrap_or(Value::Number(Scalar::Signed(0)));
            let all = arrays(std::mem::take(&mut with.plain))?;
            with.done(&["axis"])?;
            let first = all.first().ok_or_else(|| misused(&name))?;
            let made = match (name.as_str(), &along) {
                ("stack", Value::Text(dim)) => Labelled::stack(&all, 0, Some(dim)),
                ("stack", number) => Labelled::stack(&all, new_axis(first, number)?, None),
                _ => Labelled::concatenate(&all, axis(first, &along)?),
            };
            return made.map(Value::Array).map_err(asked);
        }
        _ if matrices::is_function(&name) => return matrices::call(&name, with),
        _ => {
            if Binary::from_name(&name).is_some() {
                align(session, &mut with.plain).await?;
            }
            return function(&name, with);
        }
    };
    // Those that are not cut as they are made.
    let made = match with.has("chunks") {
        true => {
            let grid = with.grid(&made.shape(), made.dtype())?;
            made.rechunk(grid).map_err(asked)?
        }
        false => made,
    };
    let made = match with.has("dtype") {
        true => made.cast(with.dtype("dtype", made.kind())?).map_err(asked)?,
        false => made,
    };
    let made = named(made, &mut with)?;
    with.done(&["dtype", "chunks", "dims"])?;
    Ok(Value::Array(made.into()))
}

/// What `where` chooses from.
enum Choice {
    Array(Labelled),
    Number(Scalar),
}

impl Choice {
    fn as_chosen(&self) -> Chosen<'_> {
        match self {
            Self::Array(array) => Chosen::Array(array),
            Self::Number(number) => Chosen::Number(*number),
        }
    }
}

fn chosen(value: Value) -> Result<Choice> {
    match value {
        Value::Number(number) => Ok(Choice::Number(number)),
        other => other.array().map(Choice::Array),
    }
}

/// Arrays that belong together, by the names they are given or have.
fn dataset(with: Bound) -> Result<Value> {
    let mut arrays = BTreeMap::new();
    let plain = with.plain.into_iter().map(|value| {
        let array = value.array()?;
        let name = array.name.clone().ok_or_else(|| {
            Error::text("an array without a name").hint("name it, as in dataset(temp => t)")
        })?;
        Ok::<_, Error>((name, array))
    });
    let named = with.named.into_iter().map(|(name, value, at)| {
        let array = value.array().map_err(|error| error.at(at))?;
        Ok::<_, Error>((name, array))
    });
    for array in plain.chain(named) {
        let (name, array) = array?;
        let array = Labelled { name: Some(name.clone()), ..array };
        if arrays.insert(name.clone(), Ok(array)).is_some() {
            return Err(Error::text(format!("two arrays called '{name}'")));
        }
    }
    match arrays.is_empty() {
        true => Err(misused("dataset")),
        false => Ok(Value::Group(zarr::Variables::new("the dataset", arrays))),
    }
}

/// What is in a store or a file. Zarr's stores may have any name; those of NumPy's files tell what they are.
async fn open(
    session: &SessionContext,
    maker: &str,
    path: &str,
) -> std::result::Result<Value, ArrayError> {
    let lower = path.to_ascii_lowercase();
    match maker {
        "npz" => numpy::npz(session, path).await.map(Value::Group),
        "zarr" if lower.ends_with(".npz") => numpy::npz(session, path).await.map(Value::Group),
        "npy" => numpy::npy(session, path).await.map(Value::Array),
        "zarr" if lower.ends_with(".npy") => numpy::npy(session, path).await.map(Value::Array),
        _ => Ok(match zarr::variables(session, path).await? {
            Opened::Array(array) => Value::Array(array),
            Opened::Group(group) => Value::Group(group),
        }),
    }
}

/// A function of the values of one or two arrays.
fn function(name: &str, with: Bound) -> Result<Value> {
    with.done(&[])?;
    let unary = Unary::from_name(name);
    let binary = Binary::from_name(name);
    match (unary, binary, <[Value; 1]>::try_from(with.plain.clone())) {
        (Some(unary), _, Ok([one])) => one.array()?.unary(unary).map(Value::Array).map_err(asked),
        (_, Some(binary), _) => match <[Value; 2]>::try_from(with.plain) {
            Ok([left, right]) => binary_of(binary, left, right),
            Err(_) => Err(Error::text("two arrays are wanted")),
        },
        (Some(_), ..) => Err(Error::text("one array is wanted")),
        _ => {
            let known = MAKERS.iter().chain(matrices::FUNCTIONS).map(|(name, _)| *name);
            let known = known.chain(Unary::ALL.iter().map(|unary| unary.name()));
            let known = known.chain(Binary::ALL.iter().map(|binary| binary.name()));
            let error = Error::text(format!("there is no function '{name}' of arrays"));
            if super::is_verb(name) {
                return Err(error.hint(format!("it is a verb: write x.{name}(…)")));
            }
            Err(match nearest(name, known) {
                Some(close) => error.hint(format!("did you mean '{close}'?")),
                None => error,
            })
        }
    }
}

fn filled(value: Scalar, kind: Kind, lengths: &[Value], with: &mut Bound) -> Result<Array> {
    let dtype = with.dtype("dtype", kind)?;
    let lengths = shape(lengths)?;
    let grid = with.grid(&lengths, dtype)?;
    named(Array::filled_with(value, dtype, grid).map_err(asked)?, with)
}

fn random(name: &str, with: &mut Bound) -> Result<Array> {
    let lengths = shape(&with.plain.clone())?;
    let float = |scalar: Scalar| scalar.as_f64();
    let distribution = match name {
        "random_uniform" => Distribution::Uniform {
            low: float(with.number("low", Scalar::Float(0.0))?),
            high: float(with.number("high", Scalar::Float(1.0))?),
        },
        "random_normal" => Distribution::Normal {
            mean: float(with.number("mean", Scalar::Float(0.0))?),
            std: float(with.number("std", Scalar::Float(1.0))?),
        },
        _ => Distribution::Integers { low: with.whole("low", 0)?, high: with.whole("high", 2)? },
    };
    let seed = with.whole("seed", 0)?;
    let dtype = with.dtype("dtype", distribution.kind())?;
    let DType::Plain(kind) = dtype else {
        return Err(Error::text(format!("chance makes no {dtype}")));
    };
    let grid = with.grid(&lengths, dtype)?;
    named(Array::random(distribution, seed as u64, kind, grid).map_err(asked)?, with)
}

/// With the names that `dims =>` gives.
fn named(array: Array, with: &mut Bound) -> Result<Array> {
    let names = match with.take("dims") {
        None => return Ok(array),
        Some(Value::List(all)) => all,
        Some(one) => vec![one],
    };
    let names = names.into_iter().map(|name| match name {
        Value::Text(name) => Ok(Some(name)),
        _ => Err(Error::text("dims => are names, as in dims => ('time', 'lat')")),
    });
    array.named(names.collect::<Result<_>>()?).map_err(asked)
}

fn misused(name: &str) -> Error {
    super::misused(MAKERS, name)
}
