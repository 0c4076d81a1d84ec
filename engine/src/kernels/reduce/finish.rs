//! What the columns of cells come to in the end.

use super::Reduce;
use super::place::NOWHERE;
use super::sum::whole;
use crate::array::Kind;
use crate::kernels::Block;

/// The result of every cell. Together they took in so many values.
pub(super) fn finish(
    op: Reduce,
    skip_nan: bool,
    kind: Kind,
    columns: Vec<Block>,
    taken: u64,
) -> Result<Block, String> {
    let cells = columns.first().map_or(0, Block::len);
    let is_empty = taken == 0 && cells > 0;
    let mut columns = columns.into_iter();
    let columns = (columns.next(), columns.next(), columns.next(), columns.next());
    let result = op.result(kind);
    match (op, columns) {
        (Reduce::Min | Reduce::Max, _) if is_empty => Err(format!(
            "zero-size array to reduction operation {}imum which has no identity",
            op.name()
        )),
        (Reduce::ArgMin | Reduce::ArgMax, _) if is_empty => {
            Err(format!("attempt to get {} of an empty sequence", op.name()))
        }
        (
            Reduce::Min | Reduce::Max | Reduce::Any | Reduce::All | Reduce::Count,
            (Some(results), None, ..),
        ) => Ok(results),
        (Reduce::ArgMin | Reduce::ArgMax, (_, Some(Block::I64(places)), ..)) => {
            if places.contains(&NOWHERE) {
                Err(format!("All-NaN slice encountered in {}", op.name()))
            } else {
                Ok(Block::I64(places))
            }
        }
        (Reduce::Sum | Reduce::Prod, (Some(Block::I64(totals)), None, ..)) => {
            Ok(if result == Kind::U64 {
                Block::U64(totals.into_iter().map(|total| total as u64).collect())
            } else {
                Block::I64(totals)
            })
        }
        (Reduce::Sum | Reduce::Prod, (Some(Block::F64(totals)), losses, ..)) => {
            Ok(floats(totals_of(totals, losses), result))
        }
        (Reduce::Mean, (Some(Block::F64(sums)), losses @ Some(Block::F64(_)), counts, _)) => {
            Ok(floats(means_of(totals_of(sums, losses), counts, taken), result))
        }
        (Reduce::Mean, (Some(Block::F64(sums)), counts, ..)) => {
            Ok(floats(means_of(sums, counts, taken), result))
        }
        (
            Reduce::Var { ddof } | Reduce::Std { ddof },
            (Some(Block::F64(counts)), _, _, Some(Block::F64(mut squares))),
        ) => {
            for (squares, count) in squares.iter_mut().zip(counts) {
                let free = count - f64::from(ddof);
                // NumPy's `var` and `nanvar` differ here.
                *squares = if skip_nan && kind.is_float() && free <= 0.0 {
                    f64::NAN
                } else {
                    *squares / free.max(0.0)
                };
            }
            if matches!(op, Reduce::Std { .. }) {
                squares.iter_mut().for_each(|variance| *variance = variance.sqrt());
            }
            Ok(floats(squares, result))
        }
        _ => Err(format!("the state of {} of {kind} values is damaged", op.name())),
    }
}

/// The sums with what was rounded off on the way.
fn totals_of(mut sums: Vec<f64>, losses: Option<Block>) -> Vec<f64> {
    if let Some(Block::F64(losses)) = losses {
        for (sum, lost) in sums.iter_mut().zip(losses) {
            *sum = whole(*sum, lost);
        }
    }
    sums
}

/// The means. Without counts of their own, all cells took in as many values.
fn means_of(mut sums: Vec<f64>, counts: Option<Block>, taken: u64) -> Vec<f64> {
    if let Some(Block::I64(counts)) = counts {
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum /= count as f64;
        }
    } else {
        let each = taken as f64 / sums.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= each);
    }
    sums
}

fn floats(values: Vec<f64>, kind: Kind) -> Block {
    match kind {
        Kind::F32 => Block::F32(values.into_iter().map(|value| value as f32).collect()),
        _ => Block::F64(values),
    }
}
