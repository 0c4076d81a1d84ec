//! A box of real values and its transform, for what is multiplied there: rows are given and taken where they are
//! transformed, so that whatever is done to values in between takes no pass of its own, and no box of its own.
//!
//! ```text
//! fill: rows ─▶ row by row, and along all dimensions but the first, slab by slab ─▶ spectrum
//! multiply: along the first dimension, some lines at a time: forwards, times another spectrum, backwards
//! read: the way back, slab by slab ─▶ rows;  again: the way back and forth again
//! ```

use std::sync::Arc;

use realfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::rows::Rows;
use super::{TOGETHER, Wave};
use crate::array::huge_pages;

/// The transform of a box, but along the first dimension; and the room that it takes to make it.
pub(in crate::kernels) struct Volume<T> {
    /// All lengths but the last: two dimensions at least.
    leading: Vec<usize>,
    /// How long a row is, and its half.
    row: usize,
    half: usize,
    rows: Rows<T>,
    /// Forwards and backwards along all dimensions but the last.
    turns: Vec<[Arc<dyn Fft<T>>; 2]>,
    spectrum: Vec<Complex<T>>,
    room: Room<T>,
}

/// Two groups of lines at once: processors bring two neighbouring lines of the cache.
pub(super) const AT_ONCE: usize = 2 * TOGETHER;

/// What is written over and over.
struct Room<T> {
    values: Vec<T>,
    lines: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

/// The whole transform of something else, in the order in which it is multiplied with.
pub(in crate::kernels) struct Spectrum<T>(Vec<Complex<T>>);

type Result<T, E = String> = std::result::Result<T, E>;

impl<T: Wave> Volume<T> {
    /// Room for boxes of this shape, none of whose lengths is 0.
    pub(in crate::kernels) fn new(shape: &[usize]) -> Result<Self> {
        let Some((row, leading)) = shape.split_last() else { return Err("no shape".to_string()) };
        let (row, half) = (*row, row / 2 + 1);
        let leading = if leading.is_empty() { vec![1] } else { leading.to_vec() };
        if row == 0 || leading.contains(&0) {
            return Err("a transform of no values".to_string());
        }
        let rows = Rows::new(row);
        let mut planner = FftPlanner::new();
        let turns: Vec<[Arc<dyn Fft<T>>; 2]> = leading
            .iter()
            .map(|length| [planner.plan_fft_forward(*length), planner.plan_fft_inverse(*length)])
            .collect();
        let scratch = turns.iter().flatten().map(|turn| turn.get_inplace_scratch_len());
        let scratch = scratch.chain([rows.scratch()]).max();
        let longest = leading.iter().copied().max().unwrap_or(1);
        let none = Complex::new(T::zero(), T::zero());
        let cells = leading.iter().product::<usize>() * half;
        // Along the first dimension every value is in another page.
        let mut spectrum = Vec::with_capacity(cells);
        huge_pages::ask_for(spectrum.spare_capacity_mut());
        spectrum.resize(cells, none);
        Ok(Self {
            room: Room {
                values: vec![T::zero(); row],
                lines: vec![none; longest * AT_ONCE],
                scratch: vec![none; scratch.unwrap_or(0)],
            },
            spectrum,
            leading,
            row,
            half,
            rows,
            turns,
        })
    }

    /// How many values there are.
    pub(in crate::kernels) fn cells(&self) -> usize {
        self.leading.iter().product::<usize>() * self.row
    }

    /// Forwards from rows, which are given one after the other.
    pub(in crate::kernels) fn fill(&mut self, row: impl FnMut(usize, &mut [T])) -> Result<()> {
        self.each_slab(row, false, true)
    }

    /// Back to rows.
    pub(in crate::kernels) fn read(&mut self, row: impl FnMut(usize, &mut [T])) -> Result<()> {
        self.each_slab(row, true, false)
    }

    /// Back to rows, which are changed, and forwards again.
    pub(in crate::kernels) fn again(&mut self, row: impl FnMut(usize, &mut [T])) -> Result<()> {
        self.each_slab(row, true, true)
    }

    /// Forwards from a box that lies at the beginning, with zeros after it.
    pub(in crate::kernels) fn fill_box(&mut self, values: &[T], shape: &[usize]) -> Result<()> {
        let width = shape.last().copied().unwrap_or(1);
        let rows = self.rows_of(shape, &[]);
        self.fill(|number, row| {
            let own = rows.get(number).copied().flatten();
            let own = own.and_then(|at| values.get(at * width..(at + 1) * width));
            row.fill(T::zero());
            for (to, value) in row.iter_mut().zip(own.unwrap_or_default()) {
                *to = *value;
            }
        })
    }

    /// Back to a box that begins at a place.
    pub(in crate::kernels) fn read_box(
        &mut self,
        values: &mut [T],
        shape: &[usize],
        begins: &[usize],
    ) -> Result<()> {
        let width = shape.last().copied().unwrap_or(1);
        let first = begins.last().copied().unwrap_or(0);
        let rows = self.rows_of(shape, begins);
        self.read(|number, row| {
            let own = rows.get(number).copied().flatten();
            let own = own.and_then(|at| values.get_mut(at * width..(at + 1) * width));
            for (to, value) in own.unwrap_or_default().iter_mut().zip(row.iter().skip(first)) {
                *to = *value;
            }
        })
    }

    /// Which row of a box that begins at a place each row is.
    fn rows_of(&self, shape: &[usize], begins: &[usize]) -> Vec<Option<usize>> {
        let rows: usize = self.leading.iter().product();
        let outer = shape.split_last().map_or(&[][..], |(_, outer)| outer);
        let row = |number: usize| {
            let (mut rest, mut own, mut apart) = (number, 0, 1);
            for (at, length) in outer.iter().enumerate().rev() {
                let all = self.leading.get(at).copied().unwrap_or(1).max(1);
                let place = (rest % all).checked_sub(begins.get(at).copied().unwrap_or(0))?;
                own += (place < *length).then_some(place)? * apart;
                apart *= length;
                rest /= all;
            }
            Some(own)
        };
        (0..rows).map(row).collect()
    }

    fn each_slab(
        &mut self,
        mut row: impl FnMut(usize, &mut [T]),
        back: bool,
        forth: bool,
    ) -> Result<()> {
        let Self { leading, half, room, turns, rows: lines, .. } = self;
        let middle = leading.get(1..).unwrap_or_default();
        let turns = turns.get(1..).unwrap_or_default();
        let rows: usize = middle.iter().product();
        let slab = rows * *half;
        // How far apart neighbours along each dimension in the middle are.
        let mut apart = vec![*half; middle.len()];
        for (at, apart) in apart.iter_mut().enumerate() {
            *apart *= middle.iter().skip(at + 1).product::<usize>();
        }
        for (number, slab) in self.spectrum.chunks_exact_mut(slab).enumerate() {
            if back {
                for (apart, [_, turn]) in apart.iter().zip(turns) {
                    turned(slab, *apart, turn.as_ref(), room);
                }
            }
            for (at, half) in slab.chunks_exact_mut(*half).enumerate() {
                if back {
                    lines.back(half, &mut room.values, &mut room.scratch)?;
                }
                row(number * rows + at, &mut room.values);
                if forth {
                    lines.forth(&mut room.values, half, &mut room.scratch)?;
                }
            }
            if forth {
                for (apart, [turn, _]) in apart.iter().zip(turns).rev() {
                    turned(slab, *apart, turn.as_ref(), room);
                }
            }
        }
        Ok(())
    }

    /// The whole transform of what was filled in, times a number.
    pub(in crate::kernels) fn spectrum(&mut self, factor: T) -> Spectrum<T> {
        let mut all = Vec::with_capacity(self.spectrum.len());
        let Some([turn, _]) = self.turns.first() else { return Spectrum(all) };
        let (turn, slab) = (Arc::clone(turn), self.slab());
        let Room { lines, scratch, .. } = &mut self.room;
        each_lines(&mut self.spectrum, turn.len(), slab, lines, |lines| {
            turn.process_with_scratch(lines, scratch);
            all.extend(lines.iter().map(|value| value.scale(factor)));
            false
        });
        Spectrum(all)
    }

    /// Times the transform of something else, or its conjugate.
    pub(in crate::kernels) fn multiply(&mut self, by: &Spectrum<T>, conjugate: bool) {
        let Some([forth, back]) = self.turns.first() else { return };
        let (forth, back) = (Arc::clone(forth), Arc::clone(back));
        let slab = self.slab();
        let Room { lines, scratch, .. } = &mut self.room;
        let mut by = by.0.as_slice();
        each_lines(&mut self.spectrum, forth.len(), slab, lines, |lines| {
            forth.process_with_scratch(lines, scratch);
            let (own, rest) = by.split_at_checked(lines.len()).unwrap_or_default();
            by = rest;
            multiply(lines, own, conjugate);
            back.process_with_scratch(lines, scratch);
            true
        });
    }

    /// How many complex numbers are at a place along the first dimension.
    fn slab(&self) -> usize {
        self.leading.iter().skip(1).product::<usize>() * self.half
    }
}

/// The products of numbers with others, or with their conjugates, by the vectors that there are.
fn multiply<T: Wave>(all: &mut [Complex<T>], by: &[Complex<T>], conjugate: bool) {
    let sign = if conjugate { -T::one() } else { T::one() };
    by_vectors!(for (a, b) in all.iter_mut().zip(by) {
        let im = sign * b.im;
        *a = Complex::new(a.re * b.re - a.im * im, a.re * im + a.im * b.re);
    });
}

/// Transforms lines whose values are so far apart.
fn turned<T: Wave>(
    values: &mut [Complex<T>],
    apart: usize,
    turn: &dyn Fft<T>,
    Room { lines, scratch, .. }: &mut Room<T>,
) {
    let length = turn.len();
    for part in values.chunks_exact_mut(length * apart) {
        each_lines(part, length, apart, lines, |lines| {
            turn.process_with_scratch(lines, scratch);
            true
        });
    }
}

/// Collects lines of a matrix of `length` rows, some columns at a time, calls with them, and puts them back where it
/// is told to.
pub(super) fn each_lines<T: Wave>(
    values: &mut [Complex<T>],
    length: usize,
    columns: usize,
    room: &mut [Complex<T>],
    mut each: impl FnMut(&mut [Complex<T>]) -> bool,
) {
    for first in (0..columns).step_by(AT_ONCE) {
        let count = AT_ONCE.min(columns - first);
        let Some(lines) = room.get_mut(..length * count) else { return };
        let groups = || (first..columns).step_by(TOGETHER);
        for (first, lines) in groups().zip(lines.chunks_mut(length * TOGETHER)) {
            collect(values, columns, first, lines, length);
        }
        if each(lines) {
            for (first, lines) in groups().zip(lines.chunks(length * TOGETHER)) {
                put_back(values, columns, first, lines, length);
            }
        }
    }
}

/// Lines in groups of eight go through one pass: their rows lie in one line of the cache.
fn collect<T: Wave>(
    values: &[Complex<T>],
    columns: usize,
    first: usize,
    lines: &mut [Complex<T>],
    length: usize,
) {
    let rows = values.chunks_exact(columns).filter_map(|row| row.get(first..));
    let mut parts: Vec<_> = lines.chunks_exact_mut(length).collect();
    if let [a, b, c, d, e, f, g, h] = &mut parts[..] {
        let rows = rows.filter_map(|row| row.first_chunk::<TOGETHER>());
        let (ab, cd) = (a.iter_mut().zip(b.iter_mut()), c.iter_mut().zip(d.iter_mut()));
        let (ef, gh) = (e.iter_mut().zip(f.iter_mut()), g.iter_mut().zip(h.iter_mut()));
        for (row, (((a, b), (c, d)), ((e, f), (g, h)))) in rows.zip(ab.zip(cd).zip(ef.zip(gh))) {
            [*a, *b, *c, *d, *e, *f, *g, *h] = *row;
        }
        return;
    }
    for (at, row) in rows.enumerate() {
        for (value, line) in row.iter().zip(parts.iter_mut()) {
            if let Some(to) = line.get_mut(at) {
                *to = *value;
            }
        }
    }
}

fn put_back<T: Wave>(
    values: &mut [Complex<T>],
    columns: usize,
    first: usize,
    lines: &[Complex<T>],
    length: usize,
) {
    let rows = values.chunks_exact_mut(columns).filter_map(|row| row.get_mut(first..));
    let parts: Vec<_> = lines.chunks_exact(length).collect();
    if let [a, b, c, d, e, f, g, h] = &parts[..] {
        let rows = rows.filter_map(|row| row.first_chunk_mut::<TOGETHER>());
        let (ab, cd) = (a.iter().zip(b.iter()), c.iter().zip(d.iter()));
        let (ef, gh) = (e.iter().zip(f.iter()), g.iter().zip(h.iter()));
        for (row, (((a, b), (c, d)), ((e, f), (g, h)))) in rows.zip(ab.zip(cd).zip(ef.zip(gh))) {
            *row = [*a, *b, *c, *d, *e, *f, *g, *h];
        }
        return;
    }
    for (at, row) in rows.enumerate() {
        for (value, line) in row.iter_mut().zip(&parts) {
            if let Some(from) = line.get(at) {
                *value = *from;
            }
        }
    }
}
