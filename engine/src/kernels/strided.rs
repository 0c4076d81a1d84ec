//! Values that do not lie side by side: boxes within boxes, views, values that are shown again and again.

use super::block::{Block, Slice, each_kind};

/// How values of a shape lie where the last dimension runs fastest.
pub(crate) fn row_major(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut width = 1_isize;
    for (stride, length) in strides.iter_mut().zip(shape).rev() {
        *stride = width;
        width = width.saturating_mul((*length).max(1) as isize);
    }
    strides
}

/// Whether values of this shape with these strides lie side by side, in order.
pub(crate) fn is_row_major(shape: &[usize], strides: &[isize]) -> bool {
    let expected = row_major(shape);
    shape.iter().zip(strides).zip(&expected).all(|((n, stride), want)| *n <= 1 || stride == want)
}

/// Collects values of a box: those at `from..to`, counted with the last dimension running fastest, of the
/// values that begin at `first` and are `strides` apart. They replace what `out` has.
pub(crate) fn gather(
    values: Slice<'_>,
    first: usize,
    strides: &[isize],
    shape: &[usize],
    (from, to): (usize, usize),
    out: &mut Block,
) {
    macro_rules! typed {
        ($($kind:ident: $type:ty),*) => {
            match (values, out) {
                $((Slice::$kind(values), Block::$kind(out)) => {
                    out.clear();
                    out.reserve(to.saturating_sub(from));
                    runs(shape, strides, first, (from, to), |at, stride, count| {
                        extend(out, values, at, stride, count);
                    });
                })*
                _ => {}
            }
        };
    }
    each_kind!(typed);
}

fn extend<T: Copy>(out: &mut Vec<T>, values: &[T], at: usize, stride: isize, count: usize) {
    match stride {
        1 => out.extend_from_slice(values.get(at..at + count).unwrap_or_default()),
        0 => {
            if let Some(value) = values.get(at) {
                out.resize(out.len() + count, *value);
            }
        }
        stride if stride > 0 => {
            let rest = values.get(at..).unwrap_or_default();
            out.extend(rest.iter().step_by(stride.unsigned_abs()).take(count));
        }
        stride => {
            let until = values.get(..at + 1).unwrap_or_default();
            out.extend(until.iter().rev().step_by(stride.unsigned_abs()).take(count));
        }
    }
}

/// Calls with the start, stride and length of every run along the last dimension.
fn runs(
    shape: &[usize],
    strides: &[isize],
    first: usize,
    (from, to): (usize, usize),
    mut each: impl FnMut(usize, isize, usize),
) {
    let (Some((last, outer)), Some((stride, outer_strides))) =
        (shape.split_last(), strides.split_last())
    else {
        if from < to {
            each(first, 0, to - from);
        }
        return;
    };
    if *last == 0 {
        return;
    }
    let mut position = from;
    // Where the row begins that a position lies in.
    let row = |number: usize| {
        let mut number = number;
        let mut at = first as isize;
        for (length, stride) in outer.iter().zip(outer_strides).rev() {
            let length = (*length).max(1);
            at += (number % length) as isize * stride;
            number /= length;
        }
        at
    };
    while position < to {
        let (number, within) = (position / last, position % last);
        let count = (last - within).min(to - position);
        let at = row(number) + within as isize * stride;
        each(usize::try_from(at).unwrap_or(usize::MAX / 2), *stride, count);
        position += count;
    }
}

/// Puts a box of values, which lie side by side, into a larger one at `offset`. What does not fit is left
/// out.
pub(crate) fn place(
    values: Slice<'_>,
    shape: &[usize],
    into: &mut Block,
    whole: &[usize],
    offset: &[usize],
) {
    macro_rules! typed {
        ($($kind:ident: $type:ty),*) => {
            match (values, into) {
                $((Slice::$kind(values), Block::$kind(into)) => {
                    place_in(values, shape, into, whole, offset);
                })*
                _ => {}
            }
        };
    }
    each_kind!(typed);
}

/// As [`place`], for the bytes of values that are so wide.
pub(crate) fn place_bytes(
    values: &[u8],
    shape: &[u64],
    into: &mut [u8],
    whole: &[u64],
    offset: &[u64],
    width: usize,
) {
    // A value is one more dimension, of bytes.
    let lengths = |of: &[u64], bytes| {
        let mut lengths: Vec<usize> = of.iter().map(|length| *length as usize).collect();
        lengths.push(bytes);
        lengths
    };
    let (mut shape, mut whole) = (lengths(shape, width), lengths(whole, width));
    let mut offset = lengths(offset, 0);
    // What is whole along its last dimension lies in longer runs.
    while shape.len() > 1 && shape.last() == whole.last() {
        // Along a dimension that is whole, nothing is left out in front.
        offset.pop();
        whole.pop();
        let length = shape.pop().unwrap_or(1);
        for lengths in [&mut shape, &mut whole, &mut offset] {
            if let Some(last) = lengths.last_mut() {
                *last *= length;
            }
        }
    }
    place_in(values, &shape, into, &whole, &offset);
}

fn place_in<T: Copy>(
    values: &[T],
    shape: &[usize],
    into: &mut [T],
    whole: &[usize],
    offset: &[usize],
) {
    let strides = row_major(whole);
    let first: isize = offset.iter().zip(&strides).map(|(at, stride)| *at as isize * stride).sum();
    let cells = shape.iter().product();
    let mut done = 0;
    runs(shape, &strides, first as usize, (0, cells), |at, _, count| {
        let from = values.get(done..done + count);
        let to = into.get_mut(at..at + count);
        if let (Some(from), Some(to)) = (from, to) {
            to.copy_from_slice(from);
        }
        done += count;
    });
}

/// Adds values to the end of others of their kind.
pub(crate) fn append(values: Slice<'_>, to: &mut Block) {
    macro_rules! typed {
        ($($kind:ident: $type:ty),*) => {
            match (values, to) {
                $((Slice::$kind(values), Block::$kind(to)) => to.extend_from_slice(values),)*
                _ => {}
            }
        };
    }
    each_kind!(typed);
}

/// Adds the bits of values to the end of others, each widened to eight bytes by zeros.
pub(crate) fn append_bits(values: Slice<'_>, to: &mut Vec<u64>) {
    match values {
        Slice::Bool(values) | Slice::U8(values) => to.extend(values.iter().map(|v| u64::from(*v))),
        Slice::I8(values) => to.extend(values.iter().map(|v| u64::from(v.cast_unsigned()))),
        Slice::I16(values) => to.extend(values.iter().map(|v| u64::from(v.cast_unsigned()))),
        Slice::I32(values) => to.extend(values.iter().map(|v| u64::from(v.cast_unsigned()))),
        Slice::I64(values) => to.extend(values.iter().map(|v| v.cast_unsigned())),
        Slice::U16(values) => to.extend(values.iter().map(|v| u64::from(*v))),
        Slice::U32(values) => to.extend(values.iter().map(|v| u64::from(*v))),
        Slice::U64(values) => to.extend_from_slice(values),
        Slice::F32(values) => to.extend(values.iter().map(|v| u64::from(v.to_bits()))),
        Slice::F64(values) => to.extend(values.iter().map(|v| v.to_bits())),
    }
}

/// The values that bits stand for, as [`append_bits`] has them.
pub(crate) fn of_bits(bits: &[u64], kind: crate::array::Kind) -> Block {
    use crate::array::Kind;
    macro_rules! integers {
        ($kind:ident: $type:ty) => {
            Block::$kind(bits.iter().map(|bits| *bits as $type).collect())
        };
    }
    match kind {
        Kind::Bool => integers!(Bool: u8),
        Kind::I8 => integers!(I8: i8),
        Kind::I16 => integers!(I16: i16),
        Kind::I32 => integers!(I32: i32),
        Kind::I64 => integers!(I64: i64),
        Kind::U8 => integers!(U8: u8),
        Kind::U16 => integers!(U16: u16),
        Kind::U32 => integers!(U32: u32),
        Kind::U64 => integers!(U64: u64),
        Kind::F32 => Block::F32(bits.iter().map(|bits| f32::from_bits(*bits as u32)).collect()),
        Kind::F64 => Block::F64(bits.iter().map(|bits| f64::from_bits(*bits)).collect()),
    }
}

/// So many of one value.
pub(crate) fn repeated(value: Slice<'_>, count: usize, out: &mut Block) {
    gather(value, 0, &[0], &[count], (0, count), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(first: usize, strides: &[isize], shape: &[usize], range: (usize, usize)) -> Block {
        let values: Vec<i32> = (0..24).collect();
        let mut out = Block::I32(vec![-1]);
        gather(Slice::I32(&values), first, strides, shape, range, &mut out);
        out
    }

    #[test]
    fn views_are_gathered_in_the_order_of_the_view() {
        // A 4×6 array, transposed.
        assert_eq!(gathered(0, &[1, 6], &[6, 4], (3, 9)), Block::I32(vec![18, 1, 7, 13, 19, 2]));
        // Every second column, backwards, of the rows 1 and 2.
        assert_eq!(gathered(11, &[6, -2], &[2, 3], (0, 6)), Block::I32(vec![11, 9, 7, 17, 15, 13]));
        // One row again and again.
        assert_eq!(gathered(6, &[0, 1], &[3, 2], (1, 6)), Block::I32(vec![7, 6, 7, 6, 7]));
        assert_eq!(gathered(5, &[], &[], (0, 1)), Block::I32(vec![5]));
        assert_eq!(gathered(0, &[6, 1], &[0, 6], (0, 0)), Block::I32(vec![]));
        assert!(is_row_major(&[4, 1, 6], &[6, 77, 1]) && !is_row_major(&[6, 4], &[1, 6]));
    }

    #[test]
    fn boxes_are_put_where_they_belong() {
        let mut whole = Block::zeros(crate::array::Kind::I32, 12);
        place(Slice::I32(&[1, 2, 3, 4]), &[2, 2], &mut whole, &[3, 4], &[1, 2]);
        assert_eq!(whole, Block::I32(vec![0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4]));
    }
}
