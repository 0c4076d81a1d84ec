//! Functions of values at the same place.

use super::broadcast::{Common, together};
use super::{Array, Result, Scalar, Step};
use crate::array::{ArrayError, DType, Form, Grid, Kind};
use crate::kernels::{Binary, Unary};

impl Array {
    /// The same values as another type.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        if dtype == self.dtype() {
            return Ok(self.clone());
        }
        match (self.dtype(), dtype) {
            (DType::Time(_), DType::Time(unit)) | (DType::Span(_), DType::Span(unit)) => {
                let counts = self.counted_in(unit)?;
                let form = Form { dtype, ..counts.form().clone() };
                return Self::step(Step::Cast(dtype), vec![counts], form);
            }
            (DType::Time(_), DType::Span(_)) | (DType::Span(_), DType::Time(_)) => {
                return Err(ArrayError::asked(format!(
                    "{} is no {dtype}: subtract a time, or add one",
                    self.dtype()
                )));
            }
            _ => {}
        }
        let form = Form { dtype, ..self.form().clone() };
        Self::step(Step::Cast(dtype), vec![self.clone()], form)
    }

    /// A function of each value.
    pub fn unary(&self, unary: Unary) -> Result<Self> {
        let DType::Plain(kind) = self.dtype() else { return self.unary_of_time(unary) };
        let (takes, makes) = unary.result(kind).map_err(ArrayError::asked)?;
        let form = Form { dtype: makes.into(), ..self.form().clone() };
        Self::step(Step::Unary(unary), vec![self.cast(takes.into())?], form)
    }

    /// A function of two values at the same place.
    pub fn binary(&self, binary: Binary, other: &Self) -> Result<Self> {
        let (DType::Plain(left), DType::Plain(right)) = (self.dtype(), other.dtype()) else {
            return self.binary_of_time(binary, other);
        };
        let ([left, right], makes) = binary.result(left, right).map_err(ArrayError::asked)?;
        let operands = [self.cast(left.into())?, other.cast(right.into())?];
        let Common { arrays, grid, dims } = together(&operands)?;
        Self::step(Step::Binary(binary), arrays, Form { dtype: makes.into(), grid, dims })
    }

    /// As [`binary`](Self::binary), with a number that takes the array's type where it can.
    pub fn binary_with(&self, binary: Binary, number: Scalar, left: bool) -> Result<Self> {
        if binary == Binary::Pow && !left && self.kind() == Kind::Bool && number.is_two() {
            return self.unary(Unary::Square);
        }
        let kind = match self.dtype() {
            DType::Span(_) => number.own_kind(),
            dtype => number.beside(dtype, binary)?,
        };
        let number = Self::full(&[], number.into_kind(kind), kind.into())?;
        match left {
            true => number.binary(binary, self),
            false => self.binary(binary, &number),
        }
    }

    /// Where this is true, what `yes` has there, else what `no` has.
    pub fn select(&self, yes: &Self, no: &Self) -> Result<Self> {
        let dtype = match (yes.dtype(), no.dtype()) {
            (DType::Plain(a), DType::Plain(b)) => DType::Plain(a.with(b)),
            (a, b) if a == b => a,
            (a, b) => {
                return Err(ArrayError::asked(format!(
                    "where(…) cannot choose between {a} and {b}"
                )));
            }
        };
        let truth = self.cast(Kind::Bool.into())?;
        let Common { arrays, grid, dims } = together(&[truth, yes.cast(dtype)?, no.cast(dtype)?])?;
        Self::step(Step::Select, arrays, Form { dtype, grid, dims })
    }

    /// One value everywhere, in one chunk.
    pub(crate) fn full(shape: &[u64], value: Scalar, dtype: DType) -> Result<Self> {
        let form = Form { dtype, grid: Grid::whole(shape), dims: vec![None; shape.len()] };
        Self::step(Step::Full(value), Vec::new(), form)
    }
}

/// Whether a function asks which of two is the larger.
fn compares(binary: Binary) -> bool {
    use Binary::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(binary, Eq | Ne | Lt | Le | Gt | Ge)
}

impl Scalar {
    /// The kind that a number has beside an array: the array's, unless that cannot have it.
    pub(super) fn beside(self, dtype: DType, binary: Binary) -> Result<Kind> {
        let kind = dtype.kind();
        let fits = |low: i128, high: i128, value: i128| (low..=high).contains(&value);
        let whole = match self {
            Self::Bool(_) => return Ok(Kind::Bool),
            Self::Float(_) if kind == Kind::F32 => return Ok(Kind::F32),
            Self::Float(_) => return Ok(Kind::F64),
            Self::Signed(value) => i128::from(value),
            Self::Unsigned(value) => i128::from(value),
        };
        // Where the function takes floats or truth values, the number is one.
        if let Ok(([takes, _], _)) = binary.result(kind, kind)
            && (takes.is_float() || (takes == Kind::Bool && kind != Kind::Bool))
        {
            return Ok(takes);
        }
        let bits = kind.width() as u32 * 8;
        Ok(match kind {
            Kind::F32 | Kind::F64 => kind,
            Kind::Bool if i64::try_from(whole).is_ok() => Kind::I64,
            Kind::Bool => Kind::U64,
            _ => {
                let (low, high) = match kind.is_signed() {
                    true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
                    false => (0, (1_i128 << bits) - 1),
                };
                match fits(low, high, whole) {
                    true => kind,
                    // What a comparison says of a number does not depend on whether the type has it.
                    false if compares(binary) && i64::try_from(whole).is_ok() => Kind::I64,
                    false if compares(binary) => Kind::U64,
                    false => {
                        return Err(ArrayError::asked(format!(
                            "{whole} is no {kind}: cast the array to a wider type first"
                        )));
                    }
                }
            }
        })
    }

    /// NumPy takes the square of truth values for something else than their other powers.
    fn is_two(self) -> bool {
        matches!(self, Self::Signed(2) | Self::Unsigned(2))
    }

    /// The kind of a number that stands alone.
    pub(super) fn own_kind(self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Signed(_) => Kind::I64,
            Self::Unsigned(_) => Kind::U64,
            Self::Float(_) => Kind::F64,
        }
    }

    /// The same number as another kind.
    pub(super) fn into_kind(self, kind: Kind) -> Self {
        match (self, kind) {
            (value, Kind::F32 | Kind::F64) => Self::Float(value.as_f64()),
            (Self::Float(value), kind) if kind.is_unsigned() => Self::Unsigned(value as u64),
            (Self::Float(value), kind) if kind.is_signed() => Self::Signed(value as i64),
            (Self::Signed(value), kind) if kind.is_unsigned() => Self::Unsigned(value as u64),
            (Self::Unsigned(value), kind) if kind.is_signed() => Self::Signed(value as i64),
            (Self::Bool(value), kind) if kind.is_signed() => Self::Signed(i64::from(value)),
            (Self::Bool(value), kind) if kind.is_unsigned() => Self::Unsigned(u64::from(value)),
            (value, Kind::Bool) => Self::Bool(value.as_f64() != 0.0),
            (value, _) => value,
        }
    }
}
