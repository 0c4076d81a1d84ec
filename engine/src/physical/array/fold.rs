//! Many values brought to one: in which order chunks are taken, and what their states look like.

use std::fmt;

use datafusion::arrow::buffer::Buffer;
use datafusion::common::Result;
use serde::{Deserialize, Serialize};

use super::chunks::{asked, error};
use crate::array::{Grid, Kind, Region, Tensor, cells, shape_of};
use crate::kernels::{Becomes, Block, Folded};

/// What chunks are brought to, and along which dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fold {
    pub(crate) becomes: Becomes,
    /// Which dimensions go.
    pub(crate) axes: Vec<bool>,
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
        (of(false), of(true))
    }

    /// How many chunks are brought to one: at least an empty one.
    fn many(&self, grid: &Grid) -> u64 {
        let (_, gone) = self.split(grid);
        cells(&gone.counts()).unwrap_or(u64::MAX).max(1)
    }

    /// How many boxes there are to take in.
    pub(crate) fn work(&self, grid: &Grid) -> u64 {
        let (kept, _) = self.split(grid);
        kept.chunks().unwrap_or(u64::MAX).saturating_mul(self.many(grid))
    }

    /// What a number of work is: the number of the chunk that it goes into, and the box. All boxes of one
    /// chunk of the result follow each other.
    pub(crate) fn region(&self, grid: &Grid, number: u64) -> (u64, Region) {
        let (kept, gone) = self.split(grid);
        let many = self.many(grid);
        let (into, which) = (number / many, number % many);
        let mut outer = kept.region(&kept.place(into)).into_iter();
        let mut inner = gone.region(&gone.place(which)).into_iter();
        let next = |gone: &bool| if *gone { inner.next() } else { outer.next() };
        (into, self.axes.iter().map(next).map(|range| range.unwrap_or(0..0)).collect())
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
    pub(crate) fn bytes(&self, kind: Kind, grid: &Grid, into: u64) -> u64 {
        let (kept, _) = self.split(grid);
        let count = cells(&shape_of(&kept.region(&kept.place(into)))).unwrap_or(u64::MAX);
        let bytes = self.becomes.bytes(kind, count as usize) as u64;
        bytes.saturating_mul(2)
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
