//! Rows and others that are moved, in chunk programs: a piece of the right side meets as much more of the left one,
//! before and after, as it is moved by.

use std::ops::Range;

use super::Result;
use super::evaluate::{Evaluation, missing};
use crate::array::{ArrayError, Cuts, Region, Tensor, buffers, shape_of};
use crate::kernels::{Moved, correlate, correlate_beside};
use crate::lazy::Array;

/// The boxes that a box is made of: for each piece, those of both sides.
pub(super) fn moved(
    inputs: &[Array],
    lags: u64,
    over: &Cuts,
    region: &[Range<u64>],
) -> Vec<(Array, Region)> {
    let ([left, right], [pieces, moves, rows, columns]) = (inputs, region) else {
        return Vec::new();
    };
    let sides = pieces.clone().flat_map(|piece| {
        let own = over.piece(piece);
        // The first lag meets what is latest, the last what is earliest.
        let from = own.start.saturating_add(lags).saturating_sub(moves.end.max(1) - 1);
        let until = own.end.saturating_add(lags).saturating_sub(moves.start);
        let until = until.min(over.length());
        [
            (left.clone(), vec![rows.clone(), from.min(until)..until]),
            (right.clone(), vec![columns.clone(), own]),
        ]
    });
    sides.collect()
}

/// What is to be done for a piece.
fn work(over: &Cuts, piece: u64, lags: u64, region: &[Range<u64>]) -> Moved {
    let length = |at: usize| region.get(at).map_or(0, |range| range.end - range.start) as usize;
    let own = over.piece(piece);
    let last = region.get(1).map_or(0, |moves| moves.end.max(1) - 1);
    Moved {
        rows: length(2),
        columns: length(3),
        lags: length(1),
        length: (own.end - own.start) as usize,
        missing: last.saturating_sub(own.start.saturating_add(lags)) as usize,
    }
}

/// The bytes that it takes beside both sides and what they come to.
pub(super) fn beside(array: &Array, lags: u64, over: &Cuts, region: &[Range<u64>]) -> u64 {
    let pieces = region.first().cloned().unwrap_or(0..0);
    let one = |piece| correlate_beside(&work(over, piece, lags, region), array.kind());
    pieces.map(one).max().unwrap_or(0)
}

impl Evaluation<'_> {
    /// The products of rows at all lags.
    pub(super) fn correlated(
        &mut self,
        array: &Array,
        lags: u64,
        over: &Cuts,
        region: &[Range<u64>],
    ) -> Result<Tensor> {
        let shape = shape_of(region);
        let mut all = buffers::zeros(array.kind(), shape.iter().product::<u64>() as usize);
        let pieces = region.first().cloned().unwrap_or(0..0);
        let a_piece: u64 = shape.iter().skip(1).product();
        let boxes = moved(array.inputs(), lags, over, region);
        for ((number, piece), pair) in pieces.enumerate().zip(boxes.chunks(2)) {
            let [(left, of_left), (right, of_right)] = pair else {
                return Err(missing("two sides"));
            };
            let left = self.values(left, of_left)?;
            let right = self.values(right, of_right)?;
            let work = work(over, piece, lags, region);
            let at = number * a_piece as usize;
            correlate(left.values(), right.values(), &work, &mut all, at)
                .map_err(ArrayError::Asked)?;
        }
        Tensor::from_block(array.dtype(), shape, all)
    }
}
