//! Lanes in order, and where their values were. What is not a number comes last.

use super::{Shape, each_lane, ordered};
use crate::kernels::element::{Element, by_kind};
use crate::kernels::{Block, Slice};

/// The values of every lane, the smallest first.
pub(super) fn sort(values: Slice<'_>, shape: Shape) -> Block {
    by_kind!(values.kind(), all, E => {
        let values = E::of(values).unwrap_or_default();
        E::block(each_lane(values, shape, shape.length, |lane, out| {
            lane.sort_unstable_by(|a, b| ordered(*a, *b));
            out.copy_from_slice(lane);
        }))
    })
}

/// Where the values of every lane are in order; the first of equal ones first.
pub(super) fn argsort(values: Slice<'_>, shape: Shape) -> Block {
    by_kind!(values.kind(), all, E => {
        let values = E::of(values).unwrap_or_default();
        Block::I64(each_lane(values, shape, shape.length, |lane, out| {
            out.iter_mut().zip(0..).for_each(|(out, at)| *out = at);
            let value = |at: i64| lane.get(at as usize).copied().unwrap_or_default();
            out.sort_by(|a, b| ordered(value(*a), value(*b)));
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_put_in_order_wherever_they_lie() {
        let values = [3.0, 0.0, f64::NAN, 7.0, 1.0, 7.0];
        let across = Shape { outer: 1, length: 3, inner: 2 };
        let Block::F64(sorted) = sort(Slice::F64(&values), across) else { panic!() };
        assert_eq!(sorted[..4], [1.0, 0.0, 3.0, 7.0]);
        assert!(sorted[4].is_nan() && sorted[5] == 7.0);
        assert_eq!(argsort(Slice::F64(&values), across), Block::I64(vec![2, 0, 0, 1, 1, 2]));
        let along = Shape { outer: 2, length: 3, inner: 1 };
        assert_eq!(argsort(Slice::F64(&values), along), Block::I64(vec![1, 0, 2, 1, 0, 2]));
    }
}
