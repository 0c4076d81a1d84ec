//! Values that are made of nothing but a rule.

use std::ops::Range;

use super::Result;
use crate::array::{ArrayError, DType, Kind, Tensor, shape_of};
use crate::kernels::{Block, Distribution, each_kind};
use crate::lazy::Scalar;

/// One value, as a run of one.
pub(crate) fn one(value: Scalar, kind: Kind) -> Block {
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

/// Chance, for a box of an array: each value is that of its number among all of the array's.
pub(super) struct Chance {
    distribution: Distribution,
    seed: u64,
    kind: Kind,
    /// How many values follow each other.
    row: usize,
    /// Rows along the other dimensions: how many, and how far apart their first numbers are.
    outer: Vec<(usize, u64)>,
    /// The number of the first value.
    first: u64,
}

impl Chance {
    pub(super) fn new(
        distribution: Distribution,
        seed: u64,
        shape: &[u64],
        kind: Kind,
        region: &[Range<u64>],
    ) -> Self {
        let (mut width, mut first) = (1_u64, 0_u64);
        let mut along = Vec::with_capacity(shape.len());
        for (range, length) in region.iter().zip(shape).rev() {
            first = first.wrapping_add(range.start.wrapping_mul(width));
            along.push(((range.end.saturating_sub(range.start)) as usize, width));
            width = width.wrapping_mul(*length);
        }
        let mut along = along.into_iter();
        let row = along.next().map_or(1, |(length, _)| length);
        Self { distribution, seed, kind, row, outer: along.collect(), first }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The values from one place of the box up to another, in place of what `out` has.
    pub(super) fn fill(&self, (at, end): (usize, usize), out: &mut Block) -> Result<()> {
        *out = match std::mem::replace(out, Block::Bool(Vec::new())) {
            mut block if block.kind() == self.kind => {
                block.clear();
                block
            }
            _ => Block::empty(self.kind),
        };
        out.reserve(end - at);
        let mut at = at;
        while at < end {
            let (row, within) = (at / self.row, at % self.row);
            let count = (self.row - within).min(end - at);
            let start = self.start_of(row).wrapping_add(within as u64);
            self.distribution.fill(self.seed, start, out, count).map_err(ArrayError::Asked)?;
            at += count;
        }
        Ok(())
    }

    /// The number of the first value of a row.
    fn start_of(&self, mut row: usize) -> u64 {
        self.outer.iter().fold(self.first, |start, (length, apart)| {
            let index = row % length;
            row /= length;
            start.wrapping_add(apart.wrapping_mul(index as u64))
        })
    }
}
