//! Boxes that are read piece by piece. Where many values are brought to one, and each is made of the value at
//! its place of the only thing that is read, or of what a part of that is, a box need not be there as a whole: some
//! rows are read and taken in, then the next.

use std::ops::Range;

use super::evaluate::Evaluation;
use super::{Loaded, Program, Result, Want};
use crate::array::{Region, Tensor, buffers, cells, shape_of};
use crate::kernels::Folded;
use crate::lazy::{Array, Axis, Op, Step, View};

/// Bytes of a piece: few enough to stay in cache until they are taken in.
const PIECE: u64 = 2 << 20;

/// Whether one thing is read, and all else can be computed for any rows of the result.
pub(super) fn takes_rows(root: &Array) -> bool {
    let reads = |step: &Array| matches!(step.op(), Op::Read(_));
    let (mut count, mut passes) = (0, true);
    root.each_step(|step| {
        if reads(step) {
            count += 1;
            return false;
        }
        let goes_on = match step.op() {
            Op::Step(Step::Rechunk) => true,
            Op::Step(Step::View(view)) => keeps_rows(view),
            _ => step.is_elementwise(),
        };
        passes &= goes_on || !step.has_step(|_| false, reads);
        goes_on
    });
    passes && count == 1
}

/// Whether the rows of a view are rows of what it shows, or of a part of them, in the same order.
fn keeps_rows(view: &View) -> bool {
    let is_along = |axis: &Axis| matches!(axis, Axis::Along { along: 0, .. });
    match view.axes.split_first() {
        Some((Axis::Along { along: 0, step: 1, .. }, others)) => !others.iter().any(is_along),
        _ => false,
    }
}

/// Bytes of a row that is a piece of its own. One row is taken where it lies, and so is what goes with it; several rows
/// of a box that is narrower than what it is cut from are copied together first. A row that is copied all the same is
/// so into memory that is used again: shorter ones are not.
const ROW: u64 = buffers::WORTH_KEEPING as u64;

/// What is read piece by piece for a box.
pub(super) struct Piecewise {
    /// What the box is made of.
    pub(super) want: Want,
    /// Bytes that it takes beside the pieces.
    pub(super) beside: u64,
}

impl Piecewise {
    /// The first piece of the box that the values come to.
    pub(super) fn slab(&self, region: &[Range<u64>]) -> Region {
        let mut slab = region.to_vec();
        if let Some(range) = slab.first_mut() {
            range.end = range.end.min(range.start.saturating_add(self.rows(region)));
        }
        slab
    }

    /// How many rows of a box make a piece. A view may show a value in many places, or few of those that are read.
    fn rows(&self, region: &[Range<u64>]) -> u64 {
        let length = |region: &[Range<u64>]| {
            cells(shape_of(region).get(1..).unwrap_or_default()).unwrap_or(u64::MAX)
        };
        let row = length(region).max(length(self.want.region()));
        let row = row.saturating_mul(self.want.source.form().dtype.width() as u64);
        if row >= ROW { 1 } else { (PIECE / row.max(1)).max(1) }
    }
}

impl Program {
    /// What is read piece by piece for a box, if it is.
    pub(super) fn piecewise(&self, region: &[Range<u64>]) -> Option<Piecewise> {
        // What has no dimensions has no rows.
        if !self.takes_rows || region.is_empty() {
            return None;
        }
        let [want] = <[_; 1]>::try_from(self.wants(region)).ok()?;
        let beside = want.source.piecewise(want.region())?;
        Some(Piecewise { want, beside })
    }

    /// Takes in the values of a box, piece by piece.
    pub(super) async fn fold_pieces(
        &self,
        of: Piecewise,
        region: &[Range<u64>],
        given: &[Tensor],
        into: &mut Folded,
    ) -> Result<()> {
        let mut slab = of.slab(region);
        let (id, mut read) = of.want.key;
        let mut pieces = of.want.source.pieces(&read).await?;
        let (step, first, end, before) = match (slab.first(), region.first(), read.first()) {
            (Some(slab), Some(all), Some(read)) => {
                (slab.end - slab.start, all.start, all.end, read.start)
            }
            _ => return Ok(()),
        };
        let mut base = 0;
        loop {
            let (Some(range), Some(rows)) = (slab.first_mut(), read.first_mut()) else {
                return Ok(());
            };
            if range.start >= end {
                return pieces.end();
            }
            range.end = range.end.min(end);
            *rows = before + (range.start - first)..before + (range.end - first);
            let values = pieces.next(range.end - range.start)?;
            let count = cells(&shape_of(&slab)).unwrap_or(0) as usize;
            let loaded: Loaded = [((id, read.clone()), values)].into_iter().collect();
            Evaluation::new(self, loaded, given).fold(&slab, into, base)?;
            base += count;
            if let Some(range) = slab.first_mut() {
                *range = range.end..range.end.saturating_add(step);
            }
        }
    }
}
