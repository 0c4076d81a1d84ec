//! How rows go with other rows that are moved: sums of products at many lags at once.
//!
//! ```text
//! left   ──segments, each as much longer as there are lags──▶ spectra ─┐ at each frequency a product
//! right  ──segments, with zeros behind them──────────────────▶ spectra ─┴▶ of matrices ──▶ back, pair by pair
//! ```
//!
//! What two segments come to at all lags has the product of their transforms, so at each frequency all pairs of rows
//! are one product of matrices, which sums over segments. It multiplies less than products for each lag do: some four
//! times for a value and a pair of rows, however many lags there are.

use std::ops::Range;

use faer::traits::ComplexField;
use faer::{Accum, MatMut, MatRef, Par};
use realfft::num_complex::Complex;

use super::rows::Rows;
use super::volume::{AT_ONCE, each_lines};
use super::{Block, Kind, Slice, Wave};
use crate::kernels::element::{Element, F32, F64};

/// Bytes of spectra that are there at once, and of products of them.
const SPECTRA: usize = 64 << 20;
const PRODUCTS: usize = 2 << 20;

/// Nothing longer is transformed, whatever a plan from elsewhere may ask for: what it takes is counted first.
const LONGEST: usize = 1 << 48;

/// A transform takes as long as so many times its products and sums do in a product of matrices.
const SLOWER: f64 = 8.0;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    /// How many rows there are on the left and on the right.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) lags: usize,
    /// How long the right ones are.
    pub(crate) length: usize,
    /// How many values are missing at the beginning of the left ones: all are as much longer as there are lags, less
    /// one. What is missing at their end is, too.
    pub(crate) missing: usize,
}

/// How rows are cut into segments.
#[derive(Debug, Clone, Copy)]
struct Segments {
    /// How long what is transformed is, and half of its transform.
    all: usize,
    half: usize,
    /// How much of that is of the right side alone.
    fresh: usize,
    count: usize,
    /// How many are there at once.
    together: usize,
    /// How many rows of the left are multiplied at once, and with how many of the right: about as many, as the fewer
    /// there are of either, the more often the other is gone through.
    high: usize,
    wide: usize,
}

impl Moved {
    fn segments(&self, width: usize) -> Segments {
        let least = self.lags.clamp(8, LONGEST).next_power_of_two();
        let most = self.length.saturating_add(self.lags).min(LONGEST).next_power_of_two();
        let most = most.max(least);
        let lengths = std::iter::successors(Some(least), |length| length.checked_mul(2));
        let cuts = lengths.take_while(|all| *all <= most).map(|all| self.cut(all, width));
        let fastest = cuts.min_by(|a, b| self.takes(a).total_cmp(&self.takes(b)));
        fastest.unwrap_or_else(|| self.cut(most, width))
    }

    fn cut(&self, all: usize, width: usize) -> Segments {
        let (half, fresh) = (all / 2 + 1, (all + 1).saturating_sub(self.lags).max(1));
        let count = self.length.div_ceil(fresh);
        let a_number = 2 * width;
        let a_segment =
            half.saturating_mul(self.rows.saturating_add(self.columns)).saturating_mul(a_number);
        let together = (SPECTRA / a_segment.max(1)).clamp(1, count.max(1));
        let pairs = (PRODUCTS / half.saturating_mul(a_number).max(1)).max(1);
        let high = pairs.isqrt().max(pairs / self.columns.max(1)).clamp(1, self.rows.max(1));
        let wide = (pairs / high).clamp(1, self.columns.max(1));
        Segments { all, half, fresh, count, together, high, wide }
    }

    /// For how many products of numbers it takes as long.
    fn takes(&self, cut: &Segments) -> f64 {
        let Segments { all, half, count, together, .. } = *cut;
        let (rows, columns) = (self.rows as f64, self.columns as f64);
        let products = 4.0 * rows * columns * half as f64 * count as f64;
        let transforms =
            (rows + columns) * count as f64 + rows * columns * count.div_ceil(together) as f64;
        products + SLOWER * 2.5 * all as f64 * (all as f64).log2() * transforms
    }
}

/// The bytes that it takes beside both sides and what they come to.
pub(crate) fn correlate_beside(work: &Moved, kind: Kind) -> u64 {
    let Segments { all, half, together, high, wide, .. } = work.segments(kind.width());
    let spectra = work.rows.saturating_add(work.columns).saturating_mul(together);
    let products = high.saturating_mul(wide);
    // A row's own spectra, lines on their way back, and what transforms work with.
    let numbers = spectra.saturating_add(products).saturating_add(together + AT_ONCE);
    let numbers = half.saturating_mul(numbers).saturating_add(4 * all);
    (numbers as u64).saturating_mul(2 * kind.width() as u64)
}

/// Adds to what is at `at` in `out`, for each lag, from what is latest on the left to what is earliest, the products
/// of all rows of the left with all of the right.
pub(crate) fn correlate(
    left: Slice<'_>,
    right: Slice<'_>,
    work: &Moved,
    out: &mut Block,
    at: usize,
) -> Result<(), String> {
    let end = at + work.lags * work.rows * work.columns;
    match (left, right, out) {
        (Slice::F32(left), Slice::F32(right), Block::F32(out)) => {
            of_rows::<F32>(left, right, work, out.get_mut(at..end).unwrap_or_default())
        }
        (Slice::F64(left), Slice::F64(right), Block::F64(out)) => {
            of_rows::<F64>(left, right, work, out.get_mut(at..end).unwrap_or_default())
        }
        (left, right, _) => Err(format!("correlations of {} with {}", left.kind(), right.kind())),
    }
}

fn of_rows<E>(
    left: &[E::Value],
    right: &[E::Value],
    work: &Moved,
    out: &mut [E::Value],
) -> Result<(), String>
where
    E: Element<Value: Wave>,
    Complex<E::Value>: ComplexField,
{
    let Moved { rows, columns, lags, missing, .. } = *work;
    let cut = work.segments(size_of::<E::Value>());
    let Segments { all, half, fresh, count, together, high, wide } = cut;
    if out.is_empty() {
        return Ok(());
    }
    let zero = E::Value::of(0.0);
    let room = |numbers: usize| vec![Complex::new(zero, zero); half * numbers];
    let (mut of_left, mut of_right) = (room(rows * together), room(columns * together));
    let mut products = room(high * wide);
    let mut lines = room(AT_ONCE);
    let mut turns = Turns::<E::Value>::new(all, half * together);
    let factor = E::Value::of(1.0 / all as f64);
    for first in (0..count).step_by(together) {
        let segments = first..count.min(first + together);
        let many = segments.len();
        let window = |segment: usize| segment * fresh..segment * fresh + all;
        turns.spectra((left, rows), missing, segments.clone().map(window), &mut of_left)?;
        let window = |segment: usize| segment * fresh..(segment + 1) * fresh;
        turns.spectra((right, columns), 0, segments.map(window), &mut of_right)?;
        // At the lag where both are at the same place nothing is turned.
        of_right.iter_mut().for_each(|number| *number = number.conj());
        let tiles = (0..rows).step_by(high).flat_map(|row| {
            let columns = (0..columns).step_by(wide);
            columns.map(move |column| (row, column))
        });
        for (row, column) in tiles {
            let of_rows = row..rows.min(row + high);
            let of_columns = column..columns.min(column + wide);
            let (high, wide) = (of_rows.len(), of_columns.len());
            let cells = high * wide;
            let sides =
                of_left.chunks_exact(rows * many).zip(of_right.chunks_exact(columns * many));
            for ((left, right), to) in sides.zip(products.chunks_exact_mut(cells)).take(half) {
                let left = left.get(of_rows.start * many..of_rows.end * many);
                let right = right.get(of_columns.start * many..of_columns.end * many);
                faer::linalg::matmul::matmul(
                    MatMut::from_row_major_slice_mut(to, high, wide),
                    Accum::Replace,
                    MatRef::from_row_major_slice(left.unwrap_or_default(), high, many),
                    MatRef::from_row_major_slice(right.unwrap_or_default(), wide, many).transpose(),
                    Complex::new(E::Value::of(1.0), zero),
                    Par::Seq,
                );
            }
            let mut pairs = of_rows.flat_map(|row| {
                let first = row * columns;
                of_columns.clone().map(move |column| first + column)
            });
            let mut back = Ok(());
            let products = products.get_mut(..half * cells).unwrap_or_default();
            each_lines(products, half, cells, &mut lines, |lines| {
                for (line, pair) in lines.chunks_exact_mut(half).zip(&mut pairs) {
                    match turns.back(line) {
                        Ok(values) => {
                            let lags = out.chunks_exact_mut(rows * columns).rev().take(lags);
                            for (value, lag) in values.iter().zip(lags) {
                                if let Some(to) = lag.get_mut(pair) {
                                    *to = *to + *value * factor;
                                }
                            }
                        }
                        Err(error) => back = Err(error),
                    }
                }
                false
            });
            back?;
        }
    }
    Ok(())
}

/// What transforms segments, and the room that it takes.
struct Turns<T> {
    rows: Rows<T>,
    values: Vec<T>,
    /// The spectra of a row, one segment after the other.
    own: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Wave> Turns<T> {
    fn new(all: usize, numbers: usize) -> Self {
        let rows = Rows::new(all);
        let none = Complex::new(T::zero(), T::zero());
        let scratch = vec![none; rows.scratch()];
        Self { rows, values: vec![T::zero(); all], own: vec![none; numbers], scratch }
    }

    /// The spectra of windows of rows, of which so many values are missing before the first: for each frequency, row
    /// by row, those of all windows.
    fn spectra(
        &mut self,
        (of, rows): (&[T], usize),
        missing: usize,
        windows: impl ExactSizeIterator<Item = Range<usize>> + Clone,
        into: &mut [Complex<T>],
    ) -> Result<(), String> {
        let Self { rows: turns, values, own, scratch } = self;
        let (half, many) = (values.len() / 2 + 1, windows.len());
        let length = of.len() / rows.max(1);
        for row in 0..rows {
            let of = of.get(row * length..(row + 1) * length).unwrap_or_default();
            for (window, half) in windows.clone().zip(own.chunks_exact_mut(half)) {
                let before = missing.saturating_sub(window.start).min(window.len());
                let from = (window.start + before).saturating_sub(missing);
                let until = window.end.saturating_sub(missing).min(length);
                let there = of.get(from..until).unwrap_or_default();
                values.fill(T::zero());
                for (to, value) in values.iter_mut().skip(before).zip(there) {
                    *to = *value;
                }
                turns.forth(values, half, scratch)?;
            }
            for (frequency, all) in into.chunks_exact_mut(rows * many).take(half).enumerate() {
                let all = all.iter_mut().skip(row * many);
                let own = own.iter().skip(frequency).step_by(half);
                for (to, number) in all.zip(own).take(many) {
                    *to = *number;
                }
            }
        }
        Ok(())
    }

    /// The way back of one, as many times as large as it is long.
    fn back(&mut self, line: &mut [Complex<T>]) -> Result<&[T], String> {
        self.rows.back(line, &mut self.values, &mut self.scratch)?;
        Ok(&self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_meet_others_at_all_lags() {
        let value = |at: usize| ((at * 7919) % 101) as f64 - 50.0;
        let sizes = [
            (1, 1, 3, 1, 0),
            (1, 1, 1, 3, 2),
            (2, 3, 5, 40, 3),
            (3, 2, 49, 1000, 24),
            (2, 2, 49, 1000, 60),
            (1, 2, 300, 50, 10),
            (17, 19, 7, 300, 0),
            (70, 65, 9, 300, 2),
            (0, 2, 3, 10, 0),
            (2, 2, 3, 0, 0),
        ];
        for (rows, columns, lags, length, missing) in sizes {
            for behind in [0, 5] {
                let work = Moved { rows, columns, lags, length, missing };
                let wide = (length + lags - 1).saturating_sub(missing + behind);
                let left: Vec<f64> = (0..rows * wide).map(value).collect();
                let right: Vec<f64> = (0..columns * length).map(|at| value(at + 17)).collect();
                let expected = |lag: usize, row: usize, column: usize| -> f64 {
                    let of_left = |at: usize| {
                        let own = at.checked_sub(missing).filter(|at| *at < wide);
                        own.map_or(0.0, |at| left[row * wide + at])
                    };
                    let products = (0..length)
                        .map(|at| of_left(at + lags - 1 - lag) * right[column * length + at]);
                    products.sum()
                };
                let mut out = Block::F64(vec![1.0; 2 + lags * rows * columns]);
                correlate(Slice::F64(&left), Slice::F64(&right), &work, &mut out, 2).unwrap();
                let Block::F64(out) = out else { panic!() };
                for (number, got) in out[2..].iter().enumerate() {
                    let (lag, pair) = (number / (rows * columns), number % (rows * columns));
                    let want = 1.0 + expected(lag, pair / columns, pair % columns);
                    assert!((got - want).abs() < 1e-6, "{work:?} {number}: {got} and not {want}");
                }
            }
        }
    }

    #[test]
    fn spectra_and_products_take_no_more_than_they_may() {
        for (rows, columns, lags, length) in [
            (1, 1, 3, 1_000_000),
            (250, 250, 49, 30_000),
            (1000, 500, 49, 60_000),
            (1, 3000, 9, 500),
        ] {
            let work = Moved { rows, columns, lags, length, missing: 0 };
            let beside = correlate_beside(&work, Kind::F64);
            let most = SPECTRA + PRODUCTS + (rows + columns + 2) * 16 * 2048;
            assert!(beside < 2 * most as u64, "{work:?}: {beside}");
            let cut = work.segments(8);
            assert!(cut.all + 1 >= cut.fresh + lags && cut.count * cut.fresh >= length);
        }
        // What nobody could hold is not begun, and counted all the same.
        let all = usize::MAX;
        let work = Moved { rows: all, columns: all, lags: all, length: all, missing: all };
        assert!(correlate_beside(&work, Kind::F64) > 1 << 60);
    }
}
