//! The same values at other places: every place of a view is a place of what it shows.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::array::{Cuts, Grid, Region};

/// Where one dimension of the array that is shown is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// At one place.
    At(u64),
    /// At `start + step · i`, where `i` is the view's place along `along`. `step` is never 0.
    Along { along: usize, start: u64, step: i64 },
}

/// How a view shows an array: one [`Axis`] for each dimension of the array. A dimension of the view
/// that none of them names shows the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    pub axes: Vec<Axis>,
    /// How long the view is along each dimension.
    pub shape: Vec<u64>,
}

/// A step times a place, which is within the array.
fn offset(step: i64, at: u64) -> u64 {
    step.unsigned_abs().saturating_mul(at)
}

fn place(start: u64, step: i64, at: u64) -> u64 {
    match step < 0 {
        true => start.saturating_sub(offset(step, at)),
        false => start.saturating_add(offset(step, at)),
    }
}

impl View {
    /// Shows all of it, as it is.
    pub fn whole(shape: &[u64]) -> Self {
        let axes = (0..shape.len()).map(|along| Axis::Along { along, start: 0, step: 1 }).collect();
        Self { axes, shape: shape.to_vec() }
    }

    /// Whether it shows all of it, as it is.
    pub fn is_whole(&self, shape: &[u64]) -> bool {
        *self == Self::whole(shape)
    }

    /// This view of that view.
    pub fn of(&self, inner: &Self) -> Self {
        let axes = inner.axes.iter().map(|axis| match *axis {
            Axis::At(at) => Axis::At(at),
            Axis::Along { along, start, step } => match self.axes.get(along) {
                Some(Axis::At(at)) => Axis::At(place(start, step, *at)),
                Some(Axis::Along { along: outer, start: first, step: by }) => Axis::Along {
                    along: *outer,
                    start: place(start, step, *first),
                    step: step.saturating_mul(*by),
                },
                None => Axis::At(start),
            },
        });
        Self { axes: axes.collect(), shape: self.shape.clone() }
    }

    /// The box of the array that holds all that a box of the view shows.
    pub fn shown(&self, region: &[Range<u64>]) -> Region {
        let one = |axis: &Axis| match *axis {
            Axis::At(at) => at..at + 1,
            Axis::Along { along, start, step } => {
                let Some(range) = region.get(along).filter(|range| range.start < range.end) else {
                    return start..start;
                };
                let (a, b) = (place(start, step, range.start), place(start, step, range.end - 1));
                a.min(b)..a.max(b) + 1
            }
        };
        self.axes.iter().map(one).collect()
    }

    /// Where the values of `shown(region)` are `inner` apart: how far from the first of them the first value
    /// of the region is, and how far apart its neighbours are along each dimension.
    pub fn strides(&self, region: &[Range<u64>], inner: &[isize]) -> (isize, Vec<isize>) {
        let shown = self.shown(region);
        let mut strides = vec![0_isize; self.shape.len()];
        let mut first = 0_isize;
        for ((axis, range), apart) in self.axes.iter().zip(&shown).zip(inner) {
            let Axis::Along { along, step, .. } = *axis else { continue };
            if let Some(stride) = strides.get_mut(along) {
                *stride += step as isize * apart;
            }
            if step < 0 {
                first += (range.end - range.start).saturating_sub(1) as isize * apart;
            }
        }
        (first, strides)
    }

    /// How the view is cut where the array is cut like this: nowhere else than there.
    pub fn cut(&self, grid: &Grid) -> Grid {
        let cuts = (0..self.shape.len()).map(|dimension| {
            let length = self.shape.get(dimension).copied().unwrap_or(0);
            let shown = self.axes.iter().zip(&grid.0).find_map(|(axis, cuts)| match *axis {
                Axis::Along { along, start, step } if along == dimension => {
                    Some((cuts, start, step))
                }
                _ => None,
            });
            let Some((cuts, start, step)) = shown else { return Cuts::even(length, length) };
            if start == 0 && step == 1 && cuts.length() == length {
                return cuts.clone();
            }
            cut_along(cuts, start, step, length)
        });
        Grid(cuts.collect())
    }
}

/// A view that is cut into more pieces is cut evenly.
const MOST_PIECES: u64 = 1 << 20;

/// The pieces of `cuts` that are shown, each by how much of it is.
fn cut_along(cuts: &Cuts, start: u64, step: i64, length: u64) -> Cuts {
    if length == 0 {
        return Cuts::even(0, 1);
    }
    // Where all of a piece is shown and the first is whole, the rest is even, too.
    if let Cuts::Even { piece, .. } = cuts
        && step == 1
        && start.is_multiple_of(*piece)
    {
        return Cuts::even(length, *piece);
    }
    // So many pieces are not told one by one: they are read as they come.
    if length / cuts.longest().max(1) > MOST_PIECES {
        return Cuts::even(length, cuts.longest());
    }
    let mut ends = Vec::new();
    let mut at = 0;
    while at < length {
        let piece = cuts.piece(cuts.holding(place(start, step, at)));
        let here = place(start, step, at);
        // How far it goes on within the piece.
        let more = match step < 0 {
            true => here.saturating_sub(piece.start) / step.unsigned_abs(),
            false => piece.end.saturating_sub(here + 1) / step.unsigned_abs(),
        };
        at = at.saturating_add(more + 1).min(length);
        ends.push(at);
    }
    let mut before = 0;
    let lengths: Vec<u64> =
        ends.iter().map(|end| *end - std::mem::replace(&mut before, *end)).collect();
    Cuts::of_lengths(&lengths).unwrap_or_else(|_| Cuts::even(length, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(along: usize, start: u64, step: i64) -> Axis {
        Axis::Along { along, start, step }
    }

    #[test]
    fn a_view_of_a_view_is_one_view() {
        // x[2:9][::-1][1:5] of ten values.
        let cut = View { axes: vec![along(0, 2, 1)], shape: vec![7] };
        let turned = View { axes: vec![along(0, 6, -1)], shape: vec![7] };
        let inner = View { axes: vec![along(0, 1, 1)], shape: vec![4] };
        let all = inner.of(&turned.of(&cut));
        assert_eq!(all, View { axes: vec![along(0, 7, -1)], shape: vec![4] });
        let shown = |range| all.shown(&vec![range; 1]).pop();
        assert_eq!((shown(0..4), shown(1..3)), (Some(4..8), Some(5..7)));
        assert_eq!(all.strides(&vec![1..3; 1], &[1]), (1, vec![-1]));
    }

    #[test]
    fn a_transposed_box_is_found_in_what_was_read() {
        let view = View { axes: vec![along(1, 0, 1), along(0, 0, 1)], shape: vec![5, 4] };
        assert_eq!(view.shown(&[1..3, 0..4]), vec![0..4, 1..3]);
        assert_eq!(view.strides(&[1..3, 0..4], &[2, 1]), (0, vec![1, 2]));
        // Shown everywhere along the first dimension, and every second value along the last.
        let wide = View { axes: vec![along(1, 1, 2)], shape: vec![9, 3] };
        assert_eq!(wide.shown(&[0..9, 0..3]), vec![1..6; 1]);
        assert_eq!(wide.strides(&[0..9, 0..3], &[1]), (0, vec![0, 2]));
    }

    #[test]
    fn views_are_cut_where_the_array_is() {
        let grid = Grid::even(&[10], &[4]);
        let cut = |start, step, length| {
            View { axes: vec![along(0, start, step)], shape: vec![length] }.cut(&grid).0
        };
        assert_eq!(cut(4, 1, 6), vec![Cuts::even(6, 4)]);
        assert_eq!(cut(2, 1, 8), vec![Cuts::of_lengths(&[2, 4, 2]).unwrap()]);
        assert_eq!(cut(9, -1, 10), vec![Cuts::of_lengths(&[2, 4, 4]).unwrap()]);
        assert_eq!(cut(0, 3, 4), vec![Cuts::of_lengths(&[2, 1, 1]).unwrap()]);
    }
}
