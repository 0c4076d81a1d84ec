//! Small whole numbers, several to a byte: they stay packed where they lie, and are unpacked chunk by chunk.

use super::{Array, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Kind};
use crate::kernels::Bits;

impl Array {
    /// Whole numbers of so few bits, several to a byte along the last dimension, the first of them in the lowest
    /// bits. Zeros fill the last byte. Values that do not fit are refused when they are computed.
    pub fn pack(&self, bits: Bits) -> Result<Self> {
        let whole = self.kind().is_integer() || self.kind() == Kind::Bool;
        if !(whole && matches!(self.dtype(), DType::Plain(_))) {
            return Err(ArrayError::asked(format!(
                "{} are not packed: whole numbers are, as cast('u8') makes them",
                self.dtype()
            )));
        }
        let each = bits.in_a_byte();
        self.along_last(Step::Pack { bits }, |cuts| {
            let length = cuts.length().div_ceil(each);
            Ok(cut_as(cuts, length, |piece| piece.div_ceil(each)))
        })
    }

    /// What was packed: so many values along the last dimension, or all that the bytes have.
    pub fn unpack(&self, bits: Bits, length: Option<u64>) -> Result<Self> {
        if self.dtype() != Kind::U8.into() {
            return Err(ArrayError::asked(format!(
                "{} are not unpacked: bytes are, of type u8",
                self.dtype()
            )));
        }
        let each = bits.in_a_byte();
        self.along_last(Step::Unpack { bits }, |cuts| {
            let all = cuts.length().checked_mul(each);
            let all = all.ok_or_else(|| ArrayError::asked("more values than can be counted"))?;
            let length = length.unwrap_or(all);
            if length > all {
                return Err(ArrayError::asked(format!(
                    "{length} values of {} bits: {} bytes have {all}",
                    bits.count(),
                    cuts.length()
                )));
            }
            Ok(cut_as(cuts, length, |piece| piece.saturating_mul(each)))
        })
    }

    /// A step that makes bytes, with the last dimension cut like this.
    fn along_last(&self, step: Step, cut: impl FnOnce(&Cuts) -> Result<Cuts>) -> Result<Self> {
        let mut grid = self.grid().clone();
        let last = grid.0.last_mut().ok_or_else(|| {
            ArrayError::asked("a single value is not packed: there is no dimension to pack along")
        })?;
        *last = cut(last)?;
        let form = Form { dtype: Kind::U8.into(), grid, dims: self.dims().to_vec() };
        Self::step(step, vec![self.clone()], form)
    }
}

/// The same pieces of a dimension of another length. Some may come to nothing.
fn cut_as(cuts: &Cuts, length: u64, moved: impl Fn(u64) -> u64) -> Cuts {
    match cuts {
        Cuts::Even { piece, .. } => Cuts::even(length, moved(*piece)),
        Cuts::Ragged(ends) => {
            let mut ends: Vec<u64> = ends.iter().map(|end| moved(*end).min(length)).collect();
            ends.dedup();
            ends.retain(|end| *end > 0);
            Cuts::Ragged(ends.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::super::{Op, Scalar};
    use super::*;
    use crate::array::Grid;

    #[test]
    fn forms_that_bytes_do_not_have_are_refused() {
        let bytes = |shape: &[u64]| {
            let grid = Grid::even(shape, &[2, 3]);
            Array::filled_with(Scalar::Unsigned(1), Kind::U8.into(), grid).unwrap()
        };
        let (values, bits) = (bytes(&[3, 10]), Bits::Two);
        let fits = |step: Step, shape: &[u64], kind: Kind| {
            let dims = vec![None; shape.len()];
            let form = Form { dtype: kind.into(), grid: Grid::whole(shape), dims };
            check(&Op::Step(step), std::slice::from_ref(&values), &form).is_ok()
        };
        assert!(fits(Step::Pack { bits }, &[3, 3], Kind::U8));
        assert!(!fits(Step::Pack { bits }, &[3, 2], Kind::U8));
        assert!(!fits(Step::Pack { bits }, &[3, 3], Kind::I8));
        assert!(!fits(Step::Pack { bits }, &[3], Kind::U8));
        assert!(fits(Step::Unpack { bits }, &[3, 40], Kind::U8));
        assert!(fits(Step::Unpack { bits }, &[3, 0], Kind::U8));
        assert!(!fits(Step::Unpack { bits }, &[3, 41], Kind::U8));
        assert!(!fits(Step::Unpack { bits }, &[2, 40], Kind::U8));
        assert!(!fits(Step::Unpack { bits }, &[], Kind::U8));
        // Pieces keep their places, and some come to nothing.
        let ragged = Cuts::Ragged([1, 3, 10].into());
        assert_eq!(cut_as(&ragged, 3, |at| at.div_ceil(4)), Cuts::Ragged([1, 3].into()));
        assert_eq!(cut_as(&ragged, 5, |at| at * 4), Cuts::Ragged([4, 5].into()));
        assert!(values.unpack(bits, Some(41)).is_err() && values.unpack(bits, Some(1)).is_ok());
    }
}
