//! Matrices: products, and what is made of whole ones. The decompositions are faer's; what they give is made the
//! same however an array may be cut: signs that are nobody's choice are chosen here.

mod dense;
mod orthogonal;
mod product;

use std::ops::{Add, Div, Mul, Neg, Sub};

use faer::traits::RealField;
use faer::{Mat, MatRef};

pub(crate) use dense::Dense;
pub(crate) use orthogonal::{bases, triangles};
pub(crate) use product::{Lie, product, product_beside};

use super::element::{Element, F32, F64, Value};
use super::{Block, Slice};
use crate::array::Kind;

/// Numbers whose matrices are decomposed.
trait Real:
    RealField
    + Value
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// Numbers of this size are noise beside 1.
    const EPSILON: Self;
    type Element: Element<Value = Self>;

    fn finite(self) -> bool;
    fn of(number: f64) -> Self;
}

macro_rules! reals {
    ($($type:ty: $element:ty),*) => {$(
        impl Real for $type {
            const EPSILON: Self = <$type>::EPSILON;
            type Element = $element;

            fn finite(self) -> bool {
                self.is_finite()
            }

            fn of(number: f64) -> Self {
                number as Self
            }
        }
    )*};
}
reals!(f32: F32, f64: F64);

/// A matrix whose rows lie one after the other.
fn of_rows<T>(values: &[T], rows: usize, columns: usize) -> Result<MatRef<'_, T>, String> {
    match rows.checked_mul(columns) == Some(values.len()) {
        true => Ok(MatRef::from_row_major_slice(values, rows, columns)),
        false => Err(format!("{} values are no matrix of {rows} × {columns}", values.len())),
    }
}

/// The rows of a matrix one after the other, behind what is there.
fn append_rows<T: Copy>(matrix: MatRef<'_, T>, out: &mut Vec<T>) {
    out.reserve(matrix.nrows() * matrix.ncols());
    for row in 0..matrix.nrows() {
        out.extend((0..matrix.ncols()).map(|column| matrix[(row, column)]));
    }
}

/// The QR decomposition with a diagonal of R that is not negative: there is one of a matrix whose columns are
/// independent.
fn qr<T: Real>(matrix: MatRef<'_, T>, with_basis: bool) -> (Option<Mat<T>>, Mat<T>) {
    let qr = faer::linalg::solvers::Qr::new(matrix);
    let mut triangle = qr.thin_R().to_owned();
    let zero = T::default();
    let size = triangle.nrows().min(triangle.ncols());
    let turned: Vec<usize> = (0..size).filter(|at| triangle[(*at, *at)] < zero).collect();
    for row in &turned {
        for column in 0..triangle.ncols() {
            triangle[(*row, column)] = -triangle[(*row, column)];
        }
    }
    let basis = with_basis.then(|| {
        let mut basis = qr.compute_thin_Q();
        for column in &turned {
            for row in 0..basis.nrows() {
                basis[(row, *column)] = -basis[(row, *column)];
            }
        }
        basis
    });
    (basis, triangle)
}

/// Evaluates an expression in which a name stands for the numbers of a kind.
macro_rules! real {
    ($kind:expr, $name:ident => $body:expr) => {
        match $kind {
            Kind::F32 => {
                type $name = f32;
                $body
            }
            Kind::F64 => {
                type $name = f64;
                $body
            }
            other => Err(format!("matrices of {other} are not decomposed: cast them to f64")),
        }
    };
}
use real;

/// The values as numbers of a type.
fn numbers<T: Real>(values: Slice<'_>) -> Result<&[T], String> {
    T::Element::of(values).ok_or_else(|| format!("{} came for other numbers", values.kind()))
}

fn block<T: Real>(values: Vec<T>) -> Block {
    T::Element::block(values)
}
