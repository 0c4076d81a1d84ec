//! The product of two matrices. Whole numbers wrap, as NumPy's do; truth values are joined by and, and or.
//!
//! Where floats come of it, the left one may be of any numbers, as genotypes are: tile by tile they are made floats,
//! and multiplied while they are in a cache. All of them as floats are eight times as many bytes to bring there.

use std::ops::Range;

use faer::traits::RealField;
use faer::{Accum, MatMut, MatRef, Par};

use super::super::cast::cast;
use super::super::element::{Element, F32, F64, by_kind};
use super::super::number::Number;
use super::super::strided::gather;
use super::{Block, Kind, Slice};

/// So many values of a left matrix of other numbers are made floats at once, and so many of a row, or a column, that
/// lies side by side.
const TILE: usize = 1 << 17;
const LONGEST: usize = 512;

/// The bytes that a product takes beside matrices, where the left one has so many values, of other numbers.
pub(crate) fn product_beside(left: Kind, values: u64) -> u64 {
    let each = (left.width() + size_of::<f64>()) as u64;
    values.min(TILE as u64).saturating_mul(each)
}

/// How a matrix lies among values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lie {
    /// Where the first value is.
    pub(crate) first: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// From one row to the next, and from one column to the next.
    pub(crate) down: isize,
    pub(crate) across: isize,
}

impl Lie {
    /// Whether its rows, or its columns, lie in order with nothing between two values of one.
    fn is_plain(&self) -> bool {
        let plain = |run: isize, step: isize, length: usize, count: usize| {
            (run == 1 || length <= 1) && (step >= length.max(1) as isize || count <= 1)
        };
        plain(self.across, self.down, self.columns, self.rows)
            || plain(self.down, self.across, self.rows, self.columns)
    }

    /// Whether each row lies in one run.
    fn in_rows(&self) -> bool {
        self.across == 1 || self.columns <= 1
    }

    /// The same matrix, alone and in rows.
    fn alone(&self, values: Slice<'_>) -> (Block, Self) {
        let mut out = Block::empty(values.kind());
        let lie = self.side_by_side(values, true, &mut out);
        (out, lie)
    }

    /// Where its values lie, if they lie row by row, or column by column, with nothing between them.
    fn is_in_order(&self, by_rows: bool) -> Option<Range<usize>> {
        let (run, step, length, count) = match by_rows {
            true => (self.across, self.down, self.columns, self.rows),
            false => (self.down, self.across, self.rows, self.columns),
        };
        let in_order = run == 1 && (step == length as isize || count <= 1);
        in_order.then(|| self.first..self.first + length * count)
    }

    /// Brings its values together, row by row or column by column.
    fn side_by_side(&self, values: Slice<'_>, by_rows: bool, out: &mut Block) -> Self {
        let Self { rows, columns, down, across, .. } = *self;
        let (strides, shape) = match by_rows {
            true => ([down, across], [rows, columns]),
            false => ([across, down], [columns, rows]),
        };
        gather(values, self.first, &strides, &shape, (0, rows * columns), out);
        let (down, across) = if by_rows { (columns as isize, 1) } else { (1, rows as isize) };
        Self { first: 0, rows, columns, down, across }
    }

    /// Some of its rows, and some columns.
    fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let begins = rows.start as isize * self.down + columns.start as isize * self.across;
        let first = self.first.saturating_add_signed(begins);
        Self { first, rows: rows.len(), columns: columns.len(), ..*self }
    }
}

/// Writes the product of two matrices over what is at `at` in `out`, row by row. Both are of its kind; of floats, the
/// left one may be of another.
pub(crate) fn product(
    (left, a): (Slice<'_>, Lie),
    (right, b): (Slice<'_>, Lie),
    out: &mut Block,
    at: usize,
) {
    let (mut left, mut a, mut right, mut b) = (left, a, right, b);
    let (own_left, own_right);
    if left.kind() == out.kind() && !a.is_plain() {
        (own_left, a) = a.alone(left);
        left = own_left.as_slice();
    }
    let floats = out.kind().is_float();
    if (floats && !b.is_plain()) || (!floats && !b.in_rows()) {
        (own_right, b) = b.alone(right);
        right = own_right.as_slice();
    }
    let end = at + a.rows * b.columns;
    match (left, right, out) {
        (left, Slice::F64(right), Block::F64(out)) => {
            floats_of::<F64>(left, a, right, b, out.get_mut(at..end).unwrap_or_default());
        }
        (left, Slice::F32(right), Block::F32(out)) => {
            floats_of::<F32>(left, a, right, b, out.get_mut(at..end).unwrap_or_default());
        }
        (Slice::Bool(left), Slice::Bool(right), Block::Bool(out)) => {
            let out = out.get_mut(at..end).unwrap_or_default();
            row_by_row(left, a, right, b, out, |sum, x, y| sum | (x & y));
        }
        (left, right, out) => by_kind!(out.kind(), integers, E => {
            if let (Some(left), Some(right), Some(out)) = (E::of(left), E::of(right), E::of_mut(out)) {
                let out = out.get_mut(at..end).unwrap_or_default();
                row_by_row(left, a, right, b, out, |sum, x, y| Number::add(sum, Number::mul(x, y)));
            }
        }),
    }
}

fn matrix<'a, T>(values: &'a [T], lie: &Lie) -> Option<MatRef<'a, T>> {
    let Lie { first, rows, columns, down, across } = *lie;
    let values = values.get(first..)?;
    let in_rows = lie.in_rows() && (down >= columns.max(1) as isize || rows <= 1);
    let (length, count, step) =
        if in_rows { (columns, rows, down) } else { (rows, columns, across) };
    let step = if count <= 1 { length } else { step.unsigned_abs() };
    let values = values.get(..(count.max(1) - 1) * step + length)?;
    Some(match in_rows {
        true => MatRef::from_row_major_slice_with_stride(values, rows, columns, step),
        false => MatRef::from_column_major_slice_with_stride(values, rows, columns, step),
    })
}

fn floats_of<E: Element<Value: RealField>>(
    left: Slice<'_>,
    a: Lie,
    right: &[E::Value],
    b: Lie,
    out: &mut [E::Value],
) {
    if let Some(left) = E::of(left) {
        return multiply(left, a, right, b, out, Accum::Replace);
    }
    out.fill(E::Value::default());
    let by_rows = a.across.unsigned_abs() <= a.down.unsigned_abs();
    let length = if by_rows { a.columns } else { a.rows }.clamp(1, LONGEST);
    let (high, deep) = if by_rows { (TILE / length, length) } else { (length, TILE / length) };
    let (mut own, mut tile) = (Block::empty(left.kind()), Block::empty(E::KIND));
    for row in (0..a.rows).step_by(high) {
        let rows = row..a.rows.min(row + high);
        let out = out.get_mut(rows.start * b.columns..rows.end * b.columns).unwrap_or_default();
        for place in (0..a.columns).step_by(deep) {
            let along = place..a.columns.min(place + deep);
            let part = a.part(rows.clone(), along.clone());
            let lie = match part.is_in_order(by_rows) {
                Some(run) => {
                    cast(left.range(run.start, run.end), &mut tile);
                    Lie { first: 0, ..part }
                }
                None => {
                    let lie = part.side_by_side(left, by_rows, &mut own);
                    cast(own.as_slice(), &mut tile);
                    lie
                }
            };
            let tile = E::of(tile.as_slice()).unwrap_or_default();
            multiply(tile, lie, right, b.part(along, 0..b.columns), out, Accum::Add);
        }
    }
}

/// The product of matrices that lie plainly, over what is in `out` or added to it.
fn multiply<T: RealField>(left: &[T], a: Lie, right: &[T], b: Lie, out: &mut [T], accum: Accum) {
    if out.is_empty() {
        return;
    }
    let (Some(left), Some(right)) = (matrix(left, &a), matrix(right, &b)) else { return };
    let out = MatMut::from_row_major_slice_mut(out, a.rows, b.columns);
    faer::linalg::matmul::matmul(out, accum, left, right, T::one_impl(), Par::Seq);
}

/// Each row of the result is a sum of rows of the second.
fn row_by_row<T: Copy + Default>(
    left: &[T],
    a: Lie,
    right: &[T],
    b: Lie,
    out: &mut [T],
    add: impl Fn(T, T, T) -> T,
) {
    if b.columns == 0 {
        return;
    }
    for (row, out) in out.chunks_exact_mut(b.columns).enumerate() {
        out.fill(T::default());
        for k in 0..a.columns {
            let at = a.first as isize + row as isize * a.down + k as isize * a.across;
            let x = left.get(at.unsigned_abs()).copied().unwrap_or_default();
            let start = (b.first as isize + k as isize * b.down).unsigned_abs();
            let other = right.get(start..start + b.columns).unwrap_or_default();
            for (sum, y) in out.iter_mut().zip(other) {
                *sum = add(*sum, x, *y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Kind;

    /// The product, number by number.
    fn expected(left: &[f64], a: Lie, right: &[f64], b: Lie) -> Vec<f64> {
        let value = |values: &[f64], lie: Lie, row: usize, column: usize| {
            let at = lie.first as isize + row as isize * lie.down + column as isize * lie.across;
            values[at as usize]
        };
        let cell = |row: usize, column: usize| {
            (0..a.columns).map(|k| value(left, a, row, k) * value(right, b, k, column)).sum()
        };
        (0..a.rows).flat_map(|row| (0..b.columns).map(move |column| cell(row, column))).collect()
    }

    #[test]
    fn matrices_may_lie_in_any_way() {
        let values: Vec<f64> = (0..400).map(|at| f64::from((at * 7) % 13) - 5.0).collect();
        let lies = |rows: usize, columns: usize| {
            [
                Lie { first: 0, rows, columns, down: columns as isize, across: 1 },
                Lie { first: 3, rows, columns, down: 1, across: rows as isize + 2 },
                Lie { first: 5, rows, columns, down: 20, across: 1 },
                Lie { first: 399, rows, columns, down: -20, across: -1 },
                Lie { first: 0, rows, columns, down: 40, across: 3 },
                Lie { first: 7, rows, columns, down: 0, across: 1 },
                Lie { first: 7, rows, columns, down: 1, across: 0 },
            ]
        };
        for (m, k, n) in
            [(3, 4, 5), (1, 1, 1), (5, 1, 2), (1, 6, 1), (0, 3, 2), (2, 0, 3), (2, 3, 0)]
        {
            for a in lies(m, k) {
                for b in lies(k, n) {
                    let want = expected(&values, a, &values, b);
                    for kind in [Kind::F64, Kind::F32, Kind::I16, Kind::I64] {
                        let mut own = Block::empty(kind);
                        super::super::super::cast(Slice::F64(&values), &mut own);
                        let mut out = Block::zeros(kind, m * n + 2);
                        product((own.as_slice(), a), (own.as_slice(), b), &mut out, 1);
                        let mut got = Block::empty(Kind::F64);
                        super::super::super::cast(out.as_slice(), &mut got);
                        let Block::F64(got) = got else { panic!() };
                        assert_eq!(got[1..m * n + 1], want, "{kind} {a:?} {b:?}");
                        assert_eq!((got[0], got[m * n + 1]), (0.0, 0.0));
                    }
                }
            }
        }
    }

    #[test]
    fn floats_are_made_of_the_left_matrix_tile_by_tile() {
        let left: Vec<i16> = (0..400_000_i64).map(|at| (at * 7919 % 1013) as i16 - 500).collect();
        let right: Vec<f64> = (0..4000).map(|at| f64::from((at * 7) % 13) - 5.0).collect();
        let wide: Vec<f64> = left.iter().map(|value| f64::from(*value)).collect();
        let sizes = [
            (0, 3, 2),
            (3, 0, 2),
            (2, 3, 0),
            (1, 1, 1),
            (5, 7, 64),
            (5, 7, 65),
            // Longer than a part of a row, and more than a tile.
            (3, 1030, 1),
            (1030, 3, 17),
            (600, 300, 3),
            (300, 600, 1),
        ];
        for (m, k, n) in sizes {
            let (rows, columns) = (m as isize, k as isize);
            let lie = Lie { first: 3, rows: m, columns: k, down: columns, across: 1 };
            let lies = [
                lie,
                Lie { down: 1, across: rows + 2, ..lie },
                Lie { first: 399_999, down: -columns, across: -1, ..lie },
                Lie { down: 2, across: 2 * rows, ..lie },
                Lie { down: 0, ..lie },
                Lie { down: 1, across: 0, ..lie },
            ];
            let b = Lie { first: 0, rows: k, columns: n, down: n as isize, across: 1 };
            for a in lies {
                let want = expected(&wide, a, &right, b);
                let mut out = Block::F64(vec![7.0; m * n]);
                product((Slice::I16(&left), a), (Slice::F64(&right), b), &mut out, 0);
                assert!(out == Block::F64(want), "{a:?} {b:?}");
            }
        }
        let lie = Lie { first: 0, rows: 1, columns: 2, down: 2, across: 1 };
        for (other, is_nan) in [(f32::INFINITY, true), (f32::NAN, true), (2.0, false)] {
            let right = [other, 1.0];
            let mut out = Block::zeros(Kind::F32, 1);
            let b = Lie { rows: 2, columns: 1, down: 1, ..lie };
            product((Slice::U8(&[0, 1]), lie), (Slice::F32(&right), b), &mut out, 0);
            let Block::F32(out) = out else { panic!() };
            assert_eq!(out[0].is_nan(), is_nan);
        }
    }

    #[test]
    fn whole_numbers_wrap_and_truths_are_joined() {
        let lie = Lie { first: 0, rows: 1, columns: 1, down: 1, across: 1 };
        let mut out = Block::zeros(Kind::U8, 1);
        product((Slice::U8(&[200]), lie), (Slice::U8(&[2]), lie), &mut out, 0);
        assert_eq!(out, Block::U8(vec![144]));
        let (row, column) = (Lie { columns: 3, down: 3, ..lie }, Lie { rows: 3, ..lie });
        let mut out = Block::zeros(Kind::Bool, 1);
        product((Slice::Bool(&[1, 0, 1]), row), (Slice::Bool(&[1, 1, 1]), column), &mut out, 0);
        assert_eq!(out, Block::Bool(vec![1]));
    }
}
