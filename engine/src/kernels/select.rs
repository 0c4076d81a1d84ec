//! Takes values from one of two places.

use std::hint::select_unpredictable;

use super::element::{Bool, Element, by_kind};
use super::{Block, Slice};
use crate::array::Kind;

/// Writes the value of `a` where `condition` is true, and that of `b` elsewhere. The result is of the
/// kind in which the two meet, and is written anew, in memory that is there already. A single value of
/// `a` or `b` stands for all. A condition of another kind is true where it is not zero.
pub(crate) fn select(
    condition: Slice<'_>,
    a: Slice<'_>,
    b: Slice<'_>,
    out: &mut Block,
) -> Result<(), String> {
    let mut cast = Block::empty(Kind::Bool);
    let condition = Bool::values(condition, &mut cast);
    by_kind!(a.kind().with(b.kind()), all, E => choose::<E>(condition, a, b, out))
}

fn choose<E: Element>(
    condition: &[u8],
    a: Slice<'_>,
    b: Slice<'_>,
    out: &mut Block,
) -> Result<(), String> {
    let mut casts = (Block::empty(Kind::Bool), Block::empty(Kind::Bool));
    let (a, b) = (E::values(a, &mut casts.0), E::values(b, &mut casts.1));
    let mut results = E::room(out);
    // With `if`, the compiler would load one of the two, value by value.
    let pick = |truth: u8, x: E::Value, y: E::Value| select_unpredictable(truth != 0, x, y);
    let truths = condition.iter();
    match (a, b) {
        _ if a.len() == condition.len() && b.len() == condition.len() => {
            results.extend(truths.zip(a).zip(b).map(|((&truth, &x), &y)| pick(truth, x, y)));
        }
        (&[x], &[y]) => results.extend(truths.map(|&truth| pick(truth, x, y))),
        (&[x], _) if b.len() == condition.len() => {
            results.extend(truths.zip(b).map(|(&truth, &y)| pick(truth, x, y)));
        }
        (_, &[y]) if a.len() == condition.len() => {
            results.extend(truths.zip(a).map(|(&truth, &x)| pick(truth, x, y)));
        }
        _ => {
            let (truths, a, b) = (condition.len(), a.len(), b.len());
            return Err(format!("{truths} truth values cannot choose from {a} and {b} values"));
        }
    }
    *out = E::block(results);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_from_either_side() {
        let mut out = Block::empty(Kind::Bool);
        let truths = Slice::Bool(&[1, 0, 1]);
        select(truths, Slice::I8(&[1, 2, 3]), Slice::F32(&[0.5]), &mut out).unwrap();
        assert_eq!(out, Block::F32(vec![1.0, 0.5, 3.0]));
        select(truths, Slice::U8(&[9]), Slice::U8(&[1, 2, 3]), &mut out).unwrap();
        assert_eq!(out, Block::U8(vec![9, 2, 9]));
        select(truths, Slice::U8(&[9]), Slice::U8(&[7]), &mut out).unwrap();
        assert_eq!(out, Block::U8(vec![9, 7, 9]));
        assert!(select(truths, Slice::U8(&[9, 9]), Slice::U8(&[7]), &mut out).is_err());
    }
}
