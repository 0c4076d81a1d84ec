//! What a table of cells is made of: arrays of one shape, and what their places have.

use crate::array::{ArrayError, DType, Grid, Kind};
use crate::lazy::{Array, Op, Scalar, Step};
use crate::physical::{Cells, NullsOf, PlaceColumn, ValueColumn};

type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// A table of the cells of arrays: a row for each place, what the place has first, and then the values there.
#[derive(Debug, Clone)]
pub struct CellTable {
    /// The columns of the places.
    pub places: Vec<PlaceColumn>,
    /// The columns of the values: arrays of one shape.
    pub variables: Vec<Variable>,
    /// How the cells are cut.
    pub grid: Grid,
    /// There are only the rows where this is true; all, where there is nothing.
    pub only: Option<Array>,
    /// Why a query goes through the rows, where it could have been asked of the arrays.
    pub as_rows: Option<String>,
}

/// A column of values.
#[derive(Debug, Clone)]
pub struct Variable {
    /// What it is called.
    pub name: String,
    /// The values.
    pub array: Array,
    /// Which of them are NULL.
    pub nulls: Nulls,
}

/// Which values are NULL. Times that are none always are.
#[derive(Debug, Clone)]
pub enum Nulls {
    /// No others.
    None,
    /// NaN.
    Nan,
    /// Those where this is false.
    Unless(Array),
}

impl CellTable {
    /// The table of one array, with these places.
    pub fn of(name: String, array: Array, nulls: Nulls, places: Vec<PlaceColumn>) -> Self {
        let grid = array.grid().clone();
        let variables = vec![Variable { name, array, nulls }];
        Self { places, variables, grid, only: None, as_rows: None }
    }

    /// The array whose chunks have all that the rows have.
    pub(crate) fn root(&self) -> Result<Array> {
        let own = |array: &Array| array.rechunk(self.grid.clone());
        match (&self.variables[..], &self.only) {
            ([], None) => {
                let truth = DType::Plain(Kind::Bool);
                Array::filled_with(Scalar::Bool(false), truth, self.grid.clone())
            }
            ([Variable { array, nulls: Nulls::None | Nulls::Nan, .. }], None) => own(array),
            (several, only) => {
                // What nobody wants is nothing, and so it need not be read.
                let wanted = |array: &Array| match only {
                    Some(only) => {
                        let nothing = Array::full(&[], Scalar::Signed(0), array.dtype())?;
                        own(&only.select(array, &nothing)?)
                    }
                    None => own(array),
                };
                let mut parts = Vec::new();
                for Variable { array, nulls, .. } in several {
                    parts.push(wanted(array)?);
                    if let Nulls::Unless(there) = nulls {
                        parts.push(wanted(there)?);
                    }
                }
                parts.extend(only.as_ref().map(own).transpose()?);
                Array::records(parts)
            }
        }
    }

    /// What the rows look like.
    pub(crate) fn cells(&self) -> Cells {
        let values = self.variables.iter().map(|variable| ValueColumn {
            name: variable.name.clone(),
            dtype: variable.array.dtype(),
            nulls: match variable.nulls {
                Nulls::None => NullsOf::Times,
                Nulls::Nan => NullsOf::Nan,
                Nulls::Unless(_) => NullsOf::Told,
            },
        });
        let (places, grid) = (self.places.clone(), self.grid.clone());
        let (values, only, as_rows) = (values.collect(), self.only.is_some(), self.as_rows.clone());
        Cells { places, values, grid, only, as_rows }
    }

    /// From the array whose chunks have all that the rows have.
    pub(crate) fn from_root(root: &Array, cells: Cells) -> Result<Self> {
        let unfit = || ArrayError::asked("cells of an array that has others");
        if !cells.fit(root) {
            return Err(unfit());
        }
        let parts = match root.op() {
            Op::Step(Step::Records) if cells.are_records() => root.inputs().to_vec(),
            _ => vec![root.clone()],
        };
        let mut parts = parts.into_iter();
        let variables = cells.values.into_iter().map(|ValueColumn { name, dtype, nulls }| {
            let array = parts.next().filter(|part| part.dtype() == dtype).ok_or_else(unfit)?;
            let nulls = match nulls {
                NullsOf::Times => Nulls::None,
                NullsOf::Nan => Nulls::Nan,
                NullsOf::Told => Nulls::Unless(
                    parts.next().filter(|part| part.kind() == Kind::Bool).ok_or_else(unfit)?,
                ),
            };
            Ok(Variable { name, array, nulls })
        });
        let variables = variables.collect::<Result<_>>()?;
        let only = match cells.only {
            true => Some(parts.next().filter(|part| part.kind() == Kind::Bool).ok_or_else(unfit)?),
            false => None,
        };
        Ok(Self { places: cells.places, variables, grid: cells.grid, only, as_rows: cells.as_rows })
    }
}
