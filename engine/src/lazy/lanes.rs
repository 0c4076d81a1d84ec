//! What is made of the values along a dimension, in their order.

use super::{Array, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, cells};
use crate::kernels::{Lanes, Scan};
use crate::lazy::make::CHUNK_BYTES;

/// As many values as anybody looks at one by one, and more.
const FEW: u64 = 1 << 20;

/// Pieces that are shorter than this on average are not worth a total each.
const SHORT: u64 = 16;

impl Array {
    /// Each value with all before it along a dimension: sums or products. Without an axis, those of all
    /// values, as if they were one row.
    ///
    /// Where the dimension is cut, what each piece comes to is computed first, in a pass of its own; then
    /// each chunk is computed alone, beginning with what comes before it.
    pub fn scan(&self, scan: Scan, skip_nan: bool, axis: Option<usize>) -> Result<Self> {
        let Some(axis) = axis else {
            return self.in_a_row()?.scan(scan, skip_nan, Some(0));
        };
        self.has_axis(axis)?;
        let DType::Plain(kind) = self.dtype() else {
            return self.scan_of_time(scan, skip_nan, axis);
        };
        let dtype = scan.result(kind).into();
        let carried = DType::from(scan.carried(self.kind()));
        let mut of = self.for_sums(scan.name(), scan == Scan::Sum, skip_nan, &[axis])?;
        if pieces_of(&of, axis) > 1 && of.shape().get(axis) < Some(&(SHORT * pieces_of(&of, axis)))
        {
            of = of.in_lanes(axis, 1)?;
        }
        let Some(cuts) = of.grid().0.get(axis).cloned() else { return Ok(of) };
        let pieces = cuts.pieces();
        let carries = if pieces > 1 {
            let mut form = Form { dtype: carried, ..of.form().clone() };
            set(&mut form.grid, axis, Cuts::even(pieces, 1));
            let step = Step::Totals { scan, skip_nan, axis, cuts: cuts.clone() };
            let totals = Self::step(step, vec![of.clone()], form)?.shared()?;
            totals.lanes(Lanes::Before(scan), axis, 1)?.shared()?
        } else {
            // Nothing comes before the only piece.
            let mut grid = of.grid().clone();
            set(&mut grid, axis, Cuts::even(pieces, 1));
            let nothing = super::Scalar::Unsigned(u64::from(scan == Scan::Prod));
            Self::filled_with(nothing, carried, grid)?
        };
        let form = Form { dtype, ..of.form().clone() };
        Self::step(Step::Scan { scan, skip_nan, axis, cuts }, vec![of, carries], form)
    }

    /// The same in one chunk, if there is not much of it: whoever looks at it sees its values in order.
    pub fn in_order(&self) -> Result<Self> {
        let few = cells(&self.shape()).is_some_and(|cells| cells <= FEW);
        match self.grid().chunks() {
            Some(2..) if few => self.shared()?.rechunk(Grid::whole(&self.shape())),
            _ => Ok(self.clone()),
        }
    }

    /// Something that is computed once, and given whole to all that use it.
    pub(crate) fn shared(&self) -> Result<Self> {
        Self::step(Step::Whole, vec![self.clone()], self.form().clone())
    }

    /// What comes of all values along so many dimensions from `axis` on, together.
    pub(crate) fn lanes(&self, lanes: Lanes, axis: usize, many: usize) -> Result<Self> {
        let dtype = match (lanes.result(self.kind()).map_err(ArrayError::Asked)?, self.dtype()) {
            (kind, DType::Plain(_)) => kind.into(),
            (kind, other) if kind == other.kind() => other,
            (kind, _) => kind.into(),
        };
        let of = self.in_lanes(axis, many)?;
        let shape = of.shape();
        let seen = shape.iter().skip(axis).take(many);
        let length = lanes.length(seen.fold(1, |all: u64, length| all.saturating_mul(*length)));
        let mut form = Form { dtype, ..of.form().clone() };
        let name = if many == 1 { form.dims.get(axis).cloned().flatten() } else { None };
        let end = (axis + many).min(shape.len());
        form.grid.0.splice(axis.min(end)..end, [Cuts::even(length, length)]);
        form.dims.splice(axis.min(end)..end, [name]);
        Self::step(Step::Lanes { lanes, axis, many }, vec![of], form)
    }

    /// The same values, not cut along so many dimensions from `axis` on. The others are cut so much finer that
    /// chunks do not grow, unless they are small.
    pub(super) fn in_lanes(&self, axis: usize, many: usize) -> Result<Self> {
        if (axis..axis + many).all(|axis| pieces_of(self, axis) <= 1) {
            return Ok(self.clone());
        }
        let width = self.dtype().width() as u64;
        let largest = self.grid().largest().unwrap_or(u64::MAX).max(CHUNK_BYTES / width);
        let mut grid = self.grid().clone();
        for (at, length) in self.shape().into_iter().enumerate().skip(axis).take(many) {
            set(&mut grid, at, Cuts::even(length, length));
        }
        for at in (0..grid.0.len()).filter(|at| !(axis..axis + many).contains(at)) {
            let cells = grid.largest().unwrap_or(u64::MAX);
            if cells <= largest {
                break;
            }
            let Some(cuts) = grid.0.get(at) else { break };
            let piece = (cuts.longest() / cells.div_ceil(largest)).max(1);
            let cuts = Cuts::even(cuts.length(), piece);
            set(&mut grid, at, cuts);
        }
        self.rechunk(grid)
    }

    /// Fails unless there is such a dimension.
    pub(super) fn has_axis(&self, axis: usize) -> Result<()> {
        match axis < self.ndim() {
            true => Ok(()),
            false => Err(ArrayError::asked(format!(
                "axis {axis} is out of range for an array of {} dimensions",
                self.ndim()
            ))),
        }
    }
}

fn pieces_of(array: &Array, axis: usize) -> u64 {
    array.grid().0.get(axis).map_or(0, Cuts::pieces)
}

fn set(grid: &mut Grid, axis: usize, cuts: Cuts) {
    if let Some(own) = grid.0.get_mut(axis) {
        *own = cuts;
    }
}
