//! Whether what a program reads is read for each chunk by itself, or read once and exchanged. Chunks that
//! lie otherwise than what they are made of want a little of many blocks; where each block would be read
//! and decoded again and again for that, it is read once, cut into pieces, and each piece sent to the
//! chunk that wants it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::work::Work;
use crate::array::{ArraySource, Cuts, Grid, Region, cells, shape_of};
use crate::program::Want;

/// So many chunks tell what all of them want.
const SAMPLES: u64 = 64;
/// Pieces are to be no smaller than this.
const SMALLEST_PIECE: u64 = 64 << 10;

/// The reads of a program that are exchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Exchange(Vec<Exchanged>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Exchanged {
    /// Which of the program's reads.
    read: usize,
    /// What is read at a time.
    blocks: Grid,
    /// Whether blocks come from another plan, and are not read.
    #[serde(default)]
    computed: bool,
    /// About so many bytes are sent.
    #[serde(default)]
    sent: u64,
}

/// What is read at a time, of which source.
pub(super) struct Blocks<'a> {
    pub(super) source: &'a Arc<dyn ArraySource>,
    pub(super) blocks: &'a Grid,
    pub(super) computed: bool,
    pub(super) sent: u64,
}

impl Blocks<'_> {
    /// Bytes of the largest block.
    pub(super) fn largest(&self) -> u64 {
        let cells = self.blocks.largest().unwrap_or(u64::MAX);
        cells.saturating_mul(self.source.form().dtype.width() as u64)
    }
}

/// A box that a chunk wants of what is exchanged.
pub(super) struct Wanted<'a> {
    /// Its number among all that the chunk wants.
    pub(super) number: u64,
    /// Which of the reads that are exchanged it is of.
    pub(super) which: usize,
    pub(super) blocks: &'a Grid,
    pub(super) read: Want,
}

/// From when on it is worth it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    /// Bytes that would be read again.
    pub(crate) again: u64,
    /// Bytes that are read at a time.
    pub(crate) block: u64,
}

impl Exchange {
    /// What of a program is to be exchanged; none, where each chunk best reads for itself. What is computed
    /// always is, what is read from `thresholds` on.
    pub(crate) fn of(
        work: &Work,
        computed: &[Arc<dyn ArraySource>],
        thresholds: Option<Thresholds>,
    ) -> Option<Self> {
        let program = work.program();
        let reads = program.reads();
        let is_computed = |source| computed.iter().any(|known| Arc::ptr_eq(known, source));
        if thresholds.is_none() && computed.is_empty() {
            return None;
        }
        let mut costs: Vec<Cost> = reads.iter().map(|_| Cost::default()).collect();
        let count = work.count();
        let samples = count.min(SAMPLES);
        for sample in 0..samples {
            let number = (u128::from(sample) * u128::from(count) / u128::from(samples)) as u64;
            for want in program.wants(&work.region(number).1) {
                if let Some(cost) = costs.get_mut(want.read) {
                    cost.add(&want);
                }
            }
        }
        let whole: Region = program.root().shape().into_iter().map(|length| 0..length).collect();
        for want in program.wants(&whole) {
            if let Some(cost) = costs.get_mut(want.read) {
                cost.all_of(&want);
            }
        }
        let scale = count.checked_div(samples)?;
        let exchanged = reads.iter().zip(costs).enumerate().filter_map(|(read, (array, cost))| {
            let crate::lazy::Op::Read(source) = array.op() else { return None };
            let sent = cost.wanted.saturating_mul(scale);
            let computed = is_computed(source);
            let blocks = match computed {
                true => source.form().grid.clone(),
                false => cost.blocks(source.as_ref(), scale, thresholds?)?,
            };
            Some(Exchanged { read, blocks, computed, sent })
        });
        let exchanged: Vec<Exchanged> = exchanged.collect();
        (!exchanged.is_empty()).then_some(Self(exchanged))
    }

    /// Which of a program's reads are exchanged.
    pub(super) fn reads(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|exchanged| exchanged.read)
    }

    /// About so many bytes are sent.
    pub(super) fn sent(&self) -> u64 {
        self.0.iter().fold(0, |sent, exchanged| exchanged.sent.saturating_add(sent))
    }

    /// How many reads are exchanged.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it fits what it is said to be of.
    pub(super) fn fits(&self, work: &Work) -> bool {
        (0..self.0.len()).all(|which| {
            self.get(work, which).is_some_and(|read| {
                read.blocks.is_sound() && read.blocks.shape() == read.source.form().shape()
            })
        })
    }

    /// One of the reads.
    pub(super) fn get<'a>(&'a self, work: &'a Work, which: usize) -> Option<Blocks<'a>> {
        let Exchanged { read, blocks, computed, sent } = self.0.get(which)?;
        let (computed, sent) = (*computed, *sent);
        match work.program().reads().get(*read)?.op() {
            crate::lazy::Op::Read(source) => Some(Blocks { source, blocks, computed, sent }),
            _ => None,
        }
    }

    /// What a chunk wants of what is exchanged.
    pub(super) fn wants(&self, work: &Work, number: u64) -> Vec<Wanted<'_>> {
        let wants = work.program().wants(&work.region(number).1).into_iter().enumerate();
        wants
            .filter_map(|(number, read)| {
                let which = self.0.iter().position(|exchanged| exchanged.read == read.read)?;
                let blocks = &self.0.get(which)?.blocks;
                Some(Wanted { number: number as u64, which, blocks, read })
            })
            .collect()
    }
}

/// What reading for each chunk by itself costs.
#[derive(Default)]
struct Cost {
    /// Bytes that are wanted, and of the chunks that have to be decoded for them.
    wanted: u64,
    decoded: u64,
    /// How long the longest box that is wanted is.
    longest: Vec<u64>,
    /// Bytes of all chunks that are touched at all.
    all: u64,
}

impl Cost {
    fn add(&mut self, want: &Want) {
        self.wanted = self.wanted.saturating_add(want.bytes());
        self.decoded = self.decoded.saturating_add(decoded(want));
        let shape = shape_of(want.region());
        self.longest.resize(shape.len(), 1);
        for (longest, length) in self.longest.iter_mut().zip(shape) {
            *longest = length.max(*longest);
        }
    }

    fn all_of(&mut self, want: &Want) {
        // Boxes may overlap: there is no more than there is.
        let form = want.source.form();
        let there = cells(&form.shape()).unwrap_or(u64::MAX);
        let there = there.saturating_mul(form.dtype.width() as u64);
        self.all = self.all.saturating_add(decoded(want)).min(there);
    }

    /// What is to be read at a time, if it is worth it to exchange.
    fn blocks(self, source: &dyn ArraySource, scale: u64, thresholds: Thresholds) -> Option<Grid> {
        let (wanted, decoded) =
            (self.wanted.saturating_mul(scale), self.decoded.saturating_mul(scale));
        let again = decoded.saturating_sub(self.all);
        // What is sent costs about what decoding it costs.
        let worth = !source.reads_parts() && again > wanted && again >= self.all;
        if thresholds.again > 0 && !(worth && again >= thresholds.again) {
            return None;
        }
        Some(coarser(source, &self.longest, thresholds.block))
    }
}

/// The bytes of the chunks that a box touches.
fn decoded(want: &Want) -> u64 {
    let grid = &want.source.form().grid;
    let touched = grid.touched(want.region());
    let lengths = touched.iter().zip(&grid.0).map(|(pieces, cuts)| {
        let ends = pieces.end.checked_sub(1).map_or(0, |last| cuts.piece(last).end);
        ends.saturating_sub(cuts.piece(pieces.start).start)
    });
    let cells = cells(&lengths.collect::<Vec<_>>()).unwrap_or(u64::MAX);
    cells.saturating_mul(want.source.form().dtype.width() as u64)
}

/// The chunks of a source, as many taken together as it takes for pieces of a decent size: along the
/// dimensions where more of them are wanted than one has.
fn coarser(source: &dyn ArraySource, wanted: &[u64], most: u64) -> Grid {
    let form = source.form();
    let width = form.dtype.width() as u64;
    let shape = form.shape();
    let mut block: Vec<u64> = form.grid.0.iter().map(Cuts::longest).collect();
    let bytes = |lengths: &[u64]| cells(lengths).unwrap_or(u64::MAX).saturating_mul(width);
    loop {
        let piece: Vec<u64> = block.iter().zip(wanted).map(|(a, b)| *a.min(b)).collect();
        if bytes(&piece) >= SMALLEST_PIECE {
            break;
        }
        let more = (0..block.len())
            .filter(|at| block.get(*at).zip(wanted.get(*at)).is_some_and(|(a, b)| a < b))
            .max_by_key(|at| wanted.get(*at).zip(block.get(*at)).map(|(b, a)| b / a.max(&1)));
        let Some(at) = more else { break };
        let mut next = block.clone();
        if let (Some(length), Some(whole)) = (next.get_mut(at), shape.get(at)) {
            *length = length.saturating_mul(2).min(*whole);
        }
        if next == block || bytes(&next) > most {
            break;
        }
        block = next;
    }
    let along = form.grid.0.iter().zip(block).map(|(cuts, length)| match cuts {
        Cuts::Even { length: whole, piece } if length > *piece => Cuts::even(*whole, length),
        _ => cuts.clone(),
    });
    Grid(along.collect())
}
