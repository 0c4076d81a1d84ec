//! Tall matrices, piece by piece. Of each piece the triangle R is made; the triangles stacked are a matrix again,
//! much smaller, whose basis says what each piece's own basis is to be multiplied with.
//!
//! ```text
//! A0 = Q0 R0        R0         T0                Q0 T0
//! A1 = Q1 R1  ───▶  R1  =  ( T1 ) R   ───▶  A = ( Q1 T1 ) R
//! A2 = Q2 R2        R2         T2                Q2 T2
//! ```
//!
//! Bases are made again when they are needed, in place of being kept; so whatever is done to a piece must be the
//! same each time: for a piece whose columns depend on each other, another order of steps gives another triangle.
//! Within a piece the same is done with blocks that fit into a cache.

use faer::{Accum, Mat, MatRef, Par};

use super::{Block, Kind, Real, Slice, append_rows, block, numbers, of_rows, qr, real};

/// Values of a block that is decomposed at once.
const BLOCK: usize = 1 << 15;

/// The triangle of each piece: as many rows as there are columns. Pieces begin at these rows, and have at least as
/// many: below the triangle of a shorter one there would be zeros, which a part of a basis may be spent on where
/// columns depend on each other.
pub(crate) fn triangles(
    values: Slice<'_>,
    columns: usize,
    starts: &[usize],
) -> Result<Block, String> {
    real!(values.kind(), T => {
        let values = numbers::<T>(values)?;
        let mut all = Vec::with_capacity(starts.len() * columns * columns);
        for piece in pieces(values, columns, starts) {
            let factored = Factored::of(piece, columns, false)?;
            append_rows(factored.triangle.as_ref(), &mut all);
            let missing = columns - factored.triangle.nrows();
            all.resize(all.len() + missing * columns, 0.0);
        }
        Ok(block(all))
    })
}

/// The basis of each piece, times its own part of `turns`.
pub(crate) fn bases(
    values: Slice<'_>,
    columns: usize,
    starts: &[usize],
    turns: Slice<'_>,
) -> Result<Block, String> {
    real!(values.kind(), T => {
        let (values, turns) = (numbers::<T>(values)?, numbers::<T>(turns)?);
        let turns = of_rows(turns, starts.len() * columns, columns)?;
        let mut all = Vec::with_capacity(values.len());
        for (at, piece) in pieces(values, columns, starts).enumerate() {
            let factored = Factored::of(piece, columns, true)?;
            let turn = turns.submatrix(at * columns, 0, factored.triangle.nrows(), columns);
            factored.turned(turn, &mut all);
        }
        Ok(block(all))
    })
}

fn pieces<'a, T>(
    values: &'a [T],
    columns: usize,
    starts: &'a [usize],
) -> impl Iterator<Item = &'a [T]> {
    let rows = values.len().checked_div(columns).unwrap_or(0);
    let ends = starts.iter().skip(1).copied().chain([rows]);
    starts
        .iter()
        .zip(ends)
        .map(move |(start, end)| values.get(start * columns..end * columns).unwrap_or_default())
}

/// A piece that is decomposed.
struct Factored<T> {
    /// The basis of each block, and what it is multiplied with to be a part of the piece's.
    blocks: Vec<(Mat<T>, Mat<T>)>,
    triangle: Mat<T>,
}

impl<T: Real> Factored<T> {
    fn of(piece: &[T], columns: usize, with_basis: bool) -> Result<Self, String> {
        let rows = piece.len().checked_div(columns).unwrap_or(0);
        let each = (BLOCK / columns.max(1)).max(4 * columns).max(1);
        let mut bases = Vec::new();
        let mut triangles: Vec<Mat<T>> = Vec::new();
        for first in (0..rows).step_by(each) {
            let count = each.min(rows - first);
            let part = piece.get(first * columns..(first + count) * columns).unwrap_or_default();
            let (basis, triangle) = qr(of_rows(part, count, columns)?, with_basis);
            bases.extend(basis);
            triangles.push(triangle);
        }
        if let [_] = &triangles[..] {
            let size = rows.min(columns);
            let blocks = bases.into_iter().map(|basis| (basis, Mat::identity(size, size)));
            let blocks = blocks.collect();
            return Ok(Self { blocks, triangle: triangles.swap_remove(0) });
        }
        let mut stacked = Vec::new();
        for triangle in &triangles {
            append_rows(triangle.as_ref(), &mut stacked);
        }
        let height = stacked.len().checked_div(columns).unwrap_or(0);
        let (turns, triangle) = qr(of_rows(&stacked, height, columns)?, with_basis);
        let mut blocks = Vec::with_capacity(bases.len());
        if let Some(turns) = turns {
            let mut first = 0;
            for (basis, triangle) in bases.into_iter().zip(&triangles) {
                let own = turns.as_ref().submatrix(first, 0, triangle.nrows(), turns.ncols());
                blocks.push((basis, own.to_owned()));
                first += triangle.nrows();
            }
        }
        Ok(Self { blocks, triangle })
    }

    /// The rows of the basis, times a matrix.
    fn turned(&self, turn: MatRef<'_, T>, out: &mut Vec<T>) {
        for (basis, own) in &self.blocks {
            let turn = product(own.as_ref(), turn);
            append_rows(product(basis.as_ref(), turn.as_ref()).as_ref(), out);
        }
    }
}

fn product<T: Real>(left: MatRef<'_, T>, right: MatRef<'_, T>) -> Mat<T> {
    let mut out = Mat::zeros(left.nrows(), right.ncols());
    let one = T::one_impl();
    faer::linalg::matmul::matmul(out.as_mut(), Accum::Replace, left, right, one, Par::Seq);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decomposition of a matrix that is cut at these rows.
    fn decomposed(values: &[f64], columns: usize, starts: &[usize]) -> (Vec<f64>, Mat<f64>) {
        let Block::F64(stack) = triangles(Slice::F64(values), columns, starts).unwrap() else {
            panic!()
        };
        let height = stack.len() / columns;
        let (turns, triangle) = qr(of_rows(&stack, height, columns).unwrap(), true);
        let mut rows = Vec::new();
        append_rows(turns.unwrap().as_ref(), &mut rows);
        let made = bases(Slice::F64(values), columns, starts, Slice::F64(&rows)).unwrap();
        let Block::F64(basis) = made else { panic!() };
        (basis, triangle)
    }

    #[test]
    fn pieces_come_to_one_decomposition() {
        let rows = 9_000;
        for (columns, dependent) in [(7, false), (7, true), (1, false), (40, true)] {
            let mut values: Vec<f64> =
                (0..rows * columns).map(|at| ((at * 7919) % 1013) as f64 / 500.0 - 1.0).collect();
            if dependent {
                for row in values.chunks_mut(columns) {
                    row[columns - 1] = row[0] * 2.0 - row[1];
                }
            }
            // Pieces as short as they may be, of several blocks, and the rest.
            for starts in [vec![0], vec![0, columns, 6_000], vec![0, 41, 82, 5_000]] {
                let (basis, triangle) = decomposed(&values, columns, &starts);
                let basis = of_rows(&basis, rows, columns).unwrap();
                let gram = product(basis.transpose(), basis);
                let again = product(basis, triangle.as_ref());
                for row in 0..columns {
                    assert!(triangle[(row, row)] >= 0.0);
                    for column in 0..columns {
                        let want = f64::from(u8::from(row == column));
                        assert!((gram[(row, column)] - want).abs() < 1e-12, "{columns} {starts:?}");
                    }
                }
                let whole = of_rows(&values, rows, columns).unwrap();
                for row in 0..rows {
                    for column in 0..columns {
                        let off = again[(row, column)] - whole[(row, column)];
                        assert!(off.abs() < 1e-12, "{columns} {starts:?}: {off}");
                    }
                }
            }
        }
    }
}
