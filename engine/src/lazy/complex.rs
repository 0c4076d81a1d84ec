//! Arithmetic of complex numbers, as the array language means it. SQL has cells, and takes each part for itself; so
//! this stands beside the functions of single values, and not within them.

use super::fourier::COMPLEX;
use super::{Array, Index, Result, Scalar};
use crate::array::{ArrayError, Cuts, Grid};
use crate::kernels::{Binary, Reduce, Unary};

/// The largest power that is multiplied out.
const POWER: i64 = 64;

impl Array {
    /// The same with the other sign before the imaginary part.
    pub fn conj(&self) -> Result<Self> {
        match self.is_complex() {
            true => self.binary(Binary::Mul, &self.beside_parts([1, -1])?),
            false => Ok(self.clone()),
        }
    }

    /// A function of each value, which is a number or a complex number.
    pub(super) fn unary_of_numbers(&self, unary: Unary) -> Result<Self> {
        if !self.is_complex() {
            return self.unary(unary);
        }
        match unary {
            Unary::Neg => self.unary(unary),
            Unary::Abs => self.magnitude(),
            Unary::Square => self.times(self),
            Unary::Reciprocal => self.one()?.divided(self),
            Unary::Exp => {
                let (size, angle) = (self.real()?.unary(Unary::Exp)?, self.imag()?);
                let parts = [angle.unary(Unary::Cos)?, angle.unary(Unary::Sin)?];
                Self::of_parts(&parts)?.times(&size)
            }
            Unary::IsNan => self.unary(unary)?.reduce(Reduce::Any, false, &[self.ndim() - 1]),
            Unary::IsFinite => self.unary(unary)?.reduce(Reduce::All, false, &[self.ndim() - 1]),
            other => Err(undefined(other.name())),
        }
    }

    /// A function of two values at the same place, which are numbers or complex numbers.
    pub(super) fn binary_of_numbers(&self, binary: Binary, other: &Self) -> Result<Self> {
        if !self.is_complex() && !other.is_complex() {
            return self.binary(binary, other);
        }
        match binary {
            Binary::Mul => self.times(other),
            Binary::Div => self.divided(other),
            Binary::Add | Binary::Sub => self.as_complex()?.binary(binary, &other.as_complex()?),
            Binary::Eq | Binary::Ne => {
                let same = self.as_complex()?.binary(binary, &other.as_complex()?)?;
                let all = if binary == Binary::Eq { Reduce::All } else { Reduce::Any };
                same.reduce(all, false, &[same.ndim() - 1])
            }
            other => Err(undefined(other.name())),
        }
    }

    /// As [`binary_of_numbers`](Self::binary_of_numbers), with a real number.
    pub(super) fn binary_with_number(
        &self,
        binary: Binary,
        number: Scalar,
        left: bool,
    ) -> Result<Self> {
        if !self.is_complex() {
            return self.binary_with(binary, number, left);
        }
        match (binary, number) {
            (Binary::Mul, _) => self.binary_with(binary, number, left),
            (Binary::Div, _) if !left => self.binary_with(binary, number, left),
            (Binary::Pow, Scalar::Signed(power)) if !left && (0..=POWER).contains(&power) => {
                self.to_the(power)
            }
            (Binary::Pow, _) => Err(undefined("a power other than 0 to 64")),
            _ => {
                let kind = number.beside(self.dtype(), binary)?;
                let number = Self::full(&[], number.into_kind(kind), kind.into())?;
                match left {
                    true => number.binary_of_numbers(binary, self),
                    false => self.binary_of_numbers(binary, &number),
                }
            }
        }
    }

    /// Where this is true, what `yes` has there, else what `no` has; of numbers or complex numbers.
    pub(super) fn select_of_numbers(&self, yes: &Self, no: &Self) -> Result<Self> {
        if !yes.is_complex() && !no.is_complex() {
            return self.select(yes, no);
        }
        self.for_both_parts()?.select(&yes.as_complex()?, &no.as_complex()?)
    }

    /// One value of many, which are numbers or complex numbers. Who names the dimension of both parts wants these.
    pub(super) fn reduce_of_numbers(
        &self,
        reduce: Reduce,
        skip_nan: bool,
        axes: &[usize],
    ) -> Result<Self> {
        let parts = self.ndim_of_numbers();
        if !self.is_complex() || axes.contains(&parts) {
            return self.reduce(reduce, skip_nan, axes);
        }
        let all: Vec<usize> = (0..parts).collect();
        let axes = if axes.is_empty() { &all } else { axes };
        if axes.is_empty() {
            return Ok(self.clone());
        }
        match reduce {
            Reduce::Sum | Reduce::Mean => self.reduce(reduce, skip_nan, axes),
            Reduce::Var { .. } => {
                let made = self.reduce(reduce, skip_nan, axes)?;
                made.reduce(Reduce::Sum, false, &[made.ndim() - 1])
            }
            Reduce::Std { ddof } => {
                self.reduce_of_numbers(Reduce::Var { ddof }, skip_nan, axes)?.unary(Unary::Sqrt)
            }
            other => Err(undefined(other.name())),
        }
    }

    /// The same with dimensions of length 1 in the place of those that went.
    pub(super) fn reduce_keeping_numbers(
        &self,
        reduce: Reduce,
        skip_nan: bool,
        axes: &[usize],
    ) -> Result<Self> {
        let made = self.reduce_of_numbers(reduce, skip_nan, axes)?;
        let parts = self.ndim_of_numbers();
        // What has one number for both parts has lost their dimension for good.
        let own = if made.is_complex() || !self.is_complex() { self.clone() } else { self.real()? };
        own.put_back(made, |at| axes.contains(&at) || axes.is_empty() && at < parts)
    }

    /// Refuses complex numbers, for what takes each part for a number of its own.
    pub fn has_real_values(&self, what: &str) -> Result<()> {
        if self.is_complex() { Err(undefined(what)) } else { Ok(()) }
    }

    fn times(&self, other: &Self) -> Result<Self> {
        let (one, other) = if self.is_complex() { (self, other) } else { (other, self) };
        if !other.is_complex() {
            return one.binary(Binary::Mul, &other.for_both_parts()?);
        }
        // (a + bi)(c + di) = (a + bi)c + (-b + ai)d.
        let turned = one.index(&[Index::Rest, backwards()])?;
        let crossed = other.one_part(1)?.binary(Binary::Mul, &other.beside_parts([-1, 1])?)?;
        let (straight, crossed) =
            (one.binary(Binary::Mul, &other.one_part(0)?)?, turned.binary(Binary::Mul, &crossed)?);
        straight.binary(Binary::Add, &crossed)
    }

    fn divided(&self, other: &Self) -> Result<Self> {
        if !other.is_complex() {
            return self.binary(Binary::Div, &other.for_both_parts()?);
        }
        // By a number near to 1, so that no square is too large or too small.
        let (real, imag) = (other.real()?.unary(Unary::Abs)?, other.imag()?.unary(Unary::Abs)?);
        let size = real.binary(Binary::Maximum, &imag)?.for_both_parts()?;
        let by = other.binary(Binary::Div, &size)?;
        let square = by.binary(Binary::Mul, &by)?;
        let square = square.reduce(Reduce::Sum, false, &[square.ndim() - 1])?.for_both_parts()?;
        let made = self.as_complex()?.times(&by.conj()?)?;
        made.binary(Binary::Div, &square)?.binary(Binary::Div, &size)
    }

    fn to_the(&self, power: i64) -> Result<Self> {
        let mut made = None;
        for bit in (0..i64::BITS).rev().skip_while(|bit| power >> bit == 0) {
            made = made.map(|made: Self| made.times(&made)).transpose()?;
            if power >> bit & 1 == 1 {
                made = Some(match made {
                    Some(made) => made.times(self)?,
                    None => self.clone(),
                });
            }
        }
        made.map_or_else(|| self.one(), Ok)
    }

    /// 1 everywhere.
    fn one(&self) -> Result<Self> {
        let (mut grid, mut dims) = (self.grid().clone(), self.dims().to_vec());
        grid.0.pop();
        dims.pop();
        Self::filled_with(Scalar::Float(1.0), self.dtype(), grid)?.named(dims)?.as_complex()
    }

    /// Real values with a last dimension, along which both parts have the same.
    fn for_both_parts(&self) -> Result<Self> {
        if self.is_complex() {
            return Ok(self.clone());
        }
        let mut dims = self.dims().to_vec();
        dims.push(Some(COMPLEX.to_string()));
        self.index(&[Index::Rest, Index::New])?.named(dims)
    }

    /// A part, along the dimension of both.
    fn one_part(&self, part: i64) -> Result<Self> {
        let only = Index::Slice { start: Some(part), stop: Some(part + 1), step: None };
        self.index(&[Index::Rest, only])
    }

    /// Numbers for both parts, of the same type.
    fn beside_parts(&self, parts: [i64; 2]) -> Result<Self> {
        let [first, second] = parts;
        let step = second - first;
        let made = Self::arange(
            Scalar::Signed(first),
            Scalar::Signed(second + step.signum()),
            Scalar::Signed(step),
        )?;
        let grid = Grid(vec![Cuts::even(2, 2)]);
        let made = made.named(vec![Some(COMPLEX.to_string())])?.rechunk(grid)?;
        made.cast(self.dtype())
    }

    /// Both parts as complex numbers.
    fn of_parts(parts: &[Self; 2]) -> Result<Self> {
        let [real, _] = parts;
        let made = Self::stack(parts, real.ndim(), Some(COMPLEX))?;
        let mut grid = made.grid().clone();
        if let Some(parts) = grid.0.last_mut() {
            *parts = Cuts::even(2, 2);
        }
        made.rechunk(grid)
    }

    /// The same as complex numbers.
    pub(super) fn as_complex(&self) -> Result<Self> {
        if self.is_complex() {
            return Ok(self.clone());
        }
        let real = self.fractions("a complex number")?;
        let zeros = Self::filled_with(Scalar::Float(0.0), real.dtype(), real.grid().clone())?;
        Self::of_parts(&[real, zeros])
    }
}

fn backwards() -> Index {
    Index::Slice { start: None, stop: None, step: Some(-1) }
}

fn undefined(what: &str) -> ArrayError {
    ArrayError::asked(format!(
        "{what} is not defined for complex numbers: take real(), imag(), magnitude() or angle() of them"
    ))
}
