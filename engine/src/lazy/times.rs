//! Times and spans of time: counts of a unit, of which the smallest is none ("not a time"). What comes of them
//! is what NumPy makes of `datetime64` and `timedelta64`: what none takes part in is none, it is neither
//! smaller nor larger than anything, and it stands last where they are put in order.

use super::{Array, Result, Scalar};
use crate::array::{ArrayError, DType, Kind, Unit};
use crate::kernels::{Binary, Reduce, Scan, Unary};

const ONE: Scalar = Scalar::Signed(1);
const NONE: Scalar = Scalar::Signed(i64::MIN);

impl Array {
    /// Counts of a unit of time, with none where this is true.
    pub fn with_no_time_where(&self, none: &Self) -> Result<Self> {
        none.select(&Self::full(&[], NONE, Kind::I64.into())?, self)
    }

    /// Whether the values are times or spans.
    pub(crate) fn is_of_time(&self) -> bool {
        matches!(self.dtype(), DType::Time(_) | DType::Span(_))
    }

    pub(super) fn counts(&self) -> Result<Self> {
        self.cast(Kind::I64.into())
    }

    /// Whether each count is none.
    pub(super) fn is_none(&self) -> Result<Self> {
        self.counts()?.binary_with(Binary::Eq, NONE, false)
    }

    /// Counts, each less by one: none wraps around, and is the largest then.
    pub(crate) fn none_last(&self) -> Result<Self> {
        self.counts()?.binary_with(Binary::Sub, ONE, false)
    }

    /// What [`none_last`](Self::none_last) was made of.
    fn none_first(&self) -> Result<Self> {
        self.binary_with(Binary::Add, ONE, false)
    }

    /// What is made of them where none is to be the largest, as the times or spans that they are.
    pub(super) fn ordered(&self, makes: impl FnOnce(&Self) -> Result<Self>) -> Result<Self> {
        makes(&self.none_last()?)?.none_first()?.cast(self.dtype())
    }

    /// Times or spans as whole numbers of a unit that is no coarser than theirs.
    pub(super) fn counted_in(&self, unit: Unit) -> Result<Self> {
        let own = match self.dtype() {
            DType::Time(own) | DType::Span(own) => own,
            DType::Plain(_) => unit,
        };
        let counts = self.counts()?;
        let (finer, coarser) = (unit.in_a_second(), own.in_a_second());
        let (binary, times) = match finer.cmp(&coarser) {
            std::cmp::Ordering::Equal => return Ok(counts),
            std::cmp::Ordering::Greater => (Binary::Mul, finer / coarser),
            std::cmp::Ordering::Less => (Binary::FloorDiv, coarser / finer),
        };
        let counted = counts.binary_with(binary, Scalar::Signed(times), false)?;
        counted.with_no_time_where(&counts.is_none()?)
    }

    /// A function of each time or span.
    pub(super) fn unary_of_time(&self, unary: Unary) -> Result<Self> {
        match (self.dtype(), unary) {
            (_, Unary::IsNan) => self.is_none(),
            (_, Unary::IsFinite) => self.counts()?.binary_with(Binary::Ne, NONE, false),
            (DType::Span(_), Unary::Neg | Unary::Abs) => {
                self.counts()?.unary(unary)?.cast(self.dtype())
            }
            (dtype, _) => Err(ArrayError::asked(format!(
                "{}(…) of {dtype}: cast it to numbers first",
                unary.name()
            ))),
        }
    }

    /// A function of two, at least one of which is of time.
    pub(super) fn binary_of_time(&self, binary: Binary, other: &Self) -> Result<Self> {
        use Binary::{
            Add, Div, Eq, FloorDiv, Fmax, Fmin, Ge, Gt, Le, Lt, Maximum, Minimum, Ne, Rem, Sub,
        };
        use DType::{Plain, Span, Time};
        if let Some(made) = self.spans_and_numbers(binary, other) {
            return made;
        }
        let (a, b, dtype) = match (self.dtype(), other.dtype(), binary) {
            (Time(a), Time(b), Eq | Ne | Lt | Le | Gt | Ge)
            | (Span(a), Span(b), Eq | Ne | Lt | Le | Gt | Ge) => (a, b, Plain(Kind::Bool)),
            (Time(a), Time(b), Maximum | Minimum | Fmax | Fmin)
            | (Time(a), Span(b), Add | Sub)
            | (Span(a), Time(b), Add) => (a, b, Time(a.max(b))),
            (Time(a), Time(b), Sub)
            | (
                Span(a),
                Span(b),
                Add | Sub | Maximum | Minimum | Fmax | Fmin | Div | FloorDiv | Rem,
            ) => (a, b, Span(a.max(b))),
            (left, right, _) => {
                return Err(ArrayError::asked(format!(
                    "{left} and {right} have no {}",
                    binary.name()
                )));
            }
        };
        let unit = a.max(b);
        let (left, right) = (self.counted_in(unit)?, other.counted_in(unit)?);
        if matches!(dtype, Span(_))
            && matches!(self.dtype(), Span(_))
            && let Some(made) = Self::spans_in_spans([&left, &right], binary, dtype)
        {
            return made;
        }
        let plain = |left: &Self, right: &Self| left.binary(binary, right);
        let is_time = |side: &Self| side.binary_with(Binary::Ne, NONE, false);
        // None is the smallest count: what does not come out right by that is put right.
        let made = match binary {
            Eq | Lt | Le => plain(&left, &right)?.binary(Binary::And, &is_time(&left)?)?,
            Gt | Ge => plain(&left, &right)?.binary(Binary::And, &is_time(&right)?)?,
            Ne => plain(&left, &right)?.binary(Binary::Or, &left.is_none()?)?,
            Maximum | Fmin => plain(&left.none_last()?, &right.none_last()?)?.none_first()?,
            Add | Sub => {
                let none = left.is_none()?.binary(Binary::Or, &right.is_none()?)?;
                plain(&left, &right)?.with_no_time_where(&none)?
            }
            _ => plain(&left, &right)?,
        };
        made.cast(dtype)
    }

    /// One time or span of many.
    pub(super) fn reduce_of_time(
        &self,
        reduce: Reduce,
        skip_none: bool,
        axes: &[usize],
    ) -> Result<Self> {
        let plain = |array: &Self| array.reduce(reduce, false, axes);
        match (reduce, skip_none) {
            (Reduce::Min, false) | (Reduce::Max, true) => {
                plain(&self.counts()?)?.cast(self.dtype())
            }
            (Reduce::Max, false) | (Reduce::Min, true) => self.ordered(plain),
            (Reduce::ArgMin, false) | (Reduce::ArgMax, true) => plain(&self.counts()?),
            (Reduce::ArgMax, false) | (Reduce::ArgMin, true) => plain(&self.none_last()?),
            (Reduce::Count, _) => {
                let counted = self.unary_of_time(Unary::IsFinite)?;
                let kind = Reduce::Count.result(self.kind());
                counted.reduce(Reduce::Sum, false, axes)?.cast(kind.into())
            }
            (Reduce::Sum, skip) if matches!(self.dtype(), DType::Span(_)) => {
                let none = self.is_none()?;
                let sum = plain(&self.zeros_where(&none)?)?;
                let sum = match skip {
                    true => sum,
                    false => sum.with_no_time_where(&none.reduce(Reduce::Any, false, axes)?)?,
                };
                sum.cast(self.dtype())
            }
            (Reduce::Mean, skip) if matches!(self.dtype(), DType::Span(_)) => {
                self.mean_of_spans(skip, axes)
            }
            _ => Err(self.has_no(reduce.name())),
        }
    }

    /// Each span with all before it.
    pub(super) fn scan_of_time(&self, scan: Scan, skip_none: bool, axis: usize) -> Result<Self> {
        if !matches!((self.dtype(), scan), (DType::Span(_), Scan::Sum)) {
            return Err(self.has_no(scan.name()));
        }
        let none = self.is_none()?;
        let sums = self.zeros_where(&none)?.scan(scan, false, Some(axis))?;
        let sums = match skip_none {
            true => sums,
            false => {
                let before = none.cast(Kind::I64.into())?.scan(scan, false, Some(axis))?;
                sums.with_no_time_where(&before.binary_with(
                    Binary::Ne,
                    Scalar::Signed(0),
                    false,
                )?)?
            }
        };
        sums.cast(self.dtype())
    }

    fn zeros_where(&self, none: &Self) -> Result<Self> {
        let zero = Self::full(&[], Scalar::Signed(0), Kind::I64.into())?;
        none.select(&zero, &self.counts()?)
    }

    fn has_no(&self, what: &str) -> ArrayError {
        ArrayError::asked(format!("{} has no {what}: cast it to i64 first", self.dtype()))
    }
}
