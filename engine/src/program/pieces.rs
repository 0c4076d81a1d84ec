//! Boxes that are read piece by piece. Where many values are brought to one, and each is made of the value at
//! its place of the only thing that is read, a box need not be there as a whole: some rows are read and taken
//! in, then the next.

use std::ops::Range;
use std::sync::Arc;

use super::evaluate::Evaluation;
use super::{Loaded, Program, Result};
use crate::array::{ArraySource, Region, Tensor, cells, shape_of};
use crate::kernels::Folded;
use crate::lazy::{Array, Op, Step};

/// Bytes of a piece: few enough to stay in cache until they are taken in.
const PIECE: u64 = 2 << 20;

/// The only thing that is read, if all else can be computed for any rows of the result.
pub(super) fn only_read(root: &Array) -> Option<Array> {
    let reads = |step: &Array| matches!(step.op(), Op::Read(_));
    let (mut all, mut passes) = (Vec::new(), true);
    root.each_step(|step| {
        if reads(step) {
            all.push(step.clone());
            return false;
        }
        let goes_on = step.is_elementwise() || matches!(step.op(), Op::Step(Step::Rechunk));
        passes &= goes_on || !step.has_step(|_| false, reads);
        goes_on
    });
    match <[Array; 1]>::try_from(all) {
        Ok([only]) if passes => Some(only),
        _ => None,
    }
}

/// How many rows of a box make a piece.
fn rows(source: &dyn ArraySource, region: &[Range<u64>]) -> u64 {
    let shape = shape_of(region);
    let row = cells(shape.get(1..).unwrap_or_default()).unwrap_or(u64::MAX);
    let row = row.saturating_mul(source.form().dtype.width() as u64);
    (PIECE / row.max(1)).max(1)
}

/// The first piece of a box.
pub(super) fn slab(source: &dyn ArraySource, region: &[Range<u64>]) -> Region {
    let mut slab = region.to_vec();
    if let Some(range) = slab.first_mut() {
        range.end = range.end.min(range.start.saturating_add(rows(source, region)));
    }
    slab
}

impl Program {
    /// What is read piece by piece for a box, and what that takes beside the pieces.
    pub(super) fn piecewise(&self, region: &[Range<u64>]) -> Option<(&dyn ArraySource, u64)> {
        let Op::Read(source) = self.only.as_ref()?.op() else { return None };
        Some((Arc::as_ref(source), source.piecewise(region)?))
    }

    /// Takes in the values of a box, piece by piece.
    pub(super) async fn fold_pieces(
        &self,
        source: &dyn ArraySource,
        region: &[Range<u64>],
        given: &[Tensor],
        into: &mut Folded,
    ) -> Result<()> {
        let Some(only) = &self.only else { return Ok(()) };
        let mut pieces = source.pieces(region).await?;
        let mut slab = slab(source, region);
        let (step, end) = match (slab.first(), region.first()) {
            (Some(slab), Some(all)) => (slab.end - slab.start, all.end),
            _ => return Ok(()),
        };
        let mut base = 0;
        loop {
            let Some(range) = slab.first_mut() else { return Ok(()) };
            if range.start >= end {
                return pieces.end();
            }
            range.end = range.end.min(end);
            let values = pieces.next(range.end - range.start)?;
            let count = values.values().len();
            let loaded: Loaded = [((only.id(), slab.clone()), values)].into_iter().collect();
            Evaluation::new(self, loaded, given).fold(&slab, into, base)?;
            base += count;
            if let Some(range) = slab.first_mut() {
                *range = range.end..range.end.saturating_add(step);
            }
        }
    }
}
