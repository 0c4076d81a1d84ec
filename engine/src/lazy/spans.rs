//! Spans of time with numbers, and with each other: what NumPy makes of `timedelta64`. A span that is none stays
//! none, and so is one that is divided by zero or multiplied by what is no number; fractions of a unit are cut off.

use super::{Array, Result, Scalar};
use crate::array::{ArrayError, DType, Kind};
use crate::kernels::{Binary, Unary};

const ZERO: Scalar = Scalar::Signed(0);

impl Array {
    /// Spans multiplied or divided by numbers, on either side; none where that is something else.
    pub(super) fn spans_and_numbers(&self, binary: Binary, other: &Self) -> Option<Result<Self>> {
        use Binary::{Div, FloorDiv, Mul};
        match (self.dtype(), other.dtype(), binary) {
            (DType::Span(_), DType::Plain(kind), Mul | Div | FloorDiv) => {
                Some(self.scaled(binary, other, kind))
            }
            (DType::Plain(kind), DType::Span(_), Mul) => Some(other.scaled(binary, self, kind)),
            _ => None,
        }
    }

    fn scaled(&self, binary: Binary, by: &Self, kind: Kind) -> Result<Self> {
        let none = self.is_none()?;
        let counts = self.counts()?;
        let made = if kind.is_float() {
            let by = by.cast(Kind::F64.into())?;
            let how = if binary == Binary::Mul { Binary::Mul } else { Binary::Div };
            let exact = counts.cast(Kind::F64.into())?.binary(how, &by)?;
            let none =
                none.binary(Binary::Or, &exact.unary(Unary::IsFinite)?.unary(Unary::Not)?)?;
            exact.cast(Kind::I64.into())?.with_no_time_where(&none)?
        } else {
            let by = by.cast(Kind::I64.into())?;
            if binary == Binary::Mul {
                counts.binary(Binary::Mul, &by)?.with_no_time_where(&none)?
            } else {
                let none = none.binary(Binary::Or, &by.binary_with(Binary::Eq, ZERO, false)?)?;
                counts.divided_towards_zero(&by)?.with_no_time_where(&none)?
            }
        };
        made.cast(self.dtype())
    }

    /// The quotient without its fraction, which `floor_div` takes the other way below zero.
    fn divided_towards_zero(&self, by: &Self) -> Result<Self> {
        let sign = self.unary(Unary::Sign)?.binary(Binary::Mul, &by.unary(Unary::Sign)?)?;
        let size = self.unary(Unary::Abs)?.binary(Binary::FloorDiv, &by.unary(Unary::Abs)?)?;
        size.binary(Binary::Mul, &sign)
    }

    /// How often one span is in another, counted in the same unit: a float, or rounded down, or what is left then.
    /// None where that is something else.
    pub(super) fn spans_in_spans(
        [left, right]: [&Self; 2],
        binary: Binary,
        dtype: DType,
    ) -> Option<Result<Self>> {
        match binary {
            Binary::Div => Some(left.ratio(right)),
            Binary::FloorDiv => Some(left.times_in(right)),
            Binary::Rem => Some(left.left_by(right, dtype)),
            _ => None,
        }
    }

    fn ratio(&self, by: &Self) -> Result<Self> {
        let none = self.is_none()?.binary(Binary::Or, &by.is_none()?)?;
        let nan = Self::full(&[], Scalar::Float(f64::NAN), Kind::F64.into())?;
        none.select(&nan, &self.binary(Binary::Div, by)?)
    }

    fn times_in(&self, by: &Self) -> Result<Self> {
        let none = self.is_none()?.binary(Binary::Or, &by.is_none()?)?;
        none.select(&Self::full(&[], ZERO, Kind::I64.into())?, &self.binary(Binary::FloorDiv, by)?)
    }

    fn left_by(&self, by: &Self, dtype: DType) -> Result<Self> {
        let none = self.is_none()?.binary(Binary::Or, &by.is_none()?)?;
        let none = none.binary(Binary::Or, &by.binary_with(Binary::Eq, ZERO, false)?)?;
        self.binary(Binary::Rem, by)?.with_no_time_where(&none)?.cast(dtype)
    }

    /// The mean of spans, of which the fraction of a unit is cut off.
    pub(super) fn mean_of_spans(&self, skip_none: bool, axes: &[usize]) -> Result<Self> {
        use crate::kernels::Reduce;
        let sum = self.reduce_of_time(Reduce::Sum, skip_none, axes)?;
        let count = match skip_none {
            true => self.reduce_of_time(Reduce::Count, false, axes)?,
            false => {
                let lengths = self.shape().into_iter().enumerate();
                let gone = lengths.filter(|(at, _)| axes.is_empty() || axes.contains(at));
                let many: u64 = gone.map(|(_, length)| length).product();
                let many = i64::try_from(many).map_err(|_| {
                    ArrayError::asked("more spans than can be counted have no mean")
                })?;
                Self::full(&[], Scalar::Signed(many), Kind::I64.into())?
            }
        };
        sum.binary(Binary::Div, &count)
    }
}
