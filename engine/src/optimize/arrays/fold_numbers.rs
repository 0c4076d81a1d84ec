//! Functions of numbers alone: what is the same everywhere is computed once, and is a number, too.

use super::rewrite::bottom_up;
use super::{Result, Without};
use crate::array::{Form, Grid};
use crate::kernels::Slice;
use crate::lazy::{Array, Op, Scalar, Step};
use crate::program::{Loaded, Program};

pub(super) fn rewrite(root: &Array) -> Result<Array> {
    bottom_up(root, |array, _| {
        let numbers = array.inputs().iter().all(|input| number(input).is_some());
        if array.inputs().is_empty() || !numbers || !array.is_elementwise() {
            return Ok(None);
        }
        // The same function of single values.
        let single = |dtype| Form { dtype, grid: Grid(Vec::new()), dims: Vec::new() };
        let inputs = array
            .inputs()
            .iter()
            .map(|input| Array::new(input.op().clone(), Vec::new(), single(input.dtype())));
        let inputs = inputs.collect::<Result<_>>()?;
        let one = Array::new(array.op().clone(), inputs, single(array.dtype()))?;
        let value = Program::new(one, Without::default())?.values(&[], Loaded::new(), &[])?;
        let Some(value) = first(value.values()) else { return Ok(None) };
        let op = Op::Step(Step::Full(value));
        Array::new(op, Vec::new(), array.form().clone()).map(Some)
    })
}

fn number(array: &Array) -> Option<Scalar> {
    match array.op() {
        Op::Step(Step::Full(value)) => Some(*value),
        _ => None,
    }
}

/// The first of some values.
fn first(values: Slice<'_>) -> Option<Scalar> {
    Some(match values {
        Slice::Bool(values) => Scalar::Bool(*values.first()? != 0),
        Slice::I8(values) => Scalar::Signed((*values.first()?).into()),
        Slice::I16(values) => Scalar::Signed((*values.first()?).into()),
        Slice::I32(values) => Scalar::Signed((*values.first()?).into()),
        Slice::I64(values) => Scalar::Signed(*values.first()?),
        Slice::U8(values) => Scalar::Unsigned((*values.first()?).into()),
        Slice::U16(values) => Scalar::Unsigned((*values.first()?).into()),
        Slice::U32(values) => Scalar::Unsigned((*values.first()?).into()),
        Slice::U64(values) => Scalar::Unsigned(*values.first()?),
        Slice::F32(values) => Scalar::Float((*values.first()?).into()),
        Slice::F64(values) => Scalar::Float(*values.first()?),
    })
}
