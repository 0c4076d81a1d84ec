//! How an array is cut into chunks.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{ArrayError, Result};
use super::tensor::Region;

/// How one dimension is cut.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cuts {
    /// Into pieces of one length; the last may be shorter.
    Even {
        /// How long the dimension is.
        length: u64,
        /// How long a piece is; never 0.
        piece: u64,
    },
    /// Into pieces that end here.
    Ragged(Arc<[u64]>),
}

impl Cuts {
    /// Pieces of one length.
    pub fn even(length: u64, piece: u64) -> Self {
        Self::Even { length, piece: piece.max(1) }
    }

    /// Pieces of these lengths; even, where they are.
    pub fn of_lengths(lengths: &[u64]) -> Result<Self> {
        let total = lengths.iter().try_fold(0_u64, |sum, piece| sum.checked_add(*piece));
        let length =
            total.ok_or_else(|| ArrayError::asked("chunks are longer than can be counted"))?;
        let lengths: Vec<u64> = lengths.iter().copied().filter(|piece| *piece > 0).collect();
        let Some((first, rest)) = lengths.split_first() else { return Ok(Self::even(0, 1)) };
        let last = rest.len().saturating_sub(1);
        let mut others = rest.iter().enumerate();
        if others.all(|(at, piece)| piece == first || (at == last && piece < first)) {
            return Ok(Self::even(length, *first));
        }
        let ends = lengths.iter().scan(0, |end, piece| {
            *end += piece;
            Some(*end)
        });
        Ok(Self::Ragged(ends.collect()))
    }

    /// How long the dimension is.
    pub fn length(&self) -> u64 {
        match self {
            Self::Even { length, .. } => *length,
            Self::Ragged(ends) => ends.last().copied().unwrap_or(0),
        }
    }

    /// How many pieces there are. An empty dimension has none.
    pub fn pieces(&self) -> u64 {
        match self {
            Self::Even { length, piece } => length.div_ceil(*piece),
            Self::Ragged(ends) => ends.len() as u64,
        }
    }

    /// Where a piece lies.
    pub fn piece(&self, at: u64) -> Range<u64> {
        match self {
            Self::Even { length, piece } => {
                let start = at.saturating_mul(*piece).min(*length);
                start..start.saturating_add(*piece).min(*length)
            }
            Self::Ragged(ends) => {
                let end = |at: usize| ends.get(at).copied().unwrap_or_else(|| self.length());
                let at = at as usize;
                at.checked_sub(1).map_or(0, end)..end(at)
            }
        }
    }

    /// The piece that holds a place.
    pub fn holding(&self, place: u64) -> u64 {
        match self {
            Self::Even { piece, .. } => place / piece,
            Self::Ragged(ends) => ends.partition_point(|end| *end <= place) as u64,
        }
    }

    /// The pieces that a range touches.
    pub fn touched(&self, range: &Range<u64>) -> Range<u64> {
        if range.start >= range.end {
            return 0..0;
        }
        self.holding(range.start)..self.holding(range.end - 1) + 1
    }

    /// The same dimension in fewer pieces: as many of these together as are not longer than this, which the
    /// longest is not.
    pub fn up_to(&self, length: u64) -> Self {
        match self {
            Self::Even { length: all, piece } => {
                Self::Even { length: *all, piece: piece * (length / piece).max(1) }
            }
            Self::Ragged(ends) => {
                let mut together: Vec<u64> = Vec::new();
                let mut start = 0;
                for (end, next) in ends.iter().zip(ends.iter().skip(1).map(Some).chain([None])) {
                    if next.is_none_or(|next| next - start > length) {
                        together.push(*end);
                        start = *end;
                    }
                }
                Self::Ragged(together.into())
            }
        }
    }

    /// Where the longest piece lies, the first of several.
    pub fn longest_piece(&self) -> Range<u64> {
        let pieces = match self {
            Self::Even { .. } => 0..self.pieces().min(1),
            Self::Ragged(_) => 0..self.pieces(),
        };
        let length = |range: &Range<u64>| range.end - range.start;
        let longer = |most: Range<u64>, piece: Range<u64>| match length(&piece) > length(&most) {
            true => piece,
            false => most,
        };
        pieces.map(|at| self.piece(at)).fold(0..0, longer)
    }

    /// The longest piece.
    pub fn longest(&self) -> u64 {
        match self {
            Self::Even { length, piece } => *length.min(piece),
            Self::Ragged(ends) => {
                let mut start = 0;
                let lengths = ends.iter().map(|end| *end - std::mem::replace(&mut start, *end));
                lengths.max().unwrap_or(0)
            }
        }
    }
}

/// How an array is cut: along each dimension, and so into boxes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grid(pub Vec<Cuts>);

impl Grid {
    /// Chunks of one shape; those at the end may be smaller.
    pub fn even(shape: &[u64], chunk: &[u64]) -> Self {
        Self(shape.iter().zip(chunk).map(|(length, piece)| Cuts::even(*length, *piece)).collect())
    }

    /// One chunk.
    pub fn whole(shape: &[u64]) -> Self {
        Self::even(shape, shape)
    }

    /// Whether pieces follow one another.
    pub fn is_sound(&self) -> bool {
        self.0.iter().all(|cuts| match cuts {
            Cuts::Even { piece, .. } => *piece > 0,
            Cuts::Ragged(ends) => {
                ends.first().is_none_or(|first| *first > 0)
                    && ends.iter().zip(ends.iter().skip(1)).all(|(before, end)| before < end)
            }
        })
    }

    /// How many chunks there are along each dimension.
    pub fn counts(&self) -> Vec<u64> {
        self.0.iter().map(Cuts::pieces).collect()
    }

    /// How many chunks there are; none beyond what can be counted. A single value is one chunk.
    pub fn chunks(&self) -> Option<u64> {
        super::tensor::cells(&self.counts())
    }

    /// The shape of what is cut.
    pub fn shape(&self) -> Vec<u64> {
        self.0.iter().map(Cuts::length).collect()
    }

    /// Where a chunk lies, by its place along each dimension.
    pub fn region(&self, chunk: &[u64]) -> Region {
        self.0.iter().zip(chunk).map(|(cuts, at)| cuts.piece(*at)).collect()
    }

    /// The chunk of this number, the last dimension running fastest.
    pub fn place(&self, mut number: u64) -> Vec<u64> {
        let mut place = vec![0; self.0.len()];
        for (at, cuts) in place.iter_mut().zip(&self.0).rev() {
            let pieces = cuts.pieces().max(1);
            *at = number % pieces;
            number /= pieces;
        }
        place
    }

    /// The number of a chunk.
    pub fn number(&self, place: &[u64]) -> u64 {
        let along = place.iter().zip(&self.0);
        along.fold(0, |number, (at, cuts)| number.saturating_mul(cuts.pieces()).saturating_add(*at))
    }

    /// The chunks that a region touches, along each dimension.
    pub fn touched(&self, region: &[Range<u64>]) -> Region {
        self.0.iter().zip(region).map(|(cuts, range)| cuts.touched(range)).collect()
    }

    /// The chunks that a region touches: the number of each, and the box that both have.
    pub fn boxes(&self, region: &[Range<u64>]) -> impl Iterator<Item = (u64, Region)> {
        let touched = self.touched(region);
        let counts = super::tensor::shape_of(&touched);
        let all = super::tensor::cells(&counts).unwrap_or(0);
        (0..all).map(move |mut at| {
            let mut place = vec![0; touched.len()];
            for ((place, range), count) in place.iter_mut().zip(&touched).zip(&counts).rev() {
                *place = range.start + at % count;
                at /= count;
            }
            let chunk = self.region(&place).into_iter().zip(region);
            let both = chunk.map(|(a, b)| a.start.max(b.start)..a.end.min(b.end));
            (self.number(&place), both.collect())
        })
    }

    /// The cells of the largest chunk; none beyond what can be counted.
    pub fn largest(&self) -> Option<u64> {
        super::tensor::cells(&self.0.iter().map(Cuts::longest).collect::<Vec<_>>())
    }
}

impl fmt::Display for Grid {
    /// `(73, 361, 720)`, and the lengths of all pieces where they differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let along = self.0.iter().map(|cuts| match cuts {
            Cuts::Even { length, piece } => piece.min(length).to_string(),
            Cuts::Ragged(ends) if ends.len() <= 6 => {
                let lengths: Vec<String> = (0..ends.len() as u64)
                    .map(|at| cuts.piece(at))
                    .map(|piece| (piece.end - piece.start).to_string())
                    .collect();
                format!("[{}]", lengths.join(", "))
            }
            Cuts::Ragged(ends) => format!("{} uneven", ends.len()),
        });
        write!(f, "({})", along.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_one_piece() {
        for cuts in [
            Cuts::even(10, 3),
            Cuts::even(9, 3),
            Cuts::even(2, 5),
            Cuts::of_lengths(&[2, 5, 1, 0, 2]).unwrap(),
            Cuts::even(0, 4),
        ] {
            let mut next = 0;
            for at in 0..cuts.pieces() {
                let piece = cuts.piece(at);
                assert_eq!(piece.start, next);
                assert!(piece.clone().all(|place| cuts.holding(place) == at), "{cuts:?}");
                next = piece.end;
            }
            assert_eq!(next, cuts.length());
        }
        assert_eq!(Cuts::of_lengths(&[4, 4, 3]).unwrap(), Cuts::even(11, 4));
        assert_eq!(Cuts::even(10, 3).touched(&(2..7)), 0..3);
        assert_eq!(Cuts::even(10, 3).touched(&(3..3)), 0..0);
    }

    #[test]
    fn a_region_is_made_of_boxes_of_chunks() {
        let grid = Grid::even(&[10, 7], &[4, 3]);
        let boxes: Vec<_> = grid.boxes(&[3..5, 0..7]).collect();
        let cells: u64 = boxes
            .iter()
            .map(|(_, at)| super::super::tensor::shape_of(at).iter().product::<u64>())
            .sum();
        assert_eq!((boxes.len(), cells), (6, 14));
        assert_eq!(boxes.first(), Some(&(0, vec![3..4, 0..3])));
        assert_eq!(boxes.last(), Some(&(5, vec![4..5, 6..7])));
        assert_eq!(grid.boxes(&[3..3, 0..7]).count(), 0);
        assert_eq!(Grid(vec![]).boxes(&[]).count(), 1);
    }

    #[test]
    fn pieces_are_put_together() {
        assert_eq!(Cuts::even(10, 3).up_to(7), Cuts::even(10, 6));
        assert_eq!(Cuts::even(10, 3).up_to(100), Cuts::Even { length: 10, piece: 99 });
        let uneven = Cuts::of_lengths(&[2, 5, 1, 2, 2]).unwrap();
        assert_eq!(uneven.up_to(6), Cuts::of_lengths(&[2, 6, 4]).unwrap());
        assert_eq!(uneven.up_to(5), Cuts::of_lengths(&[2, 5, 5]).unwrap());
        assert_eq!((uneven.longest_piece(), Cuts::even(2, 5).longest_piece()), (2..7, 0..2));
        assert_eq!(Cuts::even(0, 4).longest_piece(), 0..0);
    }

    #[test]
    fn chunks_have_numbers() {
        let grid = Grid::even(&[10, 7], &[4, 3]);
        assert_eq!((grid.counts(), grid.chunks()), (vec![3, 3], Some(9)));
        for number in 0..9 {
            assert_eq!(grid.number(&grid.place(number)), number);
        }
        assert_eq!(grid.region(&[2, 1]), vec![8..10, 3..6]);
        assert_eq!(Grid(vec![]).chunks(), Some(1));
        assert_eq!(Grid::even(&[u64::MAX, u64::MAX], &[1, 1]).chunks(), None);
    }
}
