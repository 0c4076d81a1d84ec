//! Between what values those of a box lie.

use super::kind::Kind;
use crate::kernels::{Block, Slice};

/// What values those of a box lie between: none is less than `least`, none is larger than `largest`. Where there is no
/// number at all, the least is the larger one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// No number is less.
    pub least: f64,
    /// No number is larger.
    pub largest: f64,
    /// Whether there may be values that are no number.
    pub nan: bool,
}

/// Whole numbers up to this are floats, too.
const EXACT: f64 = (1_u64 << 53) as f64;

macro_rules! of_whole_numbers {
    ($values:expr) => {{
        let mut all = $values.iter();
        let first = *all.next()?;
        let (least, largest) =
            all.fold((first, first), |(least, largest), one| (least.min(*one), largest.max(*one)));
        Extent { least: least as f64, largest: largest as f64, nan: false }
    }};
}

macro_rules! of_floats {
    ($values:expr, $kind:ident) => {{
        let (mut least, mut largest, mut numbers) = ($kind::INFINITY, $kind::NEG_INFINITY, true);
        for value in $values {
            least = if *value < least { *value } else { least };
            largest = if *value > largest { *value } else { largest };
            numbers &= !value.is_nan();
        }
        Extent { least: f64::from(least), largest: f64::from(largest), nan: !numbers }
    }};
}

impl Extent {
    /// One value.
    pub fn one(value: f64) -> Self {
        match value.is_nan() {
            true => Self { least: f64::INFINITY, largest: f64::NEG_INFINITY, nan: true },
            false => Self { least: value, largest: value, nan: false },
        }
    }

    /// What these values lie between; none where there are none, or whole numbers that are no floats.
    pub fn of(values: Slice<'_>) -> Option<Self> {
        let extent = match values {
            Slice::Bool(values) | Slice::U8(values) => of_whole_numbers!(values),
            Slice::I8(values) => of_whole_numbers!(values),
            Slice::I16(values) => of_whole_numbers!(values),
            Slice::I32(values) => of_whole_numbers!(values),
            Slice::I64(values) => of_whole_numbers!(values),
            Slice::U16(values) => of_whole_numbers!(values),
            Slice::U32(values) => of_whole_numbers!(values),
            Slice::U64(values) => of_whole_numbers!(values),
            Slice::F32([]) | Slice::F64([]) => return None,
            Slice::F32(values) => of_floats!(values, f32),
            Slice::F64(values) => of_floats!(values, f64),
        };
        let exact = |bound: f64| values.kind().is_float() || bound.abs() < EXACT;
        (exact(extent.least) && exact(extent.largest)).then_some(extent)
    }

    /// What the values of both lie between.
    pub fn and(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            largest: self.largest.max(other.largest),
            nan: self.nan || other.nan,
        }
    }

    /// The only value that there is.
    pub(crate) fn only(self) -> Option<f64> {
        (self.least == self.largest && !self.nan).then_some(self.least)
    }

    /// Whether there is no number.
    pub(crate) fn has_none(self) -> bool {
        self.least > self.largest
    }

    /// A value that may be there.
    pub(crate) fn some(self, kind: Kind) -> Block {
        let value = if self.has_none() { f64::NAN } else { self.least };
        crate::program::one(crate::lazy::Scalar::Float(value), kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between() {
        let told = |block: Block| Extent::of(block.as_slice()).map(|e| (e.least, e.largest, e.nan));
        assert_eq!(told(Block::I16(vec![3, -7, 5])), Some((-7.0, 5.0, false)));
        assert_eq!(told(Block::Bool(vec![1, 1])), Some((1.0, 1.0, false)));
        assert_eq!(told(Block::F32(vec![0.5, f32::NAN, -1.0])), Some((-1.0, 0.5, true)));
        let none = Extent::of(Block::F64(vec![f64::NAN]).as_slice()).unwrap();
        assert!(none.has_none() && none.nan && none.only().is_none());
        assert_eq!(told(Block::F64(vec![])), None);
        assert_eq!(told(Block::U8(vec![])), None);
        // No float tells these apart.
        assert_eq!(told(Block::I64(vec![1, i64::MAX])), None);
        let both = Extent::one(2.0).and(Extent::one(f64::NAN));
        assert_eq!((both.least, both.largest, both.nan), (2.0, 2.0, true));
    }
}
