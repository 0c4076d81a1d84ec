//! Many values become a few: counts of bins, quantiles, the largest of them. Like reductions, but every
//! result has several values for each cell, and what is kept on the way may grow. A state is told in parts,
//! plain runs of values, the last of which begins with how many cells there are.

mod bins;
mod counts;
mod digest;
mod distinct;
mod folded;
mod grouped;
mod top;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::element::{Element, by_kind};
use super::floats::Floats;
use super::reduce::Layout;
use super::{Block, Slice, cast};
use crate::array::Kind;
pub(crate) use bins::Edges;
pub(crate) use folded::{Becomes, Folded};
pub(crate) use grouped::Grouped;

/// What many values become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// How many lie in each bin.
    Histogram(Edges),
    /// How often each of the numbers from zero on is there.
    Counts {
        /// How many numbers are counted.
        length: u64,
    },
    /// About what lies at these fractions of the values in order.
    Quantiles {
        /// The fractions.
        at: Floats,
        /// Whether what is not a number is left out.
        skip_nan: bool,
    },
    /// The first ones in order.
    Top {
        /// How many.
        count: u64,
        /// Whether the smallest come first.
        least: bool,
        /// Whether it is asked where they are.
        places: bool,
    },
    /// Each value once, and how often it is there: bits of the values, then counts.
    Distinct,
}

impl Summary {
    /// The name, as in `histogram`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Histogram(_) => "histogram",
            Self::Counts { .. } => "bincount",
            Self::Quantiles { .. } => "quantile, approximate",
            Self::Top { places: false, .. } => "topk",
            Self::Top { places: true, .. } => "argtopk",
            Self::Distinct => "unique",
        }
    }

    /// What the result is for values of a kind, or why there is none.
    pub(crate) fn result(&self, kind: Kind) -> Result<Kind, String> {
        match self {
            Self::Histogram(edges) => edges.check().map(|()| Kind::I64),
            Self::Counts { .. } if kind.is_float() => {
                Err(format!("whole numbers are counted, and these are {kind}"))
            }
            Self::Counts { length: 0 } => Err("there is nothing to count".to_string()),
            Self::Counts { .. } => Ok(Kind::I64),
            Self::Quantiles { at, .. } => {
                super::lanes::fractions(at)?;
                Ok(if kind == Kind::F32 { Kind::F32 } else { Kind::F64 })
            }
            Self::Top { count: 0, .. } => Err("none of them are asked for".to_string()),
            Self::Top { places: true, .. } => Ok(Kind::I64),
            Self::Top { .. } => Ok(kind),
            Self::Distinct => Ok(Kind::U64),
        }
    }

    /// How many values a cell's result has; nobody knows of distinct ones.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Histogram(edges) => edges.bins(),
            Self::Counts { length } => *length,
            Self::Quantiles { at, .. } => at.0.len() as u64,
            Self::Top { count, .. } => *count,
            Self::Distinct => 0,
        }
    }

    /// What the parts of a state are.
    pub(crate) fn parts(&self, kind: Kind) -> Vec<Kind> {
        match self {
            Self::Histogram(_) | Self::Counts { .. } => vec![Kind::I64, Kind::U64],
            Self::Quantiles { .. } => vec![Kind::F64, Kind::F64, Kind::F64, Kind::U64],
            Self::Top { .. } => vec![kind, Kind::I64, Kind::U64],
            Self::Distinct => vec![kind, Kind::I64, Kind::U64],
        }
    }

    /// The bytes that the state of so many cells takes at most. Distinct values take more as they come.
    pub(crate) fn bytes(&self, kind: Kind, cells: usize) -> usize {
        let length = usize::try_from(self.length()).unwrap_or(usize::MAX);
        let each = match self {
            Self::Histogram(_) | Self::Counts { .. } => length.saturating_mul(8),
            Self::Quantiles { .. } => digest::BYTES,
            // Twice as many are kept before the first of them are chosen.
            Self::Top { .. } => length.saturating_mul(2 * (kind.width() + 16)).saturating_add(24),
            Self::Distinct => distinct::ROOM * kind.width(),
        };
        each.saturating_mul(cells)
    }

    /// Whether values lie somewhere, for the result.
    fn has_places(&self) -> bool {
        matches!(self, Self::Top { .. })
    }

    fn state(&self, kind: Kind, cells: usize) -> Box<dyn State> {
        let length = usize::try_from(self.length()).unwrap_or(0);
        by_kind!(kind, all, E => {
            let state: Box<dyn State> = match self {
                Self::Histogram(edges) => {
                    Box::new(counts::Counts::<E, _>::new(edges.finder(kind), length, cells))
                }
                Self::Counts { .. } => Box::new(counts::Counts::<E, _>::new(counts::Itself, length, cells)),
                Self::Quantiles { at, skip_nan } => {
                    Box::new(digest::Digests::<E>::new(at.clone(), *skip_nan, cells))
                }
                Self::Top { least, places, .. } => {
                    Box::new(top::Tops::<E>::new(length, *least, *places, cells))
                }
                Self::Distinct => Box::new(distinct::Distinct::<E>::new()),
            };
            state
        })
    }
}

/// What has become so far of the values of cells.
trait State: Send + Sync {
    /// Takes values into a cell. The first lies at a position, and the next ones `stride` apart.
    fn take(&mut self, cell: usize, values: Slice<'_>, position: i64, stride: i64);

    /// Takes in what others took in, by its parts; these may be anybody's.
    fn merge(&mut self, parts: &[Block], cells: usize) -> Option<()>;

    /// Its parts but for the last.
    fn parts(&self) -> Vec<Block>;

    /// Numbers beside the cells, in the last part.
    fn more(&self) -> Vec<u64> {
        Vec::new()
    }

    /// The results, cell by cell.
    fn finish(self: Box<Self>) -> Result<Block, String>;

    /// The bytes it takes, if that was not known before.
    fn grown(&self) -> usize {
        0
    }
}

/// A summary on its way.
pub(crate) struct Gathered {
    summary: Summary,
    kind: Kind,
    /// None if it came from elsewhere, and takes in no more values.
    layout: Option<Layout>,
    state: Box<dyn State>,
    cells: usize,
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cells of {}", self.summary.name(), self.cells, self.kind)
    }
}

impl Gathered {
    /// Nothing yet of a box of that shape. `origin` and `strides` are as for [`Accumulator`](super::Accumulator).
    pub(crate) fn new(
        summary: &Summary,
        kind: Kind,
        shape: &[usize],
        reduced: &[bool],
        origin: &[i64],
        strides: &[i64],
    ) -> Self {
        let places = summary.has_places().then_some((origin, strides));
        let layout = Layout::new(shape, reduced, places);
        let cells = layout.cells;
        let state = summary.state(kind, cells);
        Self { summary: summary.clone(), kind, layout: Some(layout), state, cells }
    }

    /// Takes in the values that lie at a flattened position of the box and behind it.
    pub(crate) fn update(&mut self, values: Slice<'_>, at: usize) {
        let Some(layout) = &self.layout else { return };
        let mut room = Block::empty(self.kind);
        let values = if values.kind() == self.kind {
            values
        } else {
            cast(values, &mut room);
            room.as_slice()
        };
        let count = values.len().min(layout.values.saturating_sub(at));
        let mut done = 0;
        let mut column = Block::empty(self.kind);
        while done < count {
            let group = layout.group(at + done, count - done);
            let rows = group.rows;
            let part = values.range(done, done + group.values);
            done += group.values;
            let length = rows.length.max(1);
            let many = group.values / length;
            if group.across {
                // The values of a cell are those of a column.
                for within in 0..rows.length {
                    let shape = [many];
                    super::gather(part, within, &[length as isize], &shape, (0, many), &mut column);
                    self.state.take(
                        rows.cell + within,
                        column.as_slice(),
                        rows.position,
                        rows.step,
                    );
                }
                continue;
            }
            for row in 0..many {
                let values = part.range(row * length, (row + 1) * length);
                let position = rows.position + row as i64 * rows.step;
                self.state.take(rows.cell + row * rows.cell_step, values, position, rows.stride);
            }
        }
    }

    /// Takes in what another one, of the same kept dimensions, took in.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        let same =
            (&self.summary, self.kind, self.cells) == (&other.summary, other.kind, other.cells);
        same.then(|| self.state.merge(&other.to_state(), self.cells))
            .flatten()
            .ok_or_else(|| self.strange())
    }

    fn strange(&self) -> String {
        format!("this is not the state of {} of {} values", self.summary.name(), self.kind)
    }

    /// The results, for each cell.
    pub(crate) fn finish(self) -> Result<Block, String> {
        self.state.finish()
    }

    /// All there is to know, to be sent elsewhere.
    pub(crate) fn to_state(&self) -> Vec<Block> {
        let mut parts = self.state.parts();
        let mut last = vec![self.cells as u64];
        last.extend(self.state.more());
        parts.push(Block::U64(last));
        parts
    }

    /// What was sent, to be merged and finished.
    pub(crate) fn from_state(
        summary: &Summary,
        kind: Kind,
        parts: Vec<Block>,
    ) -> Result<Self, String> {
        let strange = || format!("this is not the state of {} of {kind} values", summary.name());
        let Some(Block::U64(last)) = parts.last() else { return Err(strange()) };
        let cells =
            last.first().and_then(|cells| usize::try_from(*cells).ok()).ok_or_else(strange)?;
        // Whoever has cells has sent something of each; nothing is allocated for a number alone.
        let sent: usize = parts.iter().map(Block::len).sum();
        let counted = matches!(summary, Summary::Histogram(_) | Summary::Counts { .. });
        let counts = (cells as u64).checked_mul(summary.length());
        let fits = cells <= sent
            && (!counted || parts.first().map(|counts| counts.len() as u64) == counts)
            && parts.iter().map(Block::kind).eq(summary.parts(kind))
            && summary.result(kind).is_ok();
        if !fits {
            return Err(strange());
        }
        let state = summary.state(kind, cells);
        let mut gathered = Self { summary: summary.clone(), kind, layout: None, state, cells };
        gathered.state.merge(&parts, cells).ok_or_else(strange)?;
        Ok(gathered)
    }

    /// The bytes it takes, if that was not known before.
    pub(crate) fn grown(&self) -> usize {
        self.state.grown()
    }
}

/// Numbers that follow the cells in the last part.
fn more_of(parts: &[Block]) -> &[u64] {
    match parts.last() {
        Some(Block::U64(last)) => last.get(1..).unwrap_or_default(),
        _ => &[],
    }
}

fn of<E: Element>(block: Option<&Block>) -> Option<&[E::Value]> {
    E::of(block?.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Summary> {
        vec![
            Summary::Histogram(Edges::even(4, 0.0, 8.0).unwrap()),
            Summary::Counts { length: 9 },
            Summary::Quantiles { at: Floats::from(&[0.5, 1.0][..]), skip_nan: false },
            Summary::Top { count: 2, least: true, places: true },
            Summary::Distinct,
        ]
    }

    fn gathered(summary: &Summary, values: &[i32], first: i64) -> Gathered {
        let shape = [values.len()];
        let mut gathered = Gathered::new(summary, Kind::I32, &shape, &[true], &[first], &[1]);
        let (head, tail) = values.split_at(values.len() / 3);
        gathered.update(Slice::I32(head), 0);
        gathered.update(Slice::I32(tail), head.len());
        gathered
    }

    #[test]
    fn parts_come_to_the_same_as_the_whole() {
        let values = [5, 0, 8, 3, 3, 1, 7];
        for summary in all() {
            let whole = gathered(&summary, &values, 0).finish().unwrap();
            let mut sent = gathered(&summary, &values[4..], 4);
            sent.merge(&gathered(&summary, &values[..4], 0)).unwrap();
            let read = Gathered::from_state(&summary, Kind::I32, sent.to_state()).unwrap();
            assert_eq!(read.finish().unwrap(), whole, "{}", summary.name());
        }
    }

    #[test]
    fn cells_are_kept_apart_wherever_they_lie() {
        let values: Vec<i32> = (0..24).map(|n| n * 7 % 9).collect();
        let top = Summary::Top { count: 2, least: false, places: false };
        let of = |reduced: &[bool]| {
            let mut all = Gathered::new(&top, Kind::I32, &[2, 3, 4], reduced, &[0; 3], &[1; 3]);
            all.update(Slice::I32(&values), 0);
            all.finish().unwrap()
        };
        for (axis, reduced) in
            [[true, false, false], [false, true, false], [false, false, true]].iter().enumerate()
        {
            let (stride, length) = ([12, 4, 1][axis], [2, 3, 4][axis]);
            let firsts = (0..24).filter(|at| at / stride % length == 0);
            let expected: Vec<i32> = firsts
                .flat_map(|at| {
                    let mut lane: Vec<i32> =
                        (0..length).map(|step| values[at + step * stride]).collect();
                    lane.sort_unstable_by(|a, b| b.cmp(a));
                    lane.truncate(2);
                    lane
                })
                .collect();
            assert_eq!(of(reduced), Block::I32(expected), "axis {axis}");
        }
    }

    #[test]
    fn states_that_nobody_made_are_refused() {
        for summary in all() {
            let sound = gathered(&summary, &[5, 0, 8], 0).to_state();
            let read = |state| Gathered::from_state(&summary, Kind::I32, state).is_ok();
            assert!(read(sound.clone()));
            assert!(!read(sound[1..].to_vec()) && !read(Vec::new()));
            for number in [0, 2, 1 << 40, u64::MAX] {
                let mut lying = sound.clone();
                if let Some(Block::U64(last)) = lying.last_mut() {
                    last[0] = number;
                }
                assert!(!read(lying), "{} of {number} cells", summary.name());
            }
            let mut short = sound.clone();
            short[0] = Block::empty(short[0].kind());
            assert!(!read(short), "{} of nothing", summary.name());
        }
    }
}
