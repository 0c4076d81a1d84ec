//! The array language, bound: terms become arrays, which nobody has computed yet.

mod align;
mod arguments;
mod attributes;
mod bind;
mod compression;
mod datasets;
mod filters;
mod fourier;
mod from_function;
mod held;
mod in_sql;
mod labelled;
mod labels;
mod makers;
mod masks;
mod matrices;
mod packing;
mod save;
mod shapes;
mod statistics;
mod subscripts;
mod table;
mod tensors;
mod verbs;

pub(crate) use bind::bind;
pub(crate) use held::HeldArrays;
pub(crate) use in_sql::{ArrayTables, external, open, own_name, written};
pub(crate) use makers::is_maker;
pub(crate) use save::save;
pub(crate) use table::{bind_name, bind_names, frame, shown};
pub(crate) use tensors::Tensors;
pub(crate) use verbs::{is_verb, takes_conditions, verb_names};

use strata_engine::{Attributes, Labelled, Scalar};

use crate::error::{Error, Result};
use crate::flight::{Caller, Role};

/// What a term comes to.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Array(Labelled),
    /// The arrays of a group, by name.
    Group(strata_connectors::zarr::Variables),
    /// Values whose places have labels.
    Grouped(Box<labelled::Grouping>),
    /// Values that are looked at through a window.
    Rolling(Box<labelled::Rolling>),
    /// Values that do not all count the same.
    Weighted(Box<labelled::Weighted>),
    /// What is said of an array, or of a group.
    Attributes(Attributes),
    /// The parts of a decomposition, in their order.
    Parts(Vec<(&'static str, Labelled)>),
    Number(Scalar),
    Text(String),
    List(Vec<Value>),
}

impl Value {
    /// The arrays that have names, if it is several.
    pub(crate) fn group(self) -> std::result::Result<strata_connectors::zarr::Variables, Self> {
        match self {
            Self::Group(group) => Ok(group),
            Self::Parts(parts) => {
                let arrays = parts.into_iter().map(|(name, array)| (name.to_string(), Ok(array)));
                Ok(strata_connectors::zarr::Variables::new("the result", arrays.collect()))
            }
            other => Err(other),
        }
    }

    /// Whether a caller may read all that it is made of; not where that cannot be told.
    fn is_allowed(&self, caller: &Caller) -> bool {
        let reads = |labelled: &Labelled| {
            let arrays = std::iter::once(&labelled.array).chain(labelled.coords.values());
            arrays.into_iter().all(|array| caller.may_read(array))
        };
        match self {
            Self::Array(array) => reads(array),
            Self::Group(group) => group.arrays.values().flatten().all(reads),
            Self::Parts(parts) => parts.iter().all(|(_, array)| reads(array)),
            Self::List(all) => all.iter().all(|value| value.is_allowed(caller)),
            Self::Number(_) | Self::Text(_) => true,
            Self::Grouped(_) | Self::Rolling(_) | Self::Weighted(_) | Self::Attributes(_) => {
                caller.role == Role::Admin
            }
        }
    }

    /// The array; a number is one, too.
    pub(crate) fn array(self) -> Result<Labelled> {
        use strata_engine::{Array, DType, Grid, Kind};
        match self {
            Self::Array(array) => Ok(array),
            Self::Number(number) => {
                let kind = match number {
                    Scalar::Bool(_) => Kind::Bool,
                    Scalar::Signed(_) => Kind::I64,
                    Scalar::Unsigned(_) => Kind::U64,
                    Scalar::Float(_) => Kind::F64,
                };
                let grid = Grid::whole(&[]);
                Ok(Array::filled_with(number, DType::Plain(kind), grid).map_err(asked)?.into())
            }
            Self::Group(group) => Err(Error::text(format!(
                "these are {} arrays: name one, as in .{}",
                group.arrays.len(),
                group.arrays.keys().next().map_or("temperature", String::as_str)
            ))),
            Self::Grouped(_) | Self::Rolling(_) | Self::Weighted(_) => {
                Err(Error::text("groups, windows, and weighted values, are no array yet")
                    .hint("bring them to one value each, as in .mean()"))
            }
            Self::Parts(parts) => {
                let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
                let (all, first) = (names.join(", "), names.first().copied().unwrap_or("u"));
                Err(Error::text(format!("these are {} arrays: {all}", names.len()))
                    .hint(format!("name one of them, as in .{first}, or all: {all} = …")))
            }
            Self::Attributes(_) => Err(Error::text("what is said of an array is no array")),
            Self::Text(text) => Err(Error::text(format!("'{text}' is no array"))),
            Self::List(_) => Err(Error::text("a list is no array")),
        }
    }
}

/// What an array refused, as an error of the language.
pub(crate) fn asked(error: strata_engine::ArrayError) -> Error {
    Error::from(strata_engine::EngineError::from(error))
}

/// A verb or function that is called otherwise than it is written in a table of them.
pub(crate) fn misused(written: &[(&str, &str)], name: &str) -> Error {
    let own = written.iter().find(|(own, _)| *own == name);
    Error::text("it is called otherwise")
        .hint(format!("write {}", own.map_or(name, |(_, written)| written)))
}
