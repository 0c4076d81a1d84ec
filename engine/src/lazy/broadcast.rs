//! Arrays of different shapes, made alike: by the names of their dimensions where all have some, else
//! from the last dimension on, as NumPy does.

use super::view::{Axis, View};
use super::{Array, Op, Result, Step};
use crate::array::{ArrayError, Cuts, Form, Grid};

/// What several arrays look like together.
pub(super) struct Common {
    pub(super) arrays: Vec<Array>,
    pub(super) grid: Grid,
    pub(super) dims: Vec<Option<String>>,
}

/// Makes arrays alike.
pub(super) fn together(arrays: &[Array]) -> Result<Common> {
    let by_name = arrays.iter().all(|array| array.dims().iter().all(Option::is_some));
    let dims: Vec<Option<String>> = match by_name {
        true => {
            let mut dims: Vec<Option<String>> = Vec::new();
            for name in arrays.iter().flat_map(|array| array.dims()) {
                if !dims.contains(name) {
                    dims.push(name.clone());
                }
            }
            dims
        }
        false => {
            let most = arrays.iter().map(Array::ndim).max().unwrap_or(0);
            let name_at = |from_end: usize| {
                arrays.iter().find_map(|array| {
                    let at = array.ndim().checked_sub(from_end)?;
                    array.dims().get(at)?.clone()
                })
            };
            (1..=most).rev().map(name_at).collect()
        }
    };
    // A name that two dimensions would have is the last one's.
    let mut dims = dims;
    for at in 0..dims.len() {
        let (before, rest) = dims.split_at_mut(at);
        if let Some(name) = rest.first().cloned().flatten() {
            before.iter_mut().filter(|dim| dim.as_ref() == Some(&name)).for_each(|dim| *dim = None);
        }
    }
    let dims = dims;
    // Where each dimension of an array stands in the result.
    let places = |array: &Array| -> Vec<usize> {
        let skipped = dims.len() - array.ndim();
        let at = |(at, name): (usize, &Option<String>)| match by_name {
            true => dims.iter().position(|dim| dim == name).unwrap_or(at),
            false => at + skipped,
        };
        array.dims().iter().enumerate().map(at).collect()
    };
    let mut shape = vec![1_u64; dims.len()];
    for array in arrays {
        for (place, length) in places(array).into_iter().zip(array.shape()) {
            match shape.get_mut(place) {
                Some(known) if *known == 1 => *known = length,
                Some(known) if length != *known && length != 1 => return Err(unfit(arrays)),
                _ => {}
            }
        }
    }
    // A dimension is cut as the largest array that has all of it is.
    let mut by_size: Vec<&Array> = arrays.iter().collect();
    by_size.sort_by_key(|array| std::cmp::Reverse(array.bytes()));
    let cut = |(place, length): (usize, &u64)| {
        let of = |array: &&Array| {
            let at = places(array).iter().position(|at| *at == place)?;
            array.grid().0.get(at).filter(|cuts| cuts.length() == *length).cloned()
        };
        by_size.iter().find_map(of).unwrap_or_else(|| Cuts::even(*length, *length))
    };
    let grid = Grid(shape.iter().enumerate().map(cut).collect());
    let shown = arrays.iter().map(|array| {
        let axes = places(array).into_iter().zip(array.shape()).map(|(along, length)| match shape
            .get(along)
        {
            Some(wide) if length == 1 && *wide != 1 => Axis::At(0),
            _ => Axis::Along { along, start: 0, step: 1 },
        });
        array.viewed(View { axes: axes.collect(), shape: shape.clone() }, dims.clone())
    });
    Ok(Common { arrays: shown.collect::<Result<_>>()?, grid, dims })
}

fn unfit(arrays: &[Array]) -> ArrayError {
    let shapes: Vec<String> = arrays
        .iter()
        .map(|array| match array.dims().iter().all(Option::is_some) && array.ndim() > 0 {
            true => {
                let named = array.dims().iter().flatten().zip(array.shape());
                let named: Vec<String> = named.map(|(name, n)| format!("{name}: {n}")).collect();
                format!("({})", named.join(", "))
            }
            false => format!("{:?}", array.shape()),
        })
        .collect();
    ArrayError::asked(format!("the shapes {} do not fit together", shapes.join(" and ")))
}

impl Array {
    /// The same values at other places, with these names.
    pub(super) fn viewed(&self, view: View, dims: Vec<Option<String>>) -> Result<Self> {
        if view.is_whole(&self.shape()) {
            return match dims == self.dims() {
                true => Ok(self.clone()),
                false => self.named(dims),
            };
        }
        let grid = view.cut(self.grid());
        let form = Form { dtype: self.dtype(), grid, dims };
        // One value everywhere is the same wherever it is looked at.
        if let Op::Step(value @ Step::Full(_)) = self.op() {
            let shown = Self::step(value.clone(), Vec::new(), form)?;
            return Ok(shown.with_attributes(self.attributes().clone()));
        }
        Self::step(Step::View(view), vec![self.clone()], form)
    }
}
