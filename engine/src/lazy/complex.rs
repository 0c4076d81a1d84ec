//! Arithmetic of complex numbers, as the array language means it. SQL has cells, and takes each part for itself; so
//! this stands beside the functions of single values, and not within them.

use super::broadcast::{Common, together};
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
            Unary::Exp => self.exponential(),
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
            Binary::Mul => self.times(other)?.parts_last(),
            Binary::Div => self.divided(other)?.parts_last(),
            Binary::Add | Binary::Sub => {
                self.as_complex()?.binary(binary, &other.as_complex()?)?.parts_last()
            }
            Binary::Eq | Binary::Ne => {
                let same = self.as_complex()?.binary(binary, &other.as_complex()?)?.parts_last()?;
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
        self.for_both_parts()?.select(&yes.as_complex()?, &no.as_complex()?)?.parts_last()
    }

    /// One value of many, which are numbers or complex numbers. Who names the dimension of both parts wants these.
    pub(super) fn reduce_of_numbers(
        &self,
        reduce: Reduce,
        skip_nan: bool,
        axes: &[usize],
    ) -> Result<Self> {
        if self.has_single_values(axes) {
            return self.reduce(reduce, skip_nan, axes);
        }
        let of = if skip_nan { self.whole_or_none()? } else { self.clone() };
        // A number alone is one along a dimension.
        let of = match self.ndim_of_numbers() {
            0 => of.index(&[Index::New, Index::Rest])?,
            _ => of,
        };
        let all: Vec<usize> = (0..of.ndim_of_numbers()).collect();
        let axes = if axes.is_empty() { &all } else { axes };
        let spread = |ddof: u32| {
            let made = of.reduce(Reduce::Var { ddof }, skip_nan, axes)?;
            made.reduce(Reduce::Sum, false, &[made.ndim() - 1])
        };
        match reduce {
            Reduce::Sum | Reduce::Mean => of.reduce(reduce, skip_nan, axes),
            Reduce::Var { ddof } => spread(ddof),
            Reduce::Std { ddof } => spread(ddof)?.unary(Unary::Sqrt),
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
        if self.has_single_values(axes) {
            return self.reduce_keeping(reduce, skip_nan, axes);
        }
        let made = self.reduce_of_numbers(reduce, skip_nan, axes)?;
        let parts = self.ndim_of_numbers();
        // What has one number for both parts has lost their dimension for good.
        let own = if made.is_complex() { self.clone() } else { self.real()? };
        own.put_back(made, |at| axes.contains(&at) || axes.is_empty() && at < parts)
    }

    /// Refuses complex numbers, for what takes each part for a number of its own.
    pub(super) fn refuse_complex(&self, what: &str) -> Result<()> {
        if self.is_complex() { Err(undefined(what)) } else { Ok(()) }
    }

    /// Whether each value is a number of its own, for what goes along these dimensions: who names that of both parts
    /// wants these.
    pub(super) fn has_single_values(&self, axes: &[usize]) -> bool {
        !self.is_complex() || axes.contains(&self.ndim_of_numbers())
    }

    /// The same, for sums along these dimensions: complex numbers have nothing else that is made part by part. What is
    /// left out of a sum is left out with both parts.
    pub(super) fn for_sums(
        &self,
        what: &str,
        is_sum: bool,
        skip_nan: bool,
        axes: &[usize],
    ) -> Result<Self> {
        match (is_sum, skip_nan) {
            _ if self.has_single_values(axes) => Ok(self.clone()),
            (false, _) => Err(undefined(what)),
            (true, true) => self.whole_or_none(),
            (true, false) => Ok(self.clone()),
        }
    }

    /// All values along one dimension.
    pub(super) fn in_a_row(&self) -> Result<Self> {
        match self.is_complex() {
            true => self.reshape(&[-1, 2])?.named(vec![None, Some(COMPLEX.to_string())]),
            false => self.reshape(&[-1]),
        }
    }

    /// The same, where none of both parts is a number if one is not.
    fn whole_or_none(&self) -> Result<Self> {
        if !self.kind().is_float() {
            return Ok(self.clone());
        }
        let none = self.unary(Unary::IsNan)?;
        let either = none.binary(Binary::Or, &none.index(&[Index::Rest, backwards()])?)?;
        either.select(&Self::full(&[], Scalar::Float(f64::NAN), self.dtype())?, self)
    }

    /// As C has it: what is infinite is so wherever it points, and what is real stays so.
    fn exponential(&self) -> Result<Self> {
        let (power, angle) = (self.real()?, self.imag()?);
        let is = |of: &Self, number| of.binary_with(Binary::Eq, Scalar::Float(number), false);
        let size = power.unary(Unary::Exp)?;
        let zero = Self::full(&[], Scalar::Float(0.0), size.dtype())?;
        // Nothing points nowhere.
        let angle = is(&power, f64::NEG_INFINITY)?.select(&zero, &angle)?;
        let imag = size.binary(Binary::Mul, &angle.unary(Unary::Sin)?)?;
        let imag = is(&angle, 0.0)?.select(&angle, &imag)?;
        let endless = is(&power, f64::INFINITY)?;
        let endless =
            endless.binary(Binary::And, &angle.unary(Unary::IsFinite)?.unary(Unary::Not)?)?;
        let real = size.binary(Binary::Mul, &angle.unary(Unary::Cos)?)?;
        Self::of_parts(&[endless.select(&power, &real)?, imag])
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
        let (of, by) = self.as_complex()?.fractions("a quotient")?.alike(other)?;
        // (a + bi) / (c + di) = ((a + bi) + (b - ai) d/c) / (1 + (d/c)²) / c where c is the larger of both, and the
        // other way round where d is (Smith): no square is too large or too small.
        let (real, imag) = (by.real()?, by.imag()?);
        let wide = real.unary(Unary::Abs)?.binary(Binary::Ge, &imag.unary(Unary::Abs)?)?;
        let large = wide.select(&real, &imag)?;
        let ratio = wide.select(&imag, &real)?.binary(Binary::Div, &large)?.for_both_parts()?;
        let (wide, large) = (wide.for_both_parts()?, large.for_both_parts()?);
        let turned = of.index(&[Index::Rest, backwards()])?;
        let turned = turned.binary(Binary::Mul, &of.beside_parts([1, -1])?)?;
        let less = wide.select(&turned, &of)?.binary(Binary::Mul, &ratio)?;
        let made = wide.select(&of, &turned)?.binary(Binary::Add, &less)?;
        let square = ratio.binary(Binary::Mul, &ratio)?;
        let square = square.binary_with(Binary::Add, Scalar::Float(1.0), false)?;
        let made = made.binary(Binary::Div, &square)?.binary(Binary::Div, &large)?;
        // Nothing points nowhere, so that each part is divided for itself.
        let nothing = large.binary_with(Binary::Eq, Scalar::Float(0.0), false)?;
        wide.binary(Binary::And, &nothing)?
            .select(&of.binary(Binary::Div, &large.unary(Unary::Abs)?)?, &made)
    }

    /// Both at the same places, in the order of this one's dimensions.
    fn alike(&self, other: &Self) -> Result<(Self, Self)> {
        let Common { arrays, .. } = together(&[self.clone(), other.clone()])?;
        match &arrays[..] {
            [one, other] => Ok((one.parts_last()?, other.parts_last()?)),
            _ => Err(ArrayError::asked("two arrays are not two: this is a fault of Strata's")),
        }
    }

    /// With the dimension of both parts as the last: those of another go behind it where all have names.
    fn parts_last(&self) -> Result<Self> {
        let is_parts = |dim: &Option<String>| dim.as_deref() == Some(COMPLEX);
        match self.dims().iter().position(is_parts) {
            Some(parts) => {
                let others = (0..self.ndim()).filter(|at| *at != parts);
                self.transpose(&others.chain([parts]).collect::<Vec<_>>())
            }
            None => Ok(self.clone()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Kind;
    use crate::kernels::{Interpolation, Moving, Scan};
    use crate::lazy::{Bins, Compressed, Norm};

    fn numbers(dims: [Option<&str>; 2]) -> Array {
        let grid = Grid::even(&[4, 4], &[3, 2]);
        let ones = Array::filled_with(Scalar::Float(1.0), Kind::F64.into(), grid).unwrap();
        let dims = dims.map(|dim| dim.map(str::to_string)).to_vec();
        ones.named(dims).unwrap().as_complex().unwrap()
    }

    #[test]
    fn what_takes_each_part_for_a_number_is_refused() {
        let z = &numbers([None, None]);
        let one = &z.index(&[Index::At(0), Index::At(0)]).unwrap();
        let none = |of: Result<Array>| of.err().map(|error| error.to_string());
        let groups = |reduce| z.group(reduce, false, 0, (&[Some(0); 4], 1), &[]);
        let quantiles = |axes: &[usize]| z.quantiles(&[0.5], Interpolation::Linear, false, axes);
        let refused = [
            ("max", none(z.reduce_of_numbers(Reduce::Max, false, &[]))),
            ("max", none(one.reduce_of_numbers(Reduce::Max, false, &[]))),
            ("count", none(z.reduce_keeping_numbers(Reduce::Count, false, &[0]))),
            ("var of groups", none(groups(Reduce::Var { ddof: 0 }))),
            ("max of groups", none(groups(Reduce::Max))),
            ("prod of groups", none(groups(Reduce::Prod))),
            ("quantile", none(quantiles(&[]))),
            ("quantile", none(quantiles(&[1]))),
            ("quantile", none(z.quantiles_about(&[0.5], false, &[]))),
            ("median", none(z.median(false, &[]))),
            ("cumprod", none(z.scan(Scan::Prod, false, Some(0)))),
            ("cumprod", none(z.scan(Scan::Prod, false, None))),
            ("moving_max", none(z.moving(Moving::Max, 0, 2, None, false))),
            ("histogram", none(z.histogram(&Bins::Even(2, 0.0, 1.0)).map(|(counts, _)| counts))),
            ("topk", none(z.topk(1, 0, false))),
            ("the order of values", none(z.sort(0, false))),
            ("matmul", none(one.matmul(one))),
            ("matmul", none(one.real().unwrap().matmul(one))),
            ("dot", none(one.dot(one))),
            ("tensordot", none(z.tensordot(z, &[0], &[0]))),
            ("einsum", none(Array::einsum("i->i", std::slice::from_ref(one)))),
            ("svd", none(one.svd().map(|(_, s, _)| s))),
            ("svd_compressed", none(one.svd_compressed(Compressed::new(1)).map(|(_, s, _)| s))),
            ("pca", none(one.pca(None).map(|(scores, ..)| scores))),
            ("qr", none(one.qr().map(|(q, _)| q))),
            ("det", none(one.det())),
            ("solve", none(one.solve(one))),
            ("norm", none(one.norm(Norm::Euclid, &[]))),
            ("cov", none(one.cov(1))),
            ("corrcoef", none(one.corrcoef())),
            ("cross_correlation", none(one.cross_correlation(one, 1))),
        ];
        for (what, error) in refused {
            let words = format!("{what} is not defined for complex numbers: take real()");
            assert!(
                error.as_ref().is_some_and(|error| error.starts_with(&words)),
                "{what}: {error:?}"
            );
        }
    }

    #[test]
    fn sums_and_means_are_of_numbers_and_who_names_the_parts_gets_them() {
        let z = numbers([None, None]);
        let shape = |of: Result<Array>| of.unwrap().shape();
        let labels = [Some(0), Some(1), None, Some(0)];
        let group = |reduce, others: &[usize]| z.group(reduce, true, 0, (&labels, 2), others);
        assert_eq!(shape(group(Reduce::Mean, &[1])), [2, 2]);
        assert_eq!(shape(group(Reduce::Max, &[1, 2])), [2]);
        assert_eq!(shape(z.scan(Scan::Sum, true, None)), [16, 2]);
        assert!(z.scan(Scan::Sum, true, None).unwrap().is_complex());
        assert_eq!(shape(z.median(false, &[0, 2])), [4]);
        let kept = |reduce, axes: &[usize]| shape(z.reduce_keeping_numbers(reduce, true, axes));
        assert_eq!(kept(Reduce::Sum, &[0, 2]), [1, 4, 1]);
        assert_eq!(kept(Reduce::Sum, &[0]), [1, 4, 2]);
        assert_eq!(kept(Reduce::Sum, &[]), [1, 1, 2]);
        assert_eq!(kept(Reduce::Std { ddof: 0 }, &[]), [1, 1]);
        let one = z.index(&[Index::At(0), Index::At(0)]).unwrap();
        assert_eq!(shape(one.reduce_of_numbers(Reduce::Sum, true, &[])), [2]);
        assert_eq!(shape(one.reduce_of_numbers(Reduce::Var { ddof: 0 }, false, &[])), [0; 0]);
    }

    #[test]
    fn both_parts_lie_last_however_dimensions_are_called() {
        let (a, b) = (numbers([Some("y"), Some("x")]), numbers([Some("time"), Some("x")]));
        let named = |of: Result<Array>| -> Vec<String> {
            of.unwrap().dims().iter().flatten().cloned().collect()
        };
        for binary in [Binary::Mul, Binary::Div, Binary::Add, Binary::Sub] {
            let made = a.binary_of_numbers(binary, &b);
            assert_eq!(named(made), ["y", "x", "time", COMPLEX], "{binary:?}");
            let made = a.binary_with_number(binary, Scalar::Float(2.0), true);
            assert_eq!(named(made), ["y", "x", COMPLEX], "{binary:?}");
        }
        assert_eq!(named(a.binary_of_numbers(Binary::Eq, &b)), ["y", "x", "time"]);
        let truth = b.unary_of_numbers(Unary::IsNan).unwrap();
        assert_eq!(named(truth.select_of_numbers(&a, &b)), ["time", "x", "y", COMPLEX]);
    }
}
