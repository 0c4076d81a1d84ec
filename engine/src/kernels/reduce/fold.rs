//! What a reduction does to the columns of its cells.

use super::layout::Rows;
use crate::kernels::element::Element;
use crate::kernels::{Block, Slice};

/// A way to take values into cells.
pub(super) trait Fold {
    /// Of the values.
    type From: Element;

    /// The columns of cells that have taken in nothing.
    fn fresh(cells: usize) -> Vec<Block>;

    /// Every row goes into one cell.
    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows);

    /// Every row goes into as many neighbouring cells.
    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows);

    /// Takes in what other cells, which begin at `from`, took in.
    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize);
}

/// The type of the values of a fold.
pub(super) type Of<F> = <<F as Fold>::From as Element>::Value;

/// Some neighbouring cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    pub(super) first: usize,
    pub(super) count: usize,
}

impl Cells {
    /// Those that the rows go across.
    pub(super) fn under<T>(first: usize, row: &[T]) -> Self {
        Self { first, count: row.len() }
    }

    /// Their part of a column.
    pub(super) fn of_mut<E: Element>(self, column: &mut Block) -> &mut [E::Value] {
        let values = E::of_mut(column).map(Vec::as_mut_slice).unwrap_or_default();
        values.get_mut(self.first..self.first + self.count).unwrap_or_default()
    }

    /// Their part of a column.
    pub(super) fn of<E: Element>(self, column: &Block) -> &[E::Value] {
        let values = E::of(column.as_slice()).unwrap_or_default();
        values.get(self.first..self.first + self.count).unwrap_or_default()
    }
}

/// All values of a column.
pub(super) fn all<E: Element>(column: &mut Block) -> &mut [E::Value] {
    E::of_mut(column).map(Vec::as_mut_slice).unwrap_or_default()
}

/// A fold, looked up once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) fresh: fn(usize) -> Vec<Block>,
    pub(super) along: fn(&mut [Block], Slice<'_>, &Rows),
    pub(super) across: fn(&mut [Block], Slice<'_>, &Rows),
    pub(super) merge: fn(&mut [Block], Cells, &[Block], usize),
}

impl Steps {
    pub(super) fn of<F: Fold>() -> Self {
        Self {
            fresh: F::fresh,
            along: |columns, values, rows| {
                F::along(columns, F::From::of(values).unwrap_or_default(), rows);
            },
            across: |columns, values, rows| {
                F::across(columns, F::From::of(values).unwrap_or_default(), rows);
            },
            merge: F::merge,
        }
    }
}
