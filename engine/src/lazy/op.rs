//! What is done to make an array: a small vocabulary, which all verbs and functions are made of.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kernel::ChunkKernel;
use super::overlap::Reach;
use super::places::Places;
use super::view::View;
use crate::array::{ArraySource, Cuts, DType, Grid};
use crate::kernels::{
    Binary, Bits, Dense, Distribution, Floats, Fourier, Grouped, Lanes, Near, Reduce, Scan,
    Summary, Unary,
};

/// One step. Its inputs stand beside it, in the [`Node`](super::Node).
#[derive(Debug, Clone)]
pub enum Op {
    /// Read from somewhere.
    Read(Arc<dyn ArraySource>),
    /// The result of another plan, by its number: it is handed in whole.
    Given(usize),
    /// What a kernel makes of each chunk.
    Kernel(Arc<dyn ChunkKernel>),
    /// What a kernel makes of each chunk and what lies around it.
    Around(Arc<dyn ChunkKernel>, Reach),
    /// Everything else.
    Step(Step),
}

/// One step that is told by its name and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// One value everywhere.
    Full(Scalar),
    /// `start + step · index`, along the only dimension.
    Steps { start: Scalar, step: Scalar },
    /// Chance that is the same for the same seed, however it is cut.
    Random { distribution: Distribution, seed: u64 },
    /// A function of each value.
    Unary(Unary),
    /// A function of two values at the same place.
    Binary(Binary),
    /// The second where the first is true, else the third.
    Select,
    /// The same values as another type.
    Cast(DType),
    /// The same values at other places: cut, turned, repeated.
    View(View),
    /// One after the other along a dimension.
    Concat(usize),
    /// Those at these places along a dimension.
    Take { axis: usize, places: Places },
    /// The same values in the same order, in another shape.
    Reshape,
    /// One value of many along these dimensions, which go.
    Reduce { reduce: Reduce, skip_nan: bool, axes: Vec<bool> },
    /// The same values, cut otherwise.
    Rechunk,
    /// The same values, computed once and given whole to all that use them.
    Whole,
    /// Along a dimension, what each of these pieces comes to.
    Totals { scan: Scan, skip_nan: bool, axis: usize, cuts: Cuts },
    /// Along a dimension, each value of a piece with all before it. What each piece begins with is the
    /// second input.
    Scan { scan: Scan, skip_nan: bool, axis: usize, cuts: Cuts },
    /// What comes of all values along so many dimensions from `axis` on, together; one has it.
    Lanes { lanes: Lanes, axis: usize, many: usize },
    /// Which of the bins between these edges each value lies in.
    Digitize { edges: Floats, right: bool },
    /// Whole numbers of few bits, several to a byte along the last dimension.
    Pack { bits: Bits },
    /// What was packed, or the first of it along the last dimension.
    Unpack { bits: Bits },
    /// One value of each group of places along these dimensions, which go; a new last one has the groups.
    Group { group: Grouped, axes: Vec<bool> },
    /// Products of matrices: the first dimensions of both sides are shared, the last of the left and those after
    /// the shared ones of the right are summed over, piece by piece. A new first dimension has the pieces.
    Contract { batch: usize, over: Grid },
    /// For each lag up to so many before and after, the products of all rows of the left, moved by that, with all
    /// rows of the right, piece by piece of what rows have. A new first dimension has the pieces.
    Correlate { lags: u64, over: Cuts },
    /// The triangle of each piece of a matrix's rows: as many rows as it has columns.
    Triangles(Cuts),
    /// The orthonormal basis of each piece of a matrix's rows, times its part of the second input.
    Bases(Cuts),
    /// What is made of whole matrices, all results one after the other.
    Dense(Dense),
    /// What several arrays have at a place, byte after byte along a new last dimension.
    Records,
    /// The Fourier transform of whole lanes. Both parts of complex numbers lie along a last dimension.
    Fourier { fourier: Fourier, axis: usize },
    /// What comes of values and those around them. Some take a second input, whole.
    Overlap { near: Near, reach: Reach },
    /// Several values of many along these dimensions, which go; a new last one has them.
    Summarize { summary: Summary, axes: Vec<bool> },
}

impl Op {
    /// Whether what comes of it is a plan of its own, and no chunk program has it within.
    pub(crate) fn is_barrier(&self) -> bool {
        matches!(
            self,
            Self::Step(
                Step::Reduce { .. } | Step::Summarize { .. } | Step::Group { .. } | Step::Whole
            )
        )
    }
}

/// One value, in the bits of its kind widened to eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Signed(i64),
    /// A whole number that is not negative.
    Unsigned(u64),
    /// Any number.
    #[serde(with = "as_bits")]
    Float(f64),
}

impl Scalar {
    /// The value as a float.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Signed(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

/// JSON has no NaN.
mod as_bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        value.to_bits().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}
