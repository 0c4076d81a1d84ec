//! Arrays whose places have labels: a coordinate for a dimension says what each of its places is, a time
//! or a latitude.

use std::collections::BTreeMap;

use super::{Array, Index, Pad, Result, Scalar};
use crate::array::{ArrayError, DType};
use crate::kernels::{Binary, Reduce, Unary};

/// An array, its name, and the coordinates of its dimensions.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// What its values are called.
    pub name: Option<String>,
    /// The values.
    pub array: Array,
    /// What the places along a dimension are, by the dimension's name.
    pub coords: BTreeMap<String, Array>,
}

/// What is chosen: the values of an array, or a number.
#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    /// The values of an array.
    Array(&'a Labelled),
    /// A number.
    Number(Scalar),
}

impl From<Array> for Labelled {
    fn from(array: Array) -> Self {
        Self { name: None, array, coords: BTreeMap::new() }
    }
}

impl Labelled {
    /// The same labels on other values: those of dimensions that are still there, and as long.
    fn with(&self, others: &[&Self], array: Array) -> Self {
        let mut coords = BTreeMap::new();
        let all = std::iter::once(self).chain(others.iter().copied());
        for (dim, length) in array.dims().iter().zip(array.shape()) {
            let Some(dim) = dim else { continue };
            let found = all.clone().find_map(|of| {
                of.coords.get(dim).filter(|coord| coord.shape().first() == Some(&length))
            });
            if let Some(coord) = found {
                coords.insert(dim.clone(), coord.clone());
            }
        }
        Self { name: self.name.clone(), array, coords }
    }

    /// A function of each value.
    pub fn unary(&self, unary: Unary) -> Result<Self> {
        Ok(self.with(&[], self.array.unary_of_numbers(unary)?))
    }

    /// A function of two values at the same place.
    pub fn binary(&self, binary: Binary, other: &Self) -> Result<Self> {
        Ok(self.with(&[other], self.array.binary_of_numbers(binary, &other.array)?))
    }

    /// A function of each value and a number.
    pub fn binary_with(&self, binary: Binary, number: Scalar, left: bool) -> Result<Self> {
        Ok(self.with(&[], self.array.binary_with_number(binary, number, left)?))
    }

    /// Where this is true, what `yes` has there, else what `no` has.
    pub fn select(&self, yes: &Self, no: &Self) -> Result<Self> {
        Ok(self.with(&[yes, no], self.array.select_of_numbers(&yes.array, &no.array)?))
    }

    /// As [`select`](Self::select), with numbers that take the type of the other side where it can have them.
    pub fn select_with(&self, yes: Chosen<'_>, no: Chosen<'_>) -> Result<Self> {
        let number = |number: Scalar, beside: Option<&Self>| {
            let kind = match beside {
                Some(array) => number.beside(array.array.dtype(), Binary::Maximum)?,
                None => number.own_kind(),
            };
            Array::full(&[], number.into_kind(kind), kind.into()).map(Self::from)
        };
        match (yes, no) {
            (Chosen::Array(yes), Chosen::Array(no)) => self.select(yes, no),
            (Chosen::Array(yes), Chosen::Number(no)) => self.select(yes, &number(no, Some(yes))?),
            (Chosen::Number(yes), Chosen::Array(no)) => self.select(&number(yes, Some(no))?, no),
            (Chosen::Number(yes), Chosen::Number(no)) => {
                self.select(&number(yes, None)?, &number(no, None)?)
            }
        }
    }

    /// One after the other along a dimension of the first. Others with the same names in another order are
    /// turned to its order. Coordinates of the dimension go along where all have one.
    pub fn concatenate(all: &[Self], axis: usize) -> Result<Self> {
        let Some(first) = all.first() else {
            return Err(ArrayError::asked("nothing to concatenate"));
        };
        let turned = all.iter().map(|one| one.turned_as(first));
        let turned = turned.collect::<Result<Vec<_>>>()?;
        let arrays: Vec<Array> = turned.iter().map(|one| one.array.clone()).collect();
        let array = Array::concatenate(&arrays, axis)?;
        let mut made = first.with(&turned.iter().collect::<Vec<_>>(), array);
        if let Some(dim) = first.array.dims().get(axis).cloned().flatten() {
            let coords = turned.iter().map(|one| one.coords.get(&dim).cloned());
            made.coords.remove(&dim);
            if let Some(coords) = coords.collect::<Option<Vec<Array>>>() {
                made.coords.insert(dim, Array::concatenate(&coords, 0)?);
            }
        }
        Ok(made)
    }

    /// Beside one another along a new dimension, before this place.
    pub fn stack(all: &[Self], axis: usize, name: Option<&str>) -> Result<Self> {
        let Some(first) = all.first() else { return Err(ArrayError::asked("nothing to stack")) };
        let turned = all.iter().map(|one| one.turned_as(first));
        let turned = turned.collect::<Result<Vec<_>>>()?;
        let arrays: Vec<Array> = turned.iter().map(|one| one.array.clone()).collect();
        let array = Array::stack(&arrays, axis, name)?;
        Ok(first.with(&turned.iter().collect::<Vec<_>>(), array))
    }

    /// With the dimensions in the order that those of another have, where they are the same by their names.
    fn turned_as(&self, other: &Self) -> Result<Self> {
        let (own, theirs) = (self.array.dims(), other.array.dims());
        let named = own.len() == theirs.len() && own.iter().chain(theirs).all(Option::is_some);
        let order: Option<Vec<usize>> =
            theirs.iter().map(|dim| own.iter().position(|own| own == dim)).collect();
        match order {
            Some(order) if named && own != theirs => self.transpose(&order),
            _ => Ok(self.clone()),
        }
    }

    /// With more places before and after.
    pub fn pad(&self, widths: &[(u64, u64)], pad: Pad) -> Result<Self> {
        Ok(self.with(&[], self.array.pad(widths, pad)?))
    }

    /// The same values as another type.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        Ok(self.with(&[], self.array.cast(dtype)?))
    }

    /// One value of many.
    pub fn reduce(
        &self,
        reduce: Reduce,
        skip_nan: bool,
        axes: &[usize],
        keep: bool,
    ) -> Result<Self> {
        Ok(self.with(
            &[],
            match keep {
                true => self.array.reduce_keeping_numbers(reduce, skip_nan, axes)?,
                false => self.array.reduce_of_numbers(reduce, skip_nan, axes)?,
            },
        ))
    }

    /// The same labels on other values, but for those of a dimension whose places are others now.
    pub fn made(&self, array: Array, moved: Option<usize>) -> Self {
        let mut made = self.with(&[], array);
        let moved = moved.and_then(|axis| self.array.dims().get(axis)).and_then(Option::as_ref);
        if let Some(dim) = moved {
            made.coords.remove(dim);
        }
        made
    }

    /// The dimensions in another order.
    pub fn transpose(&self, order: &[usize]) -> Result<Self> {
        Ok(self.with(&[], self.array.transpose(order)?))
    }

    /// The same values, cut otherwise.
    pub fn rechunk(&self, grid: crate::array::Grid) -> Result<Self> {
        Ok(self.with(&[], self.array.rechunk(grid)?))
    }

    /// What the subscripts name, of the values and of the coordinates.
    pub fn index(&self, subscripts: &[Index]) -> Result<Self> {
        let array = self.array.index(subscripts)?;
        let mut coords = BTreeMap::new();
        let mut axis = 0;
        let named = subscripts.iter().filter(|s| !matches!(s, Index::New | Index::Rest)).count();
        let mut part = |coords: &mut BTreeMap<String, Array>, subscript: &Index| {
            let dim = self.array.dims().get(axis).cloned().flatten();
            axis += 1;
            if let Some(dim) = dim
                && let Some(coord) = self.coords.get(&dim)
                && !matches!(subscript, Index::At(_))
            {
                coords.insert(dim, coord.index(std::slice::from_ref(subscript))?);
            }
            Ok::<_, ArrayError>(())
        };
        let rest = self.array.ndim().saturating_sub(named);
        let mut ellipsis = false;
        for subscript in subscripts {
            match subscript {
                Index::New => {}
                Index::Rest => {
                    ellipsis = true;
                    for _ in 0..rest {
                        part(&mut coords, &Index::ALL)?;
                    }
                }
                other => part(&mut coords, other)?,
            }
        }
        if !ellipsis {
            for _ in 0..rest {
                part(&mut coords, &Index::ALL)?;
            }
        }
        Ok(Self { name: self.name.clone(), array, coords })
    }

    /// The number of a dimension, by its name.
    pub fn axis_named(&self, name: &str) -> Result<usize> {
        self.array.axis_named(name)
    }
}
