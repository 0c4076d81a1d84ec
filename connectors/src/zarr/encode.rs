//! Values as an array stores them that is there already: the way back from what numbers mean. What does not
//! fit into what is stored is refused, and not cut.

use datafusion::arrow::buffer::Buffer;
use strata_engine::{
    Array, ArrayError, ArraySource, Binary, DType, Grid, Kind, Labelled, Scalar, Slice, Tensor,
    Unary,
};

use super::ZarrArray;
use super::cf::{Meaning, reading};

/// Values on their way into an array that is there.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    /// As they are computed: as they are stored, or as `i64` or `f64`.
    pub(super) array: Array,
    /// What whole numbers are counts of: they are stored as counts of so many.
    pub(super) divide: i64,
    /// Whether the smallest number stands for no time.
    pub(super) times: bool,
    /// What is stored where there is no value.
    pub(super) none: Option<Scalar>,
    pub(super) stored: DType,
}

impl Encoded {
    /// Values as they are stored.
    pub(super) fn plain(array: Array, stored: DType) -> Self {
        Self { array, divide: 1, times: false, none: None, stored }
    }

    /// The values of a chunk as they are stored.
    pub(super) fn exactly(&self, values: Tensor) -> Result<Tensor, String> {
        if values.dtype() == self.stored && self.divide == 1 && !self.times {
            return Ok(values);
        }
        let none = match self.none {
            Some(Scalar::Signed(none)) => Some(i128::from(none)),
            Some(Scalar::Unsigned(none)) => Some(i128::from(none)),
            _ => None,
        };
        let absent = |what: &str| format!("{what} has no place in it: it has no _FillValue");
        let whole = |value: i64| -> Result<i128, String> {
            if self.times && value == i64::MIN {
                return none.ok_or_else(|| absent("a time that is none"));
            }
            match value.checked_rem(self.divide) {
                Some(0) => Ok(i128::from(value / self.divide)),
                _ => Err("a time between two that it can count has no place in it".to_string()),
            }
        };
        let float = |value: f64| -> Result<i128, String> {
            match value {
                value if value.is_nan() => none.ok_or_else(|| absent("NaN")),
                value if value.fract() == 0.0 => Ok(value as i128),
                value => Err(format!("{value} has no place in it: its numbers are whole")),
            }
        };
        macro_rules! fit {
            ($type:ty) => {{
                let fits = |value: i128| {
                    <$type>::try_from(value)
                        .map_err(|_| format!("{value} is beyond {}, which it stores", self.stored))
                };
                let fitted: Result<Vec<$type>, String> = match values.values() {
                    Slice::I64(all) => all.iter().map(|v| whole(*v).and_then(fits)).collect(),
                    Slice::F64(all) => all.iter().map(|v| float(*v).and_then(fits)).collect(),
                    _ => return Err(format!("{} came for {}", values.dtype(), self.stored)),
                };
                Buffer::from_vec(fitted?)
            }};
        }
        let data = match self.stored.kind() {
            Kind::I8 => fit!(i8),
            Kind::I16 => fit!(i16),
            Kind::I32 => fit!(i32),
            Kind::I64 => fit!(i64),
            Kind::U8 => fit!(u8),
            Kind::U16 => fit!(u16),
            Kind::U32 => fit!(u32),
            Kind::U64 => fit!(u64),
            _ => return Err(format!("{} came for {}", values.dtype(), self.stored)),
        };
        let shape = values.shape().to_vec();
        Tensor::new(self.stored, shape, data).map_err(|error: ArrayError| error.to_string())
    }
}

/// What the chunks of an array that is there are to be made of.
pub(super) fn encoded(values: &Labelled, into: &ZarrArray) -> Result<Encoded, ArrayError> {
    let reading = reading(into)?;
    let (array, stored) = (&values.array, into.layout().dtype);
    let refused = |why: &str| {
        let own = array.dtype();
        let reason = format!("values of {own} cannot be added to what it has, {stored}: {why}");
        ArrayError::Source { array: into.title(), reason }
    };
    if reading.kind != stored.kind() {
        return Err(refused("its numbers are stored with another sign than they have"));
    }
    let none = reading.missing.first().copied();
    let whole = |array: &Array| array.cast(Kind::I64.into());
    match (&reading.meaning, array.dtype(), stored) {
        (Meaning::Plain, own, stored) if own == stored => Ok(Encoded::plain(array.clone(), stored)),
        (Meaning::Plain, DType::Time(own), DType::Time(unit))
        | (Meaning::Plain, DType::Span(own), DType::Span(unit)) => {
            match own.in_a_second() <= unit.in_a_second() {
                true => Ok(Encoded::plain(array.cast(stored)?, stored)),
                false => {
                    let divide = own.in_a_second() / unit.in_a_second();
                    Ok(Encoded {
                        array: whole(array)?,
                        divide,
                        times: true,
                        none: Some(Scalar::Signed(i64::MIN)),
                        stored,
                    })
                }
            }
        }
        (Meaning::Times(ticks), DType::Time(own), _)
        | (Meaning::Spans(ticks), DType::Span(own), _) => {
            if ticks.is_leapless() {
                return Err(refused(
                    "there in a calendar without leap days, which is read and not written",
                ));
            }
            let unit = own.max(ticks.unit());
            let finer = unit.in_a_second() / ticks.unit().in_a_second();
            let counts = match array.dtype() {
                DType::Time(_) => array.cast(DType::Time(unit))?,
                _ => array.cast(DType::Span(unit))?,
            };
            let counts = whole(&counts)?;
            let gone = counts.binary_with(Binary::Eq, Scalar::Signed(i64::MIN), false)?;
            let start =
                ticks.start().checked_mul(finer).ok_or_else(|| refused("too far from 1970"))?;
            let divide =
                ticks.each().checked_mul(finer).ok_or_else(|| refused("too long a unit"))?;
            let since = counts.binary_with(Binary::Sub, Scalar::Signed(start), false)?;
            if stored.kind().is_float() {
                let each = Scalar::Float(divide as f64);
                let ticks = since.cast(Kind::F64.into())?.binary_with(Binary::Div, each, false)?;
                let none = none.unwrap_or(Scalar::Float(f64::NAN));
                let none = Array::filled_with(none, Kind::F64.into(), Grid::whole(&[]))?;
                return Ok(Encoded::plain(gone.select(&none, &ticks)?.cast(stored)?, stored));
            }
            let array = since.with_no_time_where(&gone)?;
            Ok(Encoded { array, divide, times: true, none, stored })
        }
        (
            Meaning::Numbers { scale: None, offset: None, .. } | Meaning::Plain,
            DType::Plain(own),
            DType::Plain(kind),
        ) if own.is_integer() && own != Kind::U64 && kind.is_integer() => {
            Ok(Encoded { array: whole(array)?, divide: 1, times: false, none, stored })
        }
        (Meaning::Plain, DType::Plain(own), DType::Plain(kind))
            if own.with(kind) == kind || own.is_float() && kind.is_float() =>
        {
            Ok(Encoded::plain(array.cast(stored)?, stored))
        }
        (Meaning::Numbers { scale, offset, .. }, DType::Plain(own), DType::Plain(kind))
            if own != Kind::Bool =>
        {
            let mut numbers = array.cast(Kind::F64.into())?;
            if let Some(offset) = offset {
                numbers = numbers.binary_with(Binary::Sub, Scalar::Float(*offset), false)?;
            }
            if let Some(scale) = scale {
                numbers = numbers.binary_with(Binary::Div, Scalar::Float(*scale), false)?;
            }
            if kind.is_integer() {
                let packed = scale.is_some() || offset.is_some();
                let array = if packed { numbers.unary(Unary::Round)? } else { numbers };
                return Ok(Encoded { array, divide: 1, times: false, none, stored });
            }
            if let Some(none) = none {
                let gone = numbers.unary(Unary::IsNan)?;
                let none = Array::filled_with(none, Kind::F64.into(), Grid::whole(&[]))?;
                numbers = gone.select(&none, &numbers)?;
            }
            Ok(Encoded::plain(numbers.cast(stored)?, stored))
        }
        (_, DType::Plain(_), DType::Plain(kind)) => {
            Err(refused(&format!("cast them: cast('{kind}')")))
        }
        _ => Err(refused("they mean something else")),
    }
}

#[cfg(test)]
mod tests {
    use strata_engine::Block;

    use super::*;

    fn fitted(
        block: Block,
        stored: Kind,
        divide: i64,
        none: Option<Scalar>,
    ) -> Result<String, String> {
        let array =
            Array::filled_with(Scalar::Signed(0), Kind::I64.into(), Grid::whole(&[])).unwrap();
        let (kind, count) = (block.kind(), block.len() as u64);
        let encoded = Encoded { array, divide, times: divide > 1, none, stored: stored.into() };
        let values = Tensor::from_block(kind.into(), vec![count], block).unwrap();
        encoded.exactly(values).map(|values| format!("{:?}", values.values()))
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let none = Some(Scalar::Signed(-9));
        let floats = |value: f64| Block::F64(vec![1.0, value]);
        assert_eq!(fitted(floats(f64::NAN), Kind::I8, 1, none).unwrap(), "I8([1, -9])");
        assert!(fitted(floats(f64::NAN), Kind::I8, 1, None).unwrap_err().contains("_FillValue"));
        assert!(fitted(floats(200.0), Kind::I8, 1, none).unwrap_err().contains("beyond"));
        assert!(fitted(floats(f64::INFINITY), Kind::I64, 1, none).is_err());
        assert!(fitted(floats(0.5), Kind::I64, 1, none).unwrap_err().contains("whole"));
        let days = |value: i64| Block::I64(vec![86_400, value]);
        assert_eq!(fitted(days(i64::MIN), Kind::I32, 86_400, none).unwrap(), "I32([1, -9])");
        assert!(fitted(days(3_600), Kind::I32, 86_400, none).unwrap_err().contains("between"));
    }
}
