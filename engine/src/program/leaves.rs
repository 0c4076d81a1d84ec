//! Values that are made of nothing but a rule.

use std::ops::Range;

use super::Result;
use crate::array::{ArrayError, DType, Kind, Region, Tensor, cells, shape_of};
use crate::kernels::{Block, append, each_kind};
use crate::lazy::{Scalar, Step};

/// One value, as a run of one.
pub(super) fn one(value: Scalar, kind: Kind) -> Block {
    macro_rules! typed {
        ($($kind:ident: $type:ty),*) => {
            match kind {
                Kind::Bool => Block::Bool(vec![u8::from(value.as_f64() != 0.0)]),
                $(Kind::$kind => Block::$kind(vec![match value {
                    Scalar::Bool(value) => u8::from(value) as $type,
                    Scalar::Signed(value) => value as $type,
                    Scalar::Unsigned(value) => value as $type,
                    Scalar::Float(value) => value as $type,
                }]),)*
            }
        };
    }
    #[allow(unreachable_patterns, reason = "truth values come first")]
    {
        each_kind!(typed)
    }
}

/// `start + step · index` for a box of the only dimension.
pub(super) fn steps(
    start: Scalar,
    step: Scalar,
    dtype: DType,
    region: &[Range<u64>],
) -> Result<Tensor> {
    let places = region.first().cloned().unwrap_or(0..0);
    let block = match (start, step) {
        (Scalar::Signed(start), Scalar::Signed(step)) => {
            Block::I64(places.map(|at| start.wrapping_add(step.wrapping_mul(at as i64))).collect())
        }
        (start, step) => {
            let (start, step) = (start.as_f64(), step.as_f64());
            Block::F64(places.map(|at| start + step * at as f64).collect())
        }
    };
    Tensor::from_block(dtype, shape_of(region), block)
}

/// Chance, for a box of an array of this shape.
pub(super) fn random(
    step: &Step,
    shape: &[u64],
    dtype: DType,
    region: &[Range<u64>],
) -> Result<Tensor> {
    let Step::Random { distribution, seed } = step else {
        return Tensor::from_block(dtype, vec![0], Block::empty(dtype.kind()));
    };
    let mut all = Block::empty(dtype.kind());
    let mut row = Block::empty(dtype.kind());
    for (start, count) in rows(shape, region) {
        distribution.fill(*seed, start, &mut row, count as usize).map_err(ArrayError::Asked)?;
        append(row.as_slice(), &mut all);
    }
    Tensor::from_block(dtype, shape_of(region), all)
}

/// The numbers of the values of a box, as runs: each row's first, and how many follow.
fn rows(shape: &[u64], region: &[Range<u64>]) -> Vec<(u64, u64)> {
    let sizes: Region = region.to_vec();
    let last = sizes.last().map_or(1, |range| range.end - range.start);
    let outer = sizes.get(..sizes.len().saturating_sub(1)).unwrap_or_default();
    let outer_shape = shape_of(outer);
    let count = cells(&outer_shape).unwrap_or(0);
    let row = |number: u64| {
        let (mut number, mut width, mut start) = (number, 1_u64, 0_u64);
        if let (Some(range), Some(length)) = (sizes.last(), shape.last()) {
            start = range.start;
            width = *length;
        }
        for ((range, length), extent) in outer.iter().zip(shape).zip(&outer_shape).rev() {
            start += (range.start + number % extent) * width;
            number /= extent;
            width *= length;
        }
        (start, last)
    };
    match count {
        0 => Vec::new(),
        count => (0..count).map(row).collect(),
    }
}
