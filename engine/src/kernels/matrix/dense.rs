//! What is made of whole matrices, which fit into memory with all that comes of them. Several results lie one
//! after the other: a decomposition is made once, and each of its parts is a part of that.

use faer::linalg::solvers::{Llt, PartialPivLu, SelfAdjointEigen, Solve, Svd};
use faer::{Mat, MatRef, Side};
use serde::{Deserialize, Serialize};

use super::{Block, Kind, Real, Slice, append_rows, block, numbers, of_rows, qr, real};

/// What is made of one matrix, or of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dense {
    /// An orthonormal basis Q and a triangle R.
    Qr,
    /// Left vectors, singular values, right vectors as rows.
    Svd,
    /// The eigenvalues of a symmetric matrix, the smallest first, and its eigenvectors as columns.
    Eigen,
    /// The lower triangle L of `L Lᵀ`, of what is at and below the diagonal.
    Cholesky,
    /// The permutation P, the lower triangle L, and the upper one U of `P L U`.
    Lu,
    /// What a square matrix times it is the second matrix.
    Solve,
    /// The inverse of a square matrix.
    Inverse,
    /// The shortest of those that a matrix times comes closest to the second matrix. What is noise beside its largest
    /// singular value depends on how many rows it was made of.
    LeastSquares {
        /// So many, or as many as it has.
        rows: u64,
    },
    /// The logarithm of the absolute value of the determinant, and its sign.
    Determinant,
}

/// Rows and columns.
pub(crate) type Size = (u64, u64);

impl Dense {
    /// What messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Qr => "qr",
            Self::Svd => "svd",
            Self::Eigen => "eigh",
            Self::Cholesky => "cholesky",
            Self::Lu => "lu",
            Self::Solve => "solve",
            Self::Inverse => "inv",
            Self::LeastSquares { .. } => "lstsq",
            Self::Determinant => "det",
        }
    }

    /// The shapes of the results, one after the other; or why there are none of such matrices.
    pub(crate) fn parts(self, inputs: &[Size]) -> Result<Vec<Vec<u64>>, String> {
        let shown = |(rows, columns): &Size| format!("{rows} × {columns}");
        let square = |(rows, columns): &Size| match rows == columns {
            true => Ok(*rows),
            false => Err(format!("{} takes a square matrix, not {rows} × {columns}", self.name())),
        };
        let beside = |one: &Size, other: &Size| match one.0 == other.0 {
            true => Ok(other.1),
            false => Err(format!(
                "{} takes matrices of as many rows, not {} and {}",
                self.name(),
                shown(one),
                shown(other)
            )),
        };
        Ok(match (self, inputs) {
            (Self::Qr, [(rows, columns)]) => {
                let size = *rows.min(columns);
                vec![vec![*rows, size], vec![size, *columns]]
            }
            (Self::Svd, [(rows, columns)]) => {
                let size = *rows.min(columns);
                vec![vec![*rows, size], vec![size], vec![size, *columns]]
            }
            (Self::Eigen, [one]) => vec![vec![square(one)?], vec![one.0, one.0]],
            (Self::Cholesky | Self::Inverse, [one]) => vec![vec![square(one)?, one.0]],
            (Self::Determinant, [one]) => square(one).map(|_| vec![vec![2]])?,
            (Self::Lu, [(rows, columns)]) => {
                let size = *rows.min(columns);
                vec![vec![*rows, *rows], vec![*rows, size], vec![size, *columns]]
            }
            (Self::Solve, [one, other]) => vec![vec![square(one)?, beside(one, other)?]],
            (Self::LeastSquares { .. }, [one, other]) => vec![vec![one.1, beside(one, other)?]],
            _ => return Err(format!("{} is not made of {} matrices", self.name(), inputs.len())),
        })
    }

    /// How many values all results have.
    pub(crate) fn length(self, inputs: &[Size]) -> Option<u64> {
        let parts = self.parts(inputs).ok()?;
        parts.iter().try_fold(0_u64, |all, part| all.checked_add(crate::array::cells(part)?))
    }

    /// The bytes that it takes beside its inputs and results: copies of what is decomposed, and as much again
    /// for the steps in between.
    pub(crate) fn beside(self, inputs: &[Size], width: u64) -> u64 {
        let bytes = |size: &Size| size.0.saturating_mul(size.1).saturating_mul(width);
        let copies = inputs.iter().map(bytes).fold(0, u64::saturating_add).saturating_mul(3);
        // What comes of it grows, and its permutation is square.
        let rows = inputs.first().map_or(0, |(rows, _)| *rows);
        let square = if self == Self::Lu { bytes(&(rows, rows)) } else { 0 };
        copies.saturating_add(square)
    }

    /// The values of all results, of the rows of the inputs.
    pub(crate) fn run(self, inputs: &[(Slice<'_>, Size)]) -> Result<Block, String> {
        let sizes: Vec<Size> = inputs.iter().map(|(_, size)| *size).collect();
        self.parts(&sizes)?;
        let [(first, size), rest @ ..] = inputs else { return Err("nothing came".to_string()) };
        real!(first.kind(), T => {
            let matrix = whole::<T>(*first, *size)?;
            let other = match rest {
                [(other, size)] => Some(whole::<T>(*other, *size)?),
                _ => None,
            };
            self.made(matrix, other).map(block)
        })
    }

    fn made<T: Real>(
        self,
        matrix: MatRef<'_, T>,
        other: Option<MatRef<'_, T>>,
    ) -> Result<Vec<T>, String> {
        let mut out = Vec::new();
        // Steps that look for what they converge to would look for ever.
        if !matches!(self, Self::Qr | Self::Lu) {
            let all = [Some(matrix), other].into_iter().flatten();
            if all.into_iter().any(|matrix| !is_finite(matrix)) {
                return Err(format!(
                    "{} of values that are not finite: there is NaN or an infinity",
                    self.name()
                ));
            }
        }
        match self {
            Self::Qr => {
                let (basis, triangle) = qr(matrix, true);
                if let Some(basis) = basis {
                    append_rows(basis.as_ref(), &mut out);
                }
                append_rows(triangle.as_ref(), &mut out);
            }
            Self::Svd => {
                let (left, values, right) = svd(matrix)?;
                append_rows(left.as_ref(), &mut out);
                out.extend(values);
                append_rows(right.as_ref(), &mut out);
            }
            Self::Eigen => {
                let found = SelfAdjointEigen::new(matrix, Side::Lower);
                let found = found.map_err(|_| unsettled(self))?;
                out.extend(found.S().column_vector().iter().copied());
                append_rows(found.U(), &mut out);
            }
            Self::Cholesky => {
                let found = Llt::new(matrix, Side::Lower).map_err(|_| {
                    "cholesky of a matrix that is not positive definite".to_string()
                })?;
                append_rows(found.L(), &mut out);
            }
            Self::Lu => {
                let Triangles { order, lower, upper } = lu(matrix);
                let size = matrix.nrows();
                out.resize(size * size, T::default());
                for (row, from) in order.iter().enumerate() {
                    if let Some(one) = out.get_mut(from * size + row) {
                        *one = T::one_impl();
                    }
                }
                append_rows(lower.as_ref(), &mut out);
                append_rows(upper.as_ref(), &mut out);
            }
            Self::Solve | Self::Inverse => {
                let found = PartialPivLu::new(matrix);
                let zero = T::default();
                let size = matrix.nrows();
                if (0..size).any(|at| found.U()[(at, at)] == zero) {
                    return Err(format!("{} of a matrix that is singular", self.name()));
                }
                let solved = match other {
                    Some(other) => found.solve(other),
                    None => found.solve(Mat::<T>::identity(size, size)),
                };
                append_rows(solved.as_ref(), &mut out);
            }
            Self::LeastSquares { rows } => {
                let Some(other) = other else { return Err("nothing to come close to".to_string()) };
                out = least_squares(matrix, other, rows)?;
            }
            Self::Determinant => {
                let Triangles { order, upper, .. } = lu(matrix);
                let (zero, one) = (T::default(), T::one_impl());
                let (mut log, mut sign) = (0.0_f64, if is_odd(&order) { -one } else { one });
                for at in 0..matrix.nrows() {
                    let value = upper[(at, at)];
                    log += value.wide().abs().ln();
                    sign = if value < zero { -sign } else { sign };
                    if value == zero {
                        sign = zero;
                    }
                }
                out.extend([T::of(log), sign]);
            }
        }
        Ok(out)
    }
}

/// A lower and an upper triangle whose product has the rows of a matrix in another order: row `i` of it is row
/// `order[i]` of the matrix.
struct Triangles<T> {
    order: Vec<usize>,
    lower: Mat<T>,
    upper: Mat<T>,
}

fn lu<T: Real>(matrix: MatRef<'_, T>) -> Triangles<T> {
    let found = PartialPivLu::new(matrix);
    let (lower, upper) = (found.L(), found.U());
    // It divides by a pivot that is 0, where a column is a sum of those before it.
    match !is_finite(matrix) || (is_finite(lower) && is_finite(upper)) {
        true => Triangles {
            order: found.P().arrays().0.to_vec(),
            lower: lower.to_owned(),
            upper: upper.to_owned(),
        },
        false => lu_of_singular(matrix),
    }
}

/// The same, step by step; below a pivot that is 0 there are zeros.
fn lu_of_singular<T: Real>(matrix: MatRef<'_, T>) -> Triangles<T> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let size = rows.min(columns);
    let zero = T::default();
    let far = |value: T| if value < zero { -value } else { value };
    let mut order: Vec<usize> = (0..rows).collect();
    let mut upper = matrix.to_owned();
    let mut lower = Mat::<T>::zeros(rows, size);
    for step in 0..size {
        let pivot = (step..rows).fold(step, |best, row| {
            if far(upper[(row, step)]) > far(upper[(best, step)]) { row } else { best }
        });
        order.swap(step, pivot);
        let swap = |matrix: &mut Mat<T>, columns: usize| {
            for column in 0..columns {
                let (above, below) = (matrix[(step, column)], matrix[(pivot, column)]);
                matrix[(step, column)] = below;
                matrix[(pivot, column)] = above;
            }
        };
        swap(&mut upper, columns);
        swap(&mut lower, step);
        lower[(step, step)] = T::one_impl();
        let top = upper[(step, step)];
        for row in step + 1..rows {
            let times = if top == zero { zero } else { upper[(row, step)] / top };
            lower[(row, step)] = times;
            upper[(row, step)] = zero;
            for column in step + 1..columns {
                upper[(row, column)] = upper[(row, column)] - times * upper[(step, column)];
            }
        }
    }
    Triangles { order, lower, upper: upper.as_ref().submatrix(0, 0, size, columns).to_owned() }
}

fn whole<T: Real>(values: Slice<'_>, (rows, columns): Size) -> Result<MatRef<'_, T>, String> {
    of_rows(numbers::<T>(values)?, rows as usize, columns as usize)
}

fn is_finite<T: Real>(matrix: MatRef<'_, T>) -> bool {
    (0..matrix.nrows()).all(|row| (0..matrix.ncols()).all(|column| matrix[(row, column)].finite()))
}

fn unsettled(dense: Dense) -> String {
    format!("{} did not settle: the matrix is too ill-conditioned", dense.name())
}

/// Whether a permutation changes the sign of a determinant.
fn is_odd(permutation: &[usize]) -> bool {
    let mut seen = vec![false; permutation.len()];
    let mut odd = false;
    for start in 0..permutation.len() {
        let (mut at, mut length) = (start, 0_usize);
        while let Some(false) = seen.get(at) {
            if let Some(seen) = seen.get_mut(at) {
                *seen = true;
            }
            at = permutation.get(at).copied().unwrap_or(start);
            length += 1;
        }
        odd ^= length > 0 && length % 2 == 0;
    }
    odd
}

/// Left vectors, singular values, and right vectors as rows.
type Vectors<T> = (Mat<T>, Vec<T>, Mat<T>);

/// The largest number of each right vector is not negative.
fn svd<T: Real>(matrix: MatRef<'_, T>) -> Result<Vectors<T>, String> {
    let found = Svd::new_thin(matrix).map_err(|_| unsettled(Dense::Svd))?;
    let mut left = found.U().to_owned();
    let mut right = found.V().transpose().to_owned();
    let zero = T::default();
    let size = |value: T| if value < zero { -value } else { value };
    for at in 0..right.nrows() {
        let row = (0..right.ncols()).map(|column| right[(at, column)]);
        let largest =
            row.fold(zero, |most, value| if size(value) > size(most) { value } else { most });
        if largest < zero {
            (0..right.ncols()).for_each(|column| right[(at, column)] = -right[(at, column)]);
            (0..left.nrows()).for_each(|row| left[(row, at)] = -left[(row, at)]);
        }
    }
    Ok((left, found.S().column_vector().iter().copied().collect(), right))
}

fn least_squares<T: Real>(
    matrix: MatRef<'_, T>,
    other: MatRef<'_, T>,
    rows: u64,
) -> Result<Vec<T>, String> {
    let (left, values, right) = svd(matrix)?;
    let zero = T::default();
    let longest = matrix.nrows().max(matrix.ncols()).max(rows as usize);
    let least = values.first().copied().unwrap_or(zero) * T::EPSILON * T::of(longest as f64);
    let mut along = left.transpose() * other;
    for (row, value) in values.iter().enumerate() {
        for column in 0..along.ncols() {
            let old = along[(row, column)];
            along[(row, column)] = if *value > least { old / *value } else { zero };
        }
    }
    let mut out = Vec::new();
    append_rows((right.transpose() * along).as_ref(), &mut out);
    Ok(out)
}
