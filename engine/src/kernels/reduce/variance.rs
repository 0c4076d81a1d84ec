//! How far values spread.

use std::hint::select_unpredictable;
use std::marker::PhantomData;

use super::count::numbers;
use super::fold::{Cells, Fold, Of, all};
use super::layout::Rows;
use super::sum::lanes;
use crate::kernels::Block;
use crate::kernels::element::{Element, F64, Value};

/// The number of values, the first of them, the mean of what the others differ from it, and the sum of the
/// squared distances from the mean. A run goes in with a mean and a sum of its own, and two such make one
/// (Chan, Golub and LeVeque). That loses nothing with values that are large and close together, as the
/// sum of the squares would, and as even the mean would if it were not that of small differences.
pub(super) struct Variance<E, const SKIP: bool>(PhantomData<E>);

/// As many values as have a mean of their own.
const PART: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Spread {
    count: f64,
    first: f64,
    mean: f64,
    squares: f64,
}

/// Whether a value is not to be left out.
#[inline(always)]
fn is_in<V: Value, const SKIP: bool>(value: V) -> bool {
    !(SKIP && value.is_nan())
}

impl Spread {
    /// Of some values, as they differ from the `first` of this one.
    #[inline]
    fn and<V: Value, const SKIP: bool>(self, values: &[V]) -> Self {
        let count = if SKIP { numbers(values) as f64 } else { values.len() as f64 };
        let first = if self.count > 0.0 {
            self.first
        } else {
            let first = values.iter().find(|value| is_in::<_, SKIP>(**value));
            first.map_or(0.0, |value| value.wide())
        };
        let sum = lanes(
            values,
            #[inline(always)]
            |value| if is_in::<_, SKIP>(value) { value.wide() - first } else { 0.0 },
        );
        let mean = sum / count;
        let squares = lanes(
            values,
            #[inline(always)]
            |value| {
                let distance = value.wide() - first - mean;
                if is_in::<_, SKIP>(value) { distance * distance } else { 0.0 }
            },
        );
        self.with(Self { count, first, mean, squares })
    }

    #[inline]
    fn with(self, other: Self) -> Self {
        if other.count == 0.0 {
            return self;
        }
        if self.count == 0.0 {
            return other;
        }
        let count = self.count + other.count;
        let distance = (other.mean - self.mean) + (other.first - self.first);
        let share = other.count / count;
        Self {
            count,
            first: self.first,
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * self.count * share,
        }
    }
}

impl<E: Element, const SKIP: bool> Fold for Variance<E, SKIP> {
    type From = E;

    fn fresh(cells: usize) -> Vec<Block> {
        vec![Block::F64(vec![0.0; cells]); 4]
    }

    fn along(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [counts, firsts, means, squares] = columns else { return };
        let (counts, firsts) = (all::<F64>(counts), all::<F64>(firsts));
        let (means, squares) = (all::<F64>(means), all::<F64>(squares));
        for (cell, _, row) in rows.of(values) {
            if let (Some(count), Some(first), Some(mean), Some(squares)) = (
                counts.get_mut(cell),
                firsts.get_mut(cell),
                means.get_mut(cell),
                squares.get_mut(cell),
            ) {
                let sofar = Spread { count: *count, first: *first, mean: *mean, squares: *squares };
                let spread = row.chunks(PART).fold(sofar, Spread::and::<_, SKIP>);
                (*count, *first, *mean, *squares) =
                    (spread.count, spread.first, spread.mean, spread.squares);
            }
        }
    }

    fn across(columns: &mut [Block], values: &[Of<Self>], rows: &Rows) {
        let [counts, firsts, means, squares] = columns else { return };
        for (cell, _, row) in rows.of(values) {
            let cells = Cells::under(cell, row);
            let counts = cells.of_mut::<F64>(counts).iter_mut().zip(cells.of_mut::<F64>(firsts));
            let means = cells.of_mut::<F64>(means).iter_mut().zip(cells.of_mut::<F64>(squares));
            for (((count, first), (mean, squares)), &value) in counts.zip(means).zip(row) {
                // Nothing branches here, so that several cells are done at once.
                let is_in = is_in::<_, SKIP>(value);
                let value = value.wide();
                *first = select_unpredictable(is_in & (*count == 0.0), value, *first);
                let difference = value - *first;
                let distance = difference - *mean;
                let next = *count + 1.0;
                let moved = *mean + distance / next;
                let grown = *squares + distance * (difference - moved);
                *count = select_unpredictable(is_in, next, *count);
                *mean = select_unpredictable(is_in, moved, *mean);
                *squares = select_unpredictable(is_in, grown, *squares);
            }
        }
    }

    fn merge(columns: &mut [Block], cells: Cells, others: &[Block], from: usize) {
        let [counts, firsts, means, squares] = columns else { return };
        let [other_counts, other_firsts, other_means, other_squares] = others else { return };
        let counts = cells.of_mut::<F64>(counts).iter_mut().zip(cells.of_mut::<F64>(firsts));
        let means = cells.of_mut::<F64>(means).iter_mut().zip(cells.of_mut::<F64>(squares));
        let theirs = Cells { first: from, ..cells };
        let others = theirs.of::<F64>(other_counts).iter().zip(theirs.of::<F64>(other_firsts));
        let other_means = theirs.of::<F64>(other_means).iter().zip(theirs.of::<F64>(other_squares));
        for (((count, first), (mean, squares)), ((&n, &a), (&m, &s))) in
            counts.zip(means).zip(others.zip(other_means))
        {
            let sofar = Spread { count: *count, first: *first, mean: *mean, squares: *squares };
            let spread = sofar.with(Spread { count: n, first: a, mean: m, squares: s });
            (*count, *first, *mean, *squares) =
                (spread.count, spread.first, spread.mean, spread.squares);
        }
    }
}
