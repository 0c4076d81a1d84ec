//! Whole arrays: blocks of four values along each dimension, one after the other, the last dimension
//! fastest. A block that reaches beyond the end is filled up with values of its own.

use super::bits::{Reader, Writer};
use super::cells::Cell;
use super::modes::Limits;
use super::numbers::Number;
use super::transform::{Whole, lines};
use super::wholes::Block;

/// The lengths of an array of one to four dimensions, behind as many of length 1 as are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) dims: u32,
    pub(super) lengths: [usize; 4],
}

impl Shape {
    pub(super) fn new(lengths: &[usize]) -> Option<Self> {
        let mut all = [1; 4];
        let dims = u32::try_from(lengths.len()).ok().filter(|dims| (1..=4).contains(dims))?;
        all.get_mut(4 - lengths.len()..)?.copy_from_slice(lengths);
        let shape = Self { dims, lengths: all };
        (shape.cells()? > 0).then_some(shape)
    }

    pub(super) fn cells(&self) -> Option<usize> {
        self.lengths.iter().try_fold(1_usize, |all, length| all.checked_mul(*length))
    }

    pub(super) fn blocks(&self) -> u64 {
        self.lengths.iter().map(|length| length.div_ceil(4) as u64).product()
    }

    /// Where blocks start, in order.
    fn starts(self) -> impl Iterator<Item = [usize; 4]> {
        let [a, b, c, d] = self.lengths.map(|length| (0..length).step_by(4));
        a.flat_map(move |a| {
            let (c, d) = (c.clone(), d.clone());
            b.clone().flat_map(move |b| {
                let d = d.clone();
                c.clone().flat_map(move |c| d.clone().map(move |d| [a, b, c, d]))
            })
        })
    }

    /// The rows of a block that lie within the array: where each lies there, and in the block.
    fn rows(self, start: [usize; 4]) -> impl Iterator<Item = (usize, usize)> {
        let [_, second, third, fourth] = self.lengths;
        let [a, b, c, _] = self.inside(start);
        let [at_a, at_b, at_c, at_d] = start;
        (0..a).flat_map(move |a| {
            (0..b).flat_map(move |b| {
                (0..c).map(move |c| {
                    let row = ((at_a + a) * second + at_b + b) * third + at_c + c;
                    (row * fourth + at_d, (a * 16 + b * 4 + c) * 4)
                })
            })
        })
    }

    /// How much of a block lies within the array.
    fn inside(self, start: [usize; 4]) -> [usize; 4] {
        let mut inside = start;
        for (at, length) in inside.iter_mut().zip(self.lengths) {
            *at = length.saturating_sub(*at).min(4);
        }
        inside
    }

    /// How many bytes a stream takes at most, without its header.
    pub(super) fn longest<N: Number>(&self, limits: &Limits) -> u64 {
        let values = 1_u64 << (2 * self.dims);
        let before = 2 + N::BEFORE + N::Whole::COUNT;
        let natural =
            u64::from(before) + values * u64::from(N::Whole::DIGITS.min(limits.planes) + 1);
        let block = natural.max(u64::from(limits.least));
        self.blocks().saturating_mul(block).div_ceil(64).saturating_mul(8)
    }
}

/// Writes an array of bytes as they are in memory.
pub(super) fn encode<C: Cell<WIDTH>, const WIDTH: usize>(
    bytes: &[u8],
    shape: Shape,
    limits: Limits,
    to: &mut Writer,
) -> Result<(), String> {
    let cells = bytes.as_chunks::<WIDTH>().0;
    if cells.iter().any(|cell| !C::fits(*cell)) {
        return Err(format!(
            "whole numbers of {} bits without a sign are kept as ones with, and there are larger ones",
            WIDTH * 8
        ));
    }
    if !limits.is_exact() && cells.iter().any(|cell| !C::coded(*cell).is_finite()) {
        return Err("some values are NaN or infinite, and spoil those beside them where not all is kept: fill them, \
                    or keep all"
            .to_string());
    }
    let mut block = Block::new(shape.dims, limits);
    let mut values = vec![C::Coded::default(); 1 << (2 * shape.dims)];
    for start in shape.starts() {
        let inside @ [.., width] = shape.inside(start);
        for (from, at) in shape.rows(start) {
            let row = cells.get(from..from + width).unwrap_or_default();
            for (to, cell) in values.iter_mut().skip(at).zip(row) {
                *to = C::coded(*cell);
            }
        }
        for (axis, length) in (0..shape.dims).zip(inside.into_iter().rev()) {
            fill(&mut values, axis, length);
        }
        C::Coded::encode(&values, &mut block, to);
    }
    Ok(())
}

/// Fills lines up of which there are so many values.
fn fill<N: Number>(values: &mut [N], axis: u32, length: usize) {
    match length {
        1 => lines(values, axis, |x, y, z, w| (*y, *z, *w) = (*x, *x, *x)),
        2 => lines(values, axis, |x, y, z, w| (*z, *w) = (*y, *x)),
        3 => lines(values, axis, |x, _, _, w| *w = *x),
        _ => {}
    }
}

/// Reads an array into the bytes that it has in memory.
pub(super) fn decode<C: Cell<WIDTH>, const WIDTH: usize>(
    from: &mut Reader<'_>,
    shape: Shape,
    limits: Limits,
    bytes: &mut [u8],
) -> Result<(), String> {
    let cells = bytes.as_chunks_mut::<WIDTH>().0;
    let mut block = Block::new(shape.dims, limits);
    let mut values = vec![C::Coded::default(); 1 << (2 * shape.dims)];
    for start in shape.starts() {
        C::Coded::decode(&mut values, &mut block, from);
        if from.is_cut_off() {
            return Err("the packed bytes are damaged or cut off: they end before the values do"
                .to_string());
        }
        let [.., width] = shape.inside(start);
        for (to, at) in shape.rows(start) {
            let row = cells.get_mut(to..to + width).unwrap_or_default();
            for (cell, value) in row.iter_mut().zip(values.iter().skip(at)) {
                *cell = C::bytes(*value);
            }
        }
    }
    Ok(())
}
