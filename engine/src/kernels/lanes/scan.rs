//! Sums and products of each value with all before it. Lanes are cut into pieces, which are worked on
//! apart: first what each piece comes to, then what comes before each piece, then the pieces themselves.
//!
//! Integers wrap at 64 bits. Floats are carried as `f64`; where `f32` overflows, what is carried does.
//! Products that leave the range of their type and come back within one piece have come back for the pieces
//! behind it, too.

use serde::{Deserialize, Serialize};

use super::Shape;
use crate::array::Kind;
use crate::kernels::cast::To;
use crate::kernels::element::{Element, Value, by_kind};
use crate::kernels::{Block, Reduce, Slice};

/// What each value becomes with all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scan {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
}

impl Scan {
    /// The name, as in `cumsum`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "cumsum",
            Self::Prod => "cumprod",
        }
    }

    /// The same of all values of a lane.
    pub fn whole(self) -> Reduce {
        match self {
            Self::Sum => Reduce::Sum,
            Self::Prod => Reduce::Prod,
        }
    }

    /// What the result is for values of a kind, as NumPy has it.
    pub fn result(self, kind: Kind) -> Kind {
        self.whole().result(kind)
    }

    /// What is carried from piece to piece.
    pub(crate) fn carried(self, kind: Kind) -> Kind {
        if kind.is_float() { Kind::F64 } else { Kind::I64 }
    }
}

/// What is carried from piece to piece.
trait Carried: Sized + Copy {
    /// What stands before the first value.
    fn nothing(prod: bool) -> Self;
    /// Lost where `f32` cannot hold it: too large, or too small.
    fn narrowed(self) -> Self;
    fn block(values: Vec<Self>) -> Block;
    fn of(slice: Slice<'_>) -> &[Self];
}

macro_rules! carried {
    ($($kind:ident: $type:ty, $narrowed:expr);*) => {$(
        impl Carried for $type {
            #[inline]
            fn narrowed(self) -> Self {
                $narrowed(self)
            }

            fn nothing(prod: bool) -> Self {
                <$type>::from(u8::from(prod))
            }

            fn block(values: Vec<Self>) -> Block {
                Block::$kind(values)
            }

            fn of(slice: Slice<'_>) -> &[Self] {
                if let Slice::$kind(values) = slice { values } else { &[] }
            }
        }
    )*};
}
carried!(I64: i64, std::convert::identity; F64: f64, within_f32);

fn within_f32(value: f64) -> f64 {
    let narrow = value as f32;
    if narrow.is_infinite() || narrow == 0.0 { f64::from(narrow) } else { value }
}

fn whole<V: To<i64>, const PROD: bool>(all: i64, value: V) -> i64 {
    if PROD { all.wrapping_mul(value.to()) } else { all.wrapping_add(value.to()) }
}

fn real<V: Value, const PROD: bool, const SKIP: bool, const NARROW: bool>(
    all: f64,
    value: V,
) -> f64 {
    if SKIP && value.is_nan() {
        return all;
    }
    let made = if PROD { all * value.wide() } else { all + value.wide() };
    if NARROW { made.narrowed() } else { made }
}

/// Evaluates an expression with the step for values of a kind, and the type of these values.
macro_rules! with_step {
    ($scan:expr, $skip:expr, $kind:expr, $narrow:literal, |$step:ident, $type:ident| $body:expr) => {
        if $kind.is_float() {
            macro_rules! floats {
                ($prod:literal, $skips:literal) => {
                    if $kind == Kind::F32 {
                        type $type = crate::kernels::element::F32;
                        let $step = real::<f32, $prod, $skips, $narrow>;
                        $body
                    } else {
                        type $type = crate::kernels::element::F64;
                        let $step = real::<f64, $prod, $skips, false>;
                        $body
                    }
                };
            }
            match ($scan, $skip) {
                (Scan::Sum, false) => floats!(false, false),
                (Scan::Sum, true) => floats!(false, true),
                (Scan::Prod, false) => floats!(true, false),
                (Scan::Prod, true) => floats!(true, true),
            }
        } else {
            by_kind!($kind, [Bool I8 I16 I32 U8 U16 U32 U64], I64, $type => {
                match $scan {
                    Scan::Sum => {
                        let $step = whole::<<$type as Element>::Value, false>;
                        $body
                    }
                    Scan::Prod => {
                        let $step = whole::<<$type as Element>::Value, true>;
                        $body
                    }
                }
            })
        }
    };
}

/// What each piece of the lanes comes to: `outer × pieces × inner` values of what is carried. `starts` are
/// the places where pieces begin.
pub(crate) fn totals(
    scan: Scan,
    skip_nan: bool,
    values: Slice<'_>,
    shape: Shape,
    starts: &[usize],
) -> Block {
    let prod = scan == Scan::Prod;
    with_step!(scan, skip_nan, values.kind(), false, |step, E| {
        let values = E::of(values).unwrap_or_default();
        let mut out = Vec::with_capacity(shape.outer * starts.len() * shape.inner);
        each_piece(values, shape, starts, |_, part| {
            let mut all = vec![Carried::nothing(prod); shape.inner];
            for row in part.chunks_exact(shape.inner.max(1)) {
                for (all, value) in all.iter_mut().zip(row) {
                    *all = step(*all, *value);
                }
            }
            out.extend_from_slice(&all);
        });
        Carried::block(out)
    })
}

/// Each value with all before it. `carries` has what each piece begins with, as [`totals`] has what they
/// come to.
pub(crate) fn scan(
    scan: Scan,
    skip_nan: bool,
    values: Slice<'_>,
    shape: Shape,
    starts: &[usize],
    carries: Slice<'_>,
) -> Block {
    let kind = values.kind();
    with_step!(scan, skip_nan, kind, true, |step, E| {
        let values = E::of(values).unwrap_or_default();
        let mut out = Vec::with_capacity(values.len());
        let mut all = Vec::new();
        each_piece(values, shape, starts, |piece, part| {
            let before = piece * shape.inner..(piece + 1) * shape.inner;
            begin(&mut all, carries.range(before.start, before.end), kind);
            if let [one] = &mut all[..] {
                out.extend(part.iter().map(|value| {
                    *one = step(*one, *value);
                    *one
                }));
                return;
            }
            for row in part.chunks_exact(shape.inner.max(1)) {
                out.extend(all.iter_mut().zip(row).map(|(all, value)| {
                    *all = step(*all, *value);
                    *all
                }));
            }
        });
        finished(Carried::block(out), scan.result(kind))
    })
}

/// What comes before each value: nothing for the first, and so on.
pub(super) fn before(scan: Scan, values: Slice<'_>, shape: Shape) -> Block {
    fn shifted<A: Carried>(values: &[A], shape: Shape, prod: bool, step: fn(A, A) -> A) -> Block {
        let mut out = Vec::with_capacity(values.len());
        each_piece(values, shape, &[0], |_, part| {
            let mut all = vec![A::nothing(prod); shape.inner];
            for row in part.chunks_exact(shape.inner.max(1)) {
                out.extend_from_slice(&all);
                for (all, value) in all.iter_mut().zip(row) {
                    *all = step(*all, *value);
                }
            }
        });
        A::block(out)
    }
    let prod = scan == Scan::Prod;
    match (values, prod) {
        (Slice::I64(values), false) => shifted(values, shape, prod, i64::wrapping_add),
        (Slice::I64(values), true) => shifted(values, shape, prod, i64::wrapping_mul),
        (Slice::F64(values), false) => shifted(values, shape, prod, |a, b| a + b),
        (Slice::F64(values), true) => shifted(values, shape, prod, |a, b| a * b),
        (other, _) => other.to_block(),
    }
}

/// Calls with every piece of the lanes of every outer box: its number, and its rows.
fn each_piece<'a, V>(
    values: &'a [V],
    shape: Shape,
    starts: &[usize],
    mut each: impl FnMut(usize, &'a [V]),
) {
    for outer in 0..shape.outer {
        let all = outer * shape.length;
        for (at, start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).copied().unwrap_or(shape.length);
            let part = (all + start) * shape.inner..(all + end) * shape.inner;
            each(outer * starts.len() + at, values.get(part).unwrap_or_default());
        }
    }
}

fn begin<A: Carried>(all: &mut Vec<A>, carries: Slice<'_>, kind: Kind) {
    let narrow = |carry: &A| if kind == Kind::F32 { carry.narrowed() } else { *carry };
    all.clear();
    all.extend(A::of(carries).iter().map(narrow));
}

/// What was carried, as what the result is.
fn finished(values: Block, kind: Kind) -> Block {
    match (values, kind) {
        (Block::I64(values), Kind::U64) => {
            Block::U64(values.into_iter().map(|value| value as u64).collect())
        }
        (Block::F64(values), Kind::F32) => {
            Block::F32(values.into_iter().map(|value| value as f32).collect())
        }
        (values, _) => values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_same_as_the_whole() {
        let values: Vec<i16> = (0..2 * 7 * 3).map(|n| n * 31 % 17 - 8).collect();
        let shape = Shape { outer: 2, length: 7, inner: 3 };
        for how in [Scan::Sum, Scan::Prod] {
            let values = Slice::I16(&values);
            let none = Block::I64(vec![i64::from(how == Scan::Prod); 6]);
            let whole = scan(how, false, values, shape, &[0], none.as_slice());
            let starts = [0, 2, 3];
            let each = totals(how, false, values, shape, &starts);
            let pieces = Shape { length: starts.len(), ..shape };
            let carries = before(how, each.as_slice(), pieces);
            assert_eq!(scan(how, false, values, shape, &starts, carries.as_slice()), whole);
        }
    }

    #[test]
    fn what_is_no_number_is_left_out_or_stays() {
        let values = [1.0_f32, f32::NAN, 2.0];
        let shape = Shape { outer: 1, length: 3, inner: 1 };
        let run = |skip| {
            let carries = Block::F64(vec![0.0]);
            scan(Scan::Sum, skip, Slice::F32(&values), shape, &[0], carries.as_slice())
        };
        assert_eq!(run(true), Block::F32(vec![1.0, 1.0, 3.0]));
        let Block::F32(kept) = run(false) else { panic!() };
        assert!(kept[0] == 1.0 && kept[1].is_nan() && kept[2].is_nan());
    }
}
