//! Chunks that look at what lies around them: how far, and how an array goes on beyond its edges.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Array, ChunkKernel, Op, Pad, Result, Scalar, Step};
use crate::array::{ArrayError, DType, Form, Kind, Region};
use crate::kernels::Near;

/// How an array goes on beyond its edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Boundary {
    /// As in a mirror that stands beyond the edge: `b a | a b c`.
    Reflect,
    /// As in a mirror that stands on the edge: `c b | a b c`.
    Mirror,
    /// With what is at the edge: `a a | a b c`.
    Nearest,
    /// From the other end: `b c | a b c`.
    Periodic,
    /// With a number.
    Constant(Scalar),
    /// Not at all: there is less to look at.
    None,
}

impl Boundary {
    fn pad(self) -> Option<Pad> {
        Some(match self {
            Self::Reflect => Pad::Symmetric,
            Self::Mirror => Pad::Reflect,
            Self::Nearest => Pad::Edge,
            Self::Periodic => Pad::Wrap,
            Self::Constant(value) => Pad::Constant(value),
            Self::None => return None,
        })
    }
}

/// How far around a box is looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How far before and after, along each dimension.
    pub depths: Vec<(u64, u64)>,
    /// Whether what is looked at has so many places more: else there is less to see at its edges.
    pub padded: bool,
}

impl Reach {
    /// The wider box of an array of this shape, and how much wider it is.
    pub(crate) fn around(
        &self,
        region: &[Range<u64>],
        shape: &[u64],
    ) -> (Region, Vec<(usize, usize)>) {
        let along = region.iter().zip(&self.depths).zip(shape);
        let one = |((range, (before, after)), length): ((&Range<u64>, &(u64, u64)), &u64)| {
            let wide = match self.padded {
                true => range.start..range.end.saturating_add(before + after),
                false => range.start.saturating_sub(*before)..range.end.saturating_add(*after),
            };
            let wide = wide.start..wide.end.min(*length);
            let margin = match self.padded {
                true => (*before, *after),
                false => (range.start - wide.start, wide.end.saturating_sub(range.end)),
            };
            (wide, (margin.0 as usize, margin.1 as usize))
        };
        along.map(one).unzip()
    }

    /// Whether an array of this shape can be what an array of that shape is made of.
    pub(super) fn fits(&self, of: &[u64], made: &[u64]) -> bool {
        let widened = made.iter().zip(&self.depths).map(|(length, (before, after))| {
            length.checked_add(*before).and_then(|length| length.checked_add(*after))
        });
        self.depths.len() == made.len()
            && match self.padded {
                true => widened.eq(of.iter().map(|length| Some(*length))),
                false => of == made && widened.into_iter().all(|length| length.is_some()),
            }
    }
}

impl Array {
    /// What comes of each value and those around it.
    pub(super) fn near(
        &self,
        near: Near,
        depths: &[(u64, u64)],
        boundary: Boundary,
        other: Option<Self>,
    ) -> Result<Self> {
        let dtype: DType = match (near.result(self.kind()), self.dtype()) {
            (Ok(kind), DType::Plain(_)) => kind.into(),
            (Err(reason), _) => return Err(ArrayError::Asked(reason)),
            (_, other) => {
                return Err(ArrayError::asked(format!("{} of {other}", near.name())));
            }
        };
        // What is told of edges is told by them alone.
        if boundary == Boundary::None && !matches!(near, Near::Gradient { .. }) {
            return Err(ArrayError::asked(format!(
                "{}: an array goes on beyond its edges somehow: boundary => 'none' is for map_overlap",
                near.name()
            )));
        }
        if self.shape().contains(&0) {
            return self.cast(dtype);
        }
        let (of, reach) = self.reaching(depths, boundary)?;
        let other_shape = other.as_ref().map(Self::shape);
        if !near.fits(&reach.depths, reach.padded, other_shape.as_deref()) {
            return Err(ArrayError::asked(format!(
                "{} does not look {:?} places around",
                near.name(),
                reach.depths
            )));
        }
        let form = Form { dtype, ..self.form().clone() };
        let inputs = std::iter::once(of).chain(other).collect();
        Self::step(Step::Overlap { near, reach }, inputs, form)
    }

    /// What a kernel makes of each chunk, as this array is cut, and of what lies so far around it: it gives as many
    /// values as it is given, and those around are left out.
    pub fn map_overlap(
        &self,
        kernel: Arc<dyn ChunkKernel>,
        depths: &[(u64, u64)],
        boundary: Boundary,
    ) -> Result<Self> {
        let dtype = kernel.result(self.dtype())?;
        if self.shape().contains(&0) {
            return self.map_blocks(kernel);
        }
        let (of, reach) = self.reaching(depths, boundary)?;
        let form = Form { dtype, ..self.form().clone() };
        Self::new(Op::Around(kernel, reach), vec![of], form)
    }

    /// The same with what lies around it.
    fn reaching(&self, depths: &[(u64, u64)], boundary: Boundary) -> Result<(Self, Reach)> {
        if depths.len() != self.ndim() {
            return Err(ArrayError::asked(format!(
                "{} depths for {} dimensions",
                depths.len(),
                self.ndim()
            )));
        }
        let depths = depths.to_vec();
        match boundary.pad() {
            Some(pad) => Ok((self.pad(&depths, pad)?, Reach { depths, padded: true })),
            None => Ok((self.clone(), Reach { depths, padded: false })),
        }
    }

    /// The same values as numbers with fractions: what are some already, stay so.
    pub(super) fn fractions(&self, what: &str) -> Result<Self> {
        match self.dtype() {
            DType::Plain(Kind::F32 | Kind::F64) => Ok(self.clone()),
            DType::Plain(_) => self.cast(Kind::F64.into()),
            other => Err(ArrayError::asked(format!("{what} of {other}: cast it to f64 first"))),
        }
    }
}
