//! Many values brought to one: in which order chunks are taken, and what their states look like.

use std::fmt;

use datafusion::arrow::buffer::Buffer;
use datafusion::common::Result;
use serde::{Deserialize, Serialize};

use super::chunks::{asked, error};
use crate::array::{Cuts, Grid, Kind, Region, Tensor, cells, shape_of};
use crate::kernels::{Becomes, Block, Folded};

/// Boxes of fewer values than this are not worth being computed one by one.
const WORTH_A_BOX: u64 = 32 * 1024;

/// What there is of a state beside its cells is little beside so many.
const MANY_CELLS: usize = 1 << 20;

/// What chunks are brought to, and along which dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fold {
    pub(crate) becomes: Becomes,
    /// Which dimensions go.
    pub(crate) axes: Vec<bool>,
    /// How many tiny chunks are taken together at most.
    pub(crate) together: u64,
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes = self.axes.iter().enumerate().filter(|(_, gone)| **gone);
        let axes: Vec<String> = axes.map(|(axis, _)| axis.to_string()).collect();
        write!(f, "{} over {}", self.becomes.name(), axes.join(", "))
    }
}

impl Fold {
    /// How many parts the state of values of a kind has.
    pub(crate) fn parts(&self, kind: Kind) -> usize {
        self.becomes.parts(kind).len()
    }

    fn split(&self, grid: &Grid) -> (Grid, Grid) {
        let of = |gone: bool| {
            let cuts = grid.0.iter().zip(&self.axes).filter(|(_, axis)| **axis == gone);
            Grid(cuts.map(|(cuts, _)| cuts.clone()).collect())
        };
        let (kept, mut gone) = (of(false), of(true));
        // Boxes of few values cost more than the values: several chunks that go are taken as one.
        let mut chunks = WORTH_A_BOX / grid.largest().unwrap_or(u64::MAX).max(1);
        chunks = chunks.min(self.together);
        for cuts in gone.0.iter_mut().rev() {
            let longest = cuts.longest().max(1);
            *cuts = cuts.up_to(longest.saturating_mul(chunks));
            chunks /= (cuts.longest() / longest).max(1);
        }
        (kept, gone)
    }

    /// In which order the chunks of a grid are taken in.
    pub(crate) fn order(&self, grid: &Grid) -> Order {
        let (kept, gone) = self.split(grid);
        // At least an empty one.
        let many = cells(&gone.counts()).unwrap_or(u64::MAX).max(1);
        Order { kept, gone, many, axes: self.axes.clone() }
    }

    /// Nothing yet, for the values of a box of an array of this shape.
    pub(crate) fn accumulator(&self, kind: Kind, shape: &[u64], region: &Region) -> Folded {
        // The places of values, among those that are brought to one.
        let mut strides = vec![0; shape.len()];
        let mut width = 1_i64;
        for ((stride, length), gone) in strides.iter_mut().zip(shape).zip(&self.axes).rev() {
            if *gone {
                *stride = width;
                width = width.saturating_mul(i64::try_from(*length).unwrap_or(i64::MAX));
            }
        }
        let origin: Vec<i64> = region.iter().map(|range| range.start as i64).collect();
        let lengths: Vec<usize> = shape_of(region).iter().map(|length| *length as usize).collect();
        let axes = self.axes.get(..lengths.len()).unwrap_or_default();
        self.becomes.begin(kind, &lengths, axes, &origin, &strides)
    }

    /// Bytes of the states of a box: the one that is taken in, and the one that is open.
    pub(crate) fn state_bytes(&self, kind: Kind, region: &Region) -> u64 {
        let kept = region.iter().zip(&self.axes).filter(|(_, gone)| !**gone);
        let count = kept.fold(1_u64, |count, (range, _)| {
            count.saturating_mul(range.end.saturating_sub(range.start))
        });
        let bytes = self.becomes.bytes(kind, usize::try_from(count).unwrap_or(usize::MAX)) as u64;
        bytes.saturating_mul(2)
    }

    /// Bytes of the state of a cell, of as many as hide what there is once for a group.
    pub(crate) fn cell_bytes(&self, kind: Kind) -> usize {
        self.becomes.bytes(kind, MANY_CELLS).div_ceil(MANY_CELLS).max(1)
    }

    /// How many states there are in the end, where so many tasks make them, and their bytes.
    pub(crate) fn made(&self, kind: Kind, grid: &Grid, parts: u64) -> (u64, u64) {
        let order = self.order(grid);
        let kept = &order.kept;
        let chunks = kept.chunks().unwrap_or(u64::MAX);
        // Where the work of one task ends and another's begins, both have one.
        let states = chunks.saturating_add(parts).saturating_sub(1).min(order.work());
        let cells = u128::from(cells(&kept.shape()).unwrap_or(u64::MAX));
        let cell = self.cell_bytes(kind) as u128;
        let bytes = cells * cell * u128::from(states) / u128::from(chunks.max(1));
        (states, u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// A state from its parts.
    pub(crate) fn state(&self, kind: Kind, parts: Vec<Buffer>) -> Result<Folded> {
        let kinds = self.becomes.parts(kind);
        let blocks = parts.into_iter().zip(kinds).map(|(bytes, like)| {
            let count = (bytes.len() / like.width()) as u64;
            let values = Tensor::new(like.into(), vec![count], bytes).map_err(error)?;
            Ok(values.values().to_block())
        });
        let blocks = blocks.collect::<Result<Vec<Block>>>()?;
        self.becomes.read(kind, blocks).map_err(asked)
    }
}

/// In which order boxes are taken in, and what becomes of each.
#[derive(Debug)]
pub(crate) struct Order {
    kept: Grid,
    gone: Grid,
    /// How many boxes are brought to one.
    many: u64,
    axes: Vec<bool>,
}

impl Order {
    /// How many boxes there are to take in.
    pub(crate) fn work(&self) -> u64 {
        self.kept.chunks().unwrap_or(u64::MAX).saturating_mul(self.many)
    }

    /// What a number of work is: the number of the chunk that it goes into, and the box. All boxes of one
    /// chunk of the result follow each other.
    pub(crate) fn region(&self, number: u64) -> (u64, Region) {
        let (into, which) = (number / self.many, number % self.many);
        let mut outer = self.kept.region(&self.kept.place(into)).into_iter();
        let mut inner = self.gone.region(&self.gone.place(which)).into_iter();
        let next = |gone: &bool| if *gone { inner.next() } else { outer.next() };
        (into, self.axes.iter().map(next).map(|range| range.unwrap_or(0..0)).collect())
    }

    /// The largest box.
    pub(crate) fn largest(&self) -> Region {
        let mut outer = self.kept.0.iter();
        let mut inner = self.gone.0.iter();
        let next = |gone: &bool| if *gone { inner.next() } else { outer.next() };
        self.axes.iter().map(next).map(|cuts| cuts.map_or(0..0, Cuts::longest_piece)).collect()
    }
}

/// The bytes of values.
pub(crate) fn buffer(block: Block) -> Buffer {
    use crate::kernels::each_kind;
    macro_rules! bytes {
        ($($kind:ident: $type:ty),*) => {
            match block {
                $(Block::$kind(values) => Buffer::from_vec(values),)*
            }
        };
    }
    each_kind!(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(shape: &[u64], chunk: &[u64], axes: &[bool]) -> Order {
        let becomes = Becomes::One { reduce: crate::kernels::Reduce::Sum, skip_nan: false };
        let fold = Fold { becomes, axes: axes.to_vec(), together: u64::MAX };
        fold.order(&Grid::even(shape, chunk))
    }

    #[test]
    fn tiny_chunks_are_taken_together_and_others_are_not() {
        let all = order(&[10_000, 10_000], &[10, 10], &[true, true]);
        assert!(all.work() <= 4_000, "{}", all.work());
        assert!(cells(&shape_of(&all.largest())).unwrap() <= WORTH_A_BOX);
        // The chunks of the result stay as they are.
        let rows = order(&[10_000, 10_000], &[10, 10], &[false, true]);
        assert_eq!(rows.region(0), (0, vec![0..10, 0..3270]));
        assert_eq!(rows.region(4), (1, vec![10..20, 0..3270]));
        let large = order(&[8192, 8192], &[1024, 1024], &[true, true]);
        assert_eq!((large.work(), large.largest()), (64, vec![0..1024, 0..1024]));
        assert_eq!(order(&[0, 5], &[1, 1], &[true, false]).work(), 5);
        assert_eq!(order(&[], &[], &[]).region(0), (0, vec![]));
    }
}
