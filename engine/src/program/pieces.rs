//! Boxes that are read piece by piece. Where many values are brought to one, and each is made of the value at
//! its place of the only thing that is read, or of what a part of that is, a box need not be there as a whole: some
//! rows are read and taken in, then the next.

use std::ops::Range;
use std::sync::Arc;

use super::evaluate::Evaluation;
use super::{Loaded, Program, Result};
use crate::array::{ArraySource, Region, Tensor, cells, shape_of};
use crate::kernels::Folded;
use crate::lazy::{Array, Axis, Op, Step, View};

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
        let goes_on = match step.op() {
            Op::Step(Step::Rechunk) => true,
            Op::Step(Step::View(view)) => keeps_rows(view),
            _ => step.is_elementwise(),
        };
        passes &= goes_on || !step.has_step(|_| false, reads);
        goes_on
    });
    match <[Array; 1]>::try_from(all) {
        Ok([only]) if passes => Some(only),
        _ => None,
    }
}

/// Whether the rows of a view are rows of what it shows, or of a part of them, in the same order.
fn keeps_rows(view: &View) -> bool {
    let is_along = |axis: &Axis| matches!(axis, Axis::Along { along: 0, .. });
    match view.axes.split_first() {
        Some((Axis::Along { along: 0, step: 1, .. }, others)) => !others.iter().any(is_along),
        _ => false,
    }
}

/// Bytes of a row that is a piece of its own: its values and what goes with them are taken where they lie.
const ROW: u64 = 256 << 10;

/// How many rows of a box make a piece.
fn rows(source: &dyn ArraySource, region: &[Range<u64>]) -> u64 {
    let shape = shape_of(region);
    let row = cells(shape.get(1..).unwrap_or_default()).unwrap_or(u64::MAX);
    let row = row.saturating_mul(source.form().dtype.width() as u64);
    if row >= ROW { 1 } else { (PIECE / row.max(1)).max(1) }
}

/// What is read piece by piece for a box.
pub(super) struct Piecewise<'a> {
    only: &'a Array,
    pub(super) source: &'a dyn ArraySource,
    /// What the box is made of.
    pub(super) region: Region,
    /// Bytes that it takes beside the pieces.
    pub(super) beside: u64,
}

impl Piecewise<'_> {
    /// The first piece of the box that the values come to.
    pub(super) fn slab(&self, region: &[Range<u64>]) -> Region {
        let mut slab = region.to_vec();
        if let Some(range) = slab.first_mut() {
            range.end = range.end.min(range.start.saturating_add(rows(self.source, &self.region)));
        }
        slab
    }
}

impl Program {
    /// What is read piece by piece for a box, if it is.
    pub(super) fn piecewise(&self, region: &[Range<u64>]) -> Option<Piecewise<'_>> {
        let only = self.only.as_ref()?;
        let Op::Read(source) = only.op() else { return None };
        // What has no dimensions has no rows.
        region.first()?;
        let [want] = <[_; 1]>::try_from(self.wants(region)).ok()?;
        let beside = source.piecewise(want.region())?;
        Some(Piecewise { only, source: Arc::as_ref(source), region: want.key.1, beside })
    }

    /// Takes in the values of a box, piece by piece, from what may be read as `of` says.
    pub(super) async fn fold_pieces(
        &self,
        of: Piecewise<'_>,
        source: &dyn ArraySource,
        region: &[Range<u64>],
        given: &[Tensor],
        into: &mut Folded,
    ) -> Result<()> {
        let mut pieces = source.pieces(&of.region).await?;
        let mut slab = of.slab(region);
        let (step, end, before) = match (slab.first(), region.first(), of.region.first()) {
            (Some(slab), Some(all), Some(read)) => (slab.end - slab.start, all.end, read.start),
            _ => return Ok(()),
        };
        let mut read = of.region.clone();
        let mut base = 0;
        loop {
            let (Some(range), Some(rows)) = (slab.first_mut(), read.first_mut()) else {
                return Ok(());
            };
            if range.start >= end {
                return pieces.end();
            }
            range.end = range.end.min(end);
            let first = region.first().map_or(0, |all| all.start);
            *rows = before + (range.start - first)..before + (range.end - first);
            let values = pieces.next(range.end - range.start)?;
            let count = cells(&shape_of(&slab)).unwrap_or(0) as usize;
            let loaded: Loaded = [((of.only.id(), read.clone()), values)].into_iter().collect();
            Evaluation::new(self, loaded, given).fold(&slab, into, base)?;
            base += count;
            if let Some(range) = slab.first_mut() {
                *range = range.end..range.end.saturating_add(step);
            }
        }
    }
}
